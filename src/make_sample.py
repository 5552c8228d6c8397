"""Make up a small sample in the format of a benchmark's files, to try everything out without an account."""

from pooled_bert.base.command_line import Parser
from pooled_bert.base.errors import run_command
from pooled_bert.base.rules import PLACE, SEED, Number
from pooled_bert.benchmarks.benchmark import Benchmark
from pooled_bert.runs.options import add_benchmark

ROWS = Number(int, 1, 10_000_000)


def main() -> None:
    """Parse, write, print."""
    parser = Parser(description=__doc__)
    parser.add_argument("folder", type=PLACE, help="folder to write the files to, e.g. build/sample")
    add_benchmark(parser, "benchmark whose files are made up")
    parser.add_argument("--rows", type=ROWS, default=2000, help="training rows (default: 2000)")
    parser.add_argument("--test-rows", type=ROWS, default=500, help="test rows (default: 500)")
    parser.add_argument(
        "--seed", type=SEED, default=0, help="the same seed makes the same files (default: 0)"
    )
    args = parser.parse_args()

    from pooled_bert.data.sample import write_sample

    benchmark = known_classes(args.benchmark)
    write_sample(args.folder, benchmark, rows=args.rows, test_rows=args.test_rows, seed=args.seed)
    rows = f"{args.rows} training rows" + (f" and {args.test_rows} test rows" if benchmark.test_file else "")
    print(f"{args.folder}: {rows}, all made up")


def known_classes(benchmark: Benchmark) -> Benchmark:
    """Return the record with its classes, for which the own table of a user is read."""
    if not benchmark.class_column:
        return benchmark

    from pooled_bert.data.rows import find_data, read_train, with_classes

    return with_classes(benchmark, read_train(benchmark, find_data(benchmark, None)))


if __name__ == "__main__":
    run_command(main)

"""Hold runs against the first of them: AUC with paired intervals, decisions at 0.5, confusion matrices, cost."""

import argparse
from pathlib import Path

from pooled_bert.benchmarks import BENCHMARKS
from pooled_bert.errors import run_command

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Read the runs, compare, print."""
    args = parse_arguments()

    from pooled_bert.comparison import check_labels, comparison_report
    from pooled_bert.ensemble import check_same_rows
    from pooled_bert.files import check_name
    from pooled_bert.predictions import read_run
    from pooled_bert.rows import find_data, read_rows

    benchmark = BENCHMARKS[args.benchmark]
    check_labels(args.without, benchmark)
    rows = read_rows(benchmark, find_data(benchmark, args.data, ROOT))
    folder = args.workspace / "folds" / benchmark.name / "runs"
    runs = [read_run(folder / check_name("--run", name), args.folds) for name in dict.fromkeys(args.run)]
    check_same_rows(runs, rows.checksums())
    print(comparison_report(runs, rows.train, benchmark, without=args.without, confusion=args.confusion))


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--benchmark", choices=tuple(BENCHMARKS), default="jigsaw", help="what was learnt")
    parser.add_argument("--run", nargs="+", required=True, help="runs; the others are held against the first")
    parser.add_argument("--folds", type=int, nargs="+", help="these folds only (default: those finished)")
    parser.add_argument(
        "--without", nargs="+", default=[], metavar="LABEL", help="show the AUC without these labels too"
    )
    parser.add_argument("--confusion", action="store_true", help="show each run's confusion matrices")
    parser.add_argument("--data", help="folder of the benchmark's files (default: the usual places)")
    parser.add_argument(
        "--workspace", type=Path, default=ROOT, help="where folds/ is (default: this checkout)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)

"""Compare runs with the first of them: AUC with paired intervals, decisions at 0.5, confusion matrices, cost."""

import argparse

from pooled_bert.base.command_line import Parser
from pooled_bert.base.errors import run_command
from pooled_bert.base.rules import NAME
from pooled_bert.runs.options import add_benchmark, add_data, add_folds, add_workspace


def main() -> None:
    """Read the runs, compare, print."""
    args = parse_arguments()

    from pooled_bert.data.rows import find_data, read_train, table_checksum, with_classes
    from pooled_bert.results.run_comparison import check_labels, comparison_report
    from pooled_bert.runs.comparable_runs import check_same_rows
    from pooled_bert.runs.finished_runs import read_run

    train = read_train(args.benchmark, find_data(args.benchmark, args.data))
    benchmark = with_classes(args.benchmark, train)
    check_labels(args.without, benchmark)
    folder = args.workspace.runs(benchmark.name)
    runs = [read_run(folder / name, args.folds) for name in dict.fromkeys(args.run)]
    check_same_rows(runs, {"train": table_checksum(train)})  # the test rows may differ
    print(comparison_report(runs, train, benchmark, without=args.without, confusion=args.confusion))


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(description=__doc__)
    add_benchmark(parser)
    parser.add_argument(
        "--run",
        type=NAME,
        nargs="+",
        required=True,
        metavar="NAME",
        help="runs; the others are compared with the first",
    )
    add_folds(parser)
    parser.add_argument(
        "--without",
        nargs="+",
        default=[],
        metavar="LABEL",
        help="show also the mean AUC without these labels",
    )
    parser.add_argument("--confusion", action="store_true", help="show each run's confusion matrices")
    add_data(parser)
    add_workspace(parser)
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)

"""Report what runs have learnt: one HTML page that works offline, its figures as PNG, and one model card per run."""

import argparse

from pooled_bert.base.command_line import Parser
from pooled_bert.base.errors import run_command
from pooled_bert.base.rules import LINE, NAME, PLACE
from pooled_bert.runs.options import add_benchmark, add_data, add_folds, add_workspace

OOF = ("oof.csv",)


def main() -> None:
    """Read the runs, draw, write, print the paths."""
    args = parse_arguments()

    from pooled_bert.base.files import output
    from pooled_bert.data.rows import find_data, read_train, table_checksum, with_classes
    from pooled_bert.report.model_card import write_model_card
    from pooled_bert.report.page import PAGE
    from pooled_bert.report.report import make_report
    from pooled_bert.results.score_tables import best_run
    from pooled_bert.results.thresholds import keep_thresholds
    from pooled_bert.runs.comparable_runs import check_same_rows, on_same_folds
    from pooled_bert.runs.finished_runs import read_run, read_runs

    train = read_train(args.benchmark, find_data(args.benchmark, args.data))
    benchmark = with_classes(args.benchmark, train)
    folder = args.workspace.runs(benchmark.name)
    checksum = table_checksum(train)
    others = [run for run in read_runs(folder, tables=OOF) if run.identity["data"]["train"] == checksum]
    names = dict.fromkeys(args.run or [best_run(others, folder, benchmark.score).name])
    shown = [read_run(folder / name, args.folds, tables=OOF) for name in names]
    check_same_rows(shown, {"train": checksum})
    runs = [*shown, *(run for run in on_same_folds(shown[0], others) if run.name not in names)]
    place = args.output or args.workspace.report(benchmark.name)
    with output(place / PAGE, overwrite=True):
        path, sections = make_report(
            shown,
            runs,
            folder,
            train,
            benchmark,
            output=place,
            masked=benchmark.is_offensive and not args.raw,
            explained=not args.no_explanations,
        )
        print(path)
        for run, section in zip(shown, sections, strict=True):
            if section.thresholds:
                keep_thresholds(folder / run.name, run, section.thresholds)
            facts = {"licence": args.license, "base_model": args.base_model}
            print(write_model_card(folder / run.name, run, section, benchmark, **facts))


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(description=__doc__)
    add_benchmark(parser)
    parser.add_argument(
        "--run",
        type=NAME,
        nargs="+",
        metavar="NAME",
        help="runs to show in full (default: the best); one table lists all other runs too",
    )
    add_folds(parser)
    parser.add_argument("--raw", action="store_true", help="show offensive words unmasked")
    parser.add_argument(
        "--no-explanations",
        action="store_true",
        help="do not explain the worst mistakes, which takes about as long as to predict a few thousand texts",
    )
    add_data(parser)
    add_workspace(parser)
    parser.add_argument(
        "--license",
        type=LINE,
        metavar="ID",
        help="licence of the model for its card, as Hugging Face names it, e.g. apache-2.0 (default: not stated)",
    )
    parser.add_argument(
        "--base-model",
        type=LINE,
        metavar="NAME",
        help="the encoder's name on the Hugging Face Hub for the model card (default: the run's --encoder, if that is"
        " one)",
    )
    parser.add_argument(
        "--output",
        type=PLACE,
        metavar="FOLDER",
        help="folder to write report.html and the figures to (default: folds/<benchmark>/report)",
    )
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)

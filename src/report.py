"""Report what runs have learnt: one HTML page that works offline, its figures as PNG, and one model card per run."""

import argparse

from pooled_bert.base.command_line import Parser
from pooled_bert.base.errors import run_command
from pooled_bert.base.rules import LINE, NAME, PLACE
from pooled_bert.runs.options import add_benchmark, add_data, add_folds, add_workspace


def main() -> None:
    """Read the runs, draw, write, print the paths."""
    args = parse_arguments()

    from pooled_bert.data.rows import find_data, read_train, table_checksum, with_classes
    from pooled_bert.report.model_card import write_model_card
    from pooled_bert.report.page import write_report
    from pooled_bert.report.run_section import run_section
    from pooled_bert.report.sections import data_section, runs_section
    from pooled_bert.results.blend import check_same_rows
    from pooled_bert.results.run_comparison import confusion_table
    from pooled_bert.results.score_tables import best_run
    from pooled_bert.results.thresholds import keep_thresholds
    from pooled_bert.runs.fold_files import on_same_folds, read_run, read_runs

    train = read_train(args.benchmark, find_data(args.benchmark, args.data))
    benchmark = with_classes(args.benchmark, train)
    folder = args.workspace.runs(benchmark.name)
    checksum = table_checksum(train)
    others = [run for run in read_runs(folder) if run.identity["data"]["train"] == checksum]
    names = dict.fromkeys(args.run or [best_run(others, folder, benchmark.score).name])
    runs = [read_run(folder / name, args.folds, tables=("oof.csv",)) for name in names]
    check_same_rows(runs, {"train": checksum})
    parts = [run_section(run, folder / run.name, train, benchmark) for run in runs]
    confusions = {}
    if benchmark.target.is_exclusive:
        confusions = {run.name: confusion_table(run, train, benchmark) for run in runs}
    sections = [
        runs_section(on_same_folds(runs[0], others), benchmark, confusions),
        data_section(train, runs[0], benchmark),
        *parts,
    ]
    masked = benchmark.is_offensive and not args.raw
    output = args.output or args.workspace.report(benchmark.name)
    print(write_report(output, benchmark.title, sections, train, noun=benchmark.noun, masked=masked))
    for run, part in zip(runs, parts, strict=True):
        if part.thresholds:
            keep_thresholds(folder / run.name, run, part.thresholds)
        facts = {"licence": args.license, "base_model": args.base_model}
        print(write_model_card(folder / run.name, run, part, benchmark, **facts))


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

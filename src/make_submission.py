"""Average the folds of one or several runs into a checked submission, and print its out-of-fold scores."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pooled_bert.base.command_line import Parser
from pooled_bert.base.errors import InputError, run_command
from pooled_bert.base.rules import FOLD, LINE, NAME, PLACE
from pooled_bert.benchmarks.targets import SCALES
from pooled_bert.runs.options import add_benchmark, add_data, add_workspace

if TYPE_CHECKING:
    from pooled_bert.results.scored_submission import ScoredSubmission


def main() -> None:
    """Read the runs, blend, check, write, print."""
    args = parse_arguments()

    from pooled_bert.results.submission import check_complete, provenance, write_submission
    from pooled_bert.runs.comparable_runs import with_common_folds
    from pooled_bert.runs.finished_runs import read_run

    check_options(args)
    data = folder_of_data(args)
    folder = args.workspace.runs(args.benchmark.name)
    names = list(dict.fromkeys(args.run))
    if args.finished:
        names = with_finished_folds(folder, names)
    runs = [read_run(folder / name, args.folds) for name in names]
    if args.folds is None and not args.finished:
        check_complete(runs)
    name = args.name or "-".join([args.benchmark.name, *names])
    scored_runs = with_common_folds(runs) if args.finished else runs
    made = with_data(args, runs, scored_runs, data, name) if data else without_data(args, runs, scored_runs)
    if made.table is None:
        report_without_test_rows(args, made.report)
        return
    path = args.output or args.workspace.submissions / f"{name}.csv"
    write_submission(path, made.table, provenance(made.blend, made.scores))
    print(f"{path}: {len(made.table)} rows, checked\n{made.report}")
    if args.submit:
        send(path, args.benchmark, args.message)


def check_options(args: argparse.Namespace) -> None:
    """Raise InputError for options that do not go together, and for an output that must not be replaced."""
    from pooled_bert.results.submission import check_place

    if args.finished and args.folds is not None:
        raise InputError("--finished: uses every finished fold, and --folds names some; give one of the two")
    if args.output and args.name:
        raise InputError("--output: is the whole path of the file, and --name its name; give one of the two")
    if args.as_run and args.blend == "rank":
        raise InputError("--as-run: keeps probabilities, and --blend rank makes none; give another --blend")
    if args.message and not args.submit:
        raise InputError("--message: is for Kaggle; add --submit, or leave it out")
    if args.output:
        check_place(args.output)


def with_finished_folds(folder: Path, names: list[str]) -> list[str]:
    """Return the names of the runs that have a finished fold, and report the others; if none has one, return all."""
    from pooled_bert.runs.fold_files import finished_folds

    finished = [name for name in names if finished_folds(folder / name)]
    for name in names:
        if finished and name not in finished:
            print(f"note: run {name!r} is left out: it has no finished fold", file=sys.stderr)
    return finished or names


def folder_of_data(args: argparse.Namespace) -> Path | None:
    """Return the folder of the benchmark's files, or None if they are not here but a run's test predictions are."""
    from pooled_bert.data.rows import find_data

    try:
        return find_data(args.benchmark, args.data)
    except InputError:
        runs = args.workspace.runs(args.benchmark.name)
        if args.data is not None or not all(list(runs.glob(f"{name}/fold_*/test.csv")) for name in args.run):
            raise
    return None


def with_data(
    args: argparse.Namespace, runs: list, scored_runs: list, data: Path, name: str
) -> "ScoredSubmission":
    """Blend the runs, and score them by the rows in ``data``."""
    from pooled_bert.data.rows import read_answers, read_rows
    from pooled_bert.results.scored_submission import scored_submission

    rows = read_rows(args.benchmark, data)
    return scored_submission(
        runs,
        scored_runs,
        rows,
        name=name,
        how=args.blend,
        find="equal" if args.finished and len(scored_runs[0].folds) < 2 else args.weights,
        answers=read_answers(args.answers, rows) if args.answers else rows.test_labels,
        kept_as=args.workspace.run(rows.benchmark.name, args.as_run) if args.as_run else None,
    )


def without_data(args: argparse.Namespace, runs: list, scored_runs: list) -> "ScoredSubmission":
    """Blend runs whose benchmark's files are not on this machine."""
    from pooled_bert.results.scored_submission import submission_without_rows

    if args.as_run:
        raise InputError(f"--as-run {args.as_run}: needs the training rows; give --data")
    if args.answers:
        raise InputError(f"--answers {args.answers}: needs the test rows; give --data")
    if args.weights != "equal":
        raise InputError(f"--weights {args.weights}: needs the labels of the training rows; give --data")
    print(
        f"note: the files of {args.benchmark.title} are not here: ids are those of the test predictions, and scores"
        " those that each training recorded",
        file=sys.stderr,
    )
    return submission_without_rows(runs, scored_runs, args.benchmark, args.blend)


def report_without_test_rows(args: argparse.Namespace, report: str) -> None:
    """Print the scores where there is nothing to submit; raises InputError if there should be."""
    print(report)
    title = args.benchmark.title
    if args.benchmark.test_file is not None or args.submit:
        raise InputError(f"{title}: there are no test rows, so no submission is written")
    print(f"note: {title} has no test rows, so there is nothing to submit", file=sys.stderr)


def send(path: Path, benchmark, given: str | None) -> None:
    """Submit a file to the benchmark's competition, with the message ``given``; None: with the usual one."""
    from pooled_bert.kernels.clock import Clock
    from pooled_bert.kernels.connection import Connection
    from pooled_bert.kernels.submit import message_for, submit

    message = message_for(path, given)
    print(f"{path}: submitted as {submit(Connection(Clock()), path, benchmark, message)!r}")


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(description=__doc__)
    add_benchmark(parser)
    parser.add_argument(
        "--run", type=NAME, nargs="+", default=["bert"], metavar="NAME", help="runs to blend (default: bert)"
    )
    parser.add_argument(
        "--blend",
        choices=SCALES,
        default="logit",
        help="average the runs' probabilities (mean), ranks (rank) or log-odds (logit) (default: logit)",
    )
    parser.add_argument(
        "--weights",
        choices=("equal", "greedy", "stack", "trees"),
        default="equal",
        help="weights of the runs: equal, or found on out-of-fold rows: greedily for the best score (greedy), by a"
        " logistic regression per label (stack), or by boosted trees per label, which see the other labels and how the"
        " text is written too (trees) (default: equal)",
    )
    parser.add_argument(
        "--folds",
        type=FOLD,
        nargs="+",
        metavar="FOLD",
        help="use these folds only (default: all; none may be missing)",
    )
    parser.add_argument(
        "--finished",
        action="store_true",
        help="use every fold that is finished: runs without any are left out, and weights are found on the folds that"
        " all runs have (equal weights if that is one fold)",
    )
    parser.add_argument(
        "--name",
        type=NAME,
        help="name of the file in submissions/, without .csv (default: benchmark and runs)",
    )
    parser.add_argument(
        "--output",
        type=PLACE,
        metavar="FILE",
        help="path of the submission, and of the .json beside it (default: --name in submissions/)",
    )
    parser.add_argument(
        "--as-run",
        type=NAME,
        metavar="NAME",
        help="keep the blend as a run of this name too: for comparisons, reports and --pseudo of train_folds.py",
    )
    parser.add_argument(
        "--answers",
        type=PLACE,
        metavar="FILE",
        help="CSV of the test rows' ids and labels, -1 for rows that do not count: scores the submission",
    )
    add_data(parser)
    add_workspace(parser)
    parser.add_argument("--submit", action="store_true", help="submit the file to the competition on Kaggle")
    parser.add_argument(
        "-m",
        "--message",
        type=LINE,
        help="text that Kaggle shows beside the file (default: the runs and their score)",
    )
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)

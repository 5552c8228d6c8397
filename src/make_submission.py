"""Average the folds of one or several runs into a checked submission, and print its out-of-fold scores."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from pooled_bert.base.command_line import Parser
from pooled_bert.base.errors import InputError, run_command
from pooled_bert.base.rules import FOLD, LINE, NAME, PLACE
from pooled_bert.runs.options import add_benchmark, add_data, add_workspace


def main() -> None:
    """Read the runs, blend, check, write, print."""
    args = parse_arguments()

    from pooled_bert.results.submission import check_complete, provenance, write_submission
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
    blend, scores, table, report = with_data(args, runs, data, name) if data else without_data(args, runs)
    if table is None:
        print(report)
        return
    path = args.output or args.workspace.submissions / f"{name}.csv"
    write_submission(path, table, provenance(blend, scores))
    print(f"{path}: {len(table)} rows, checked\n{report}")
    if args.submit:
        send(path, args.benchmark, args.message)


def check_options(args: argparse.Namespace) -> None:
    """Raise InputError for options that do not go together, and for an output that must not be replaced."""
    from pooled_bert.results.submission import check_place

    if args.finished and args.folds is not None:
        raise InputError("--finished: uses every finished fold, and --folds names some; give one of the two")
    if args.output and args.name:
        raise InputError("--output: is the whole path of the file, and --name its name; give one of the two")
    if args.output:
        check_place(args.output)


def with_finished_folds(folder: Path, names: list[str]) -> list[str]:
    """Return the names of the runs that have a finished fold, and report the others; if none has one, return all."""
    from pooled_bert.runs.finished_runs import finished_folds

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


def with_data(args: argparse.Namespace, runs: list, data: Path, name: str) -> tuple:
    """Score the runs and their blend; returns the blend, its scores, the table to submit, and a report to print.

    The table is None if there is nothing to submit.
    """
    from pooled_bert.data.rows import read_answers, read_rows
    from pooled_bert.results.blend import check_blendable, make_blend, with_common_folds
    from pooled_bert.results.blend_report import blend_report, blend_scores
    from pooled_bert.results.blend_run import check_is_new, write_blend_run
    from pooled_bert.results.score_tables import (
        best_alone,
        comparison,
        format_scores,
        headline,
        notes_on,
        rank_scores,
        score_row,
    )
    from pooled_bert.results.submission import submission_table, submitted

    rows = read_rows(args.benchmark, data)
    benchmark = rows.benchmark
    if args.as_run:
        check_is_new(args.workspace.run(benchmark.name, args.as_run))
    answers = read_answers(args.answers, rows) if args.answers else rows.test_labels
    scored_runs = with_common_folds(runs) if args.finished else runs
    check_blendable(scored_runs, rows.checksums())
    find = "equal" if args.finished and len(scored_runs[0].folds) < 2 else args.weights
    blend = make_blend(
        scored_runs, benchmark.target, args.blend, find, rows.train, benchmark.score, rows.test
    )
    notes = notes_on(runs, benchmark)
    scores, table = blend_scores(blend, rows.train, benchmark)
    lines = [headline("out of fold", table, benchmark, notes)]
    if len(runs) == 1:
        details = [format_scores(f"{benchmark.name} {runs[0].name}", table)]
    else:
        lines.append(best_alone(runs, benchmark))
        each = format_scores("each run alone", comparison(runs, benchmark), notes)
        details = [blend_report(blend, table, benchmark, notes), each]
    if args.as_run:
        write_blend_run(args.workspace.run(benchmark.name, args.as_run), blend, rows)
    blend = replace(blend, runs=runs)  # the test rows are predicted by every finished fold
    if benchmark.test_file is None and not args.submit:
        print(f"note: {benchmark.title} has no test rows, so there is nothing to submit", file=sys.stderr)
        return blend, scores, None, "\n\n".join(["\n".join(lines), *details])
    if rows.template is None:
        print("\n\n".join(["\n".join(lines), *details]))
        raise InputError(f"{benchmark.title}: there are no test rows, so no submission is written")
    table = submission_table(blend.test(), rows.template, benchmark)
    if answers is not None:
        scored = score_row(table, answers, benchmark, "test")
        scored = rank_scores(scored, benchmark) if args.blend == "rank" else scored
        lines.append(headline(name, scored, benchmark, []))
        if benchmark.medals:
            lines.append(f"on the private leaderboard: {benchmark.medals.named(scored['mean AUC'].iloc[0])}")
        details.append(format_scores(f"{benchmark.name} {name}", scored, notes, of="test"))
    return blend, scores, submitted(table, rows), "\n\n".join(["\n".join(lines), *details])


def without_data(args: argparse.Namespace, runs: list) -> tuple:
    """Blend runs whose benchmark's files are not on this machine; returns what ``with_data`` does.

    The ids are those of the test predictions; the scores are those that the trainings recorded.
    """
    from pooled_bert.results.blend import blend_equally, check_blendable
    from pooled_bert.results.submission import submission_of_predictions

    if args.as_run:
        raise InputError(f"--as-run {args.as_run}: needs the training rows; give --data")
    if args.weights != "equal":
        raise InputError(f"--weights {args.weights}: needs the labels of the training rows; give --data")
    print(
        f"note: the files of {args.benchmark.title} are not here: ids are those of the test predictions, and scores"
        " those that each training recorded",
        file=sys.stderr,
    )
    data = runs[0].identity.get("data", {})
    check_blendable(runs, {name: data.get(name) for name in ("train", "test")})
    report = "\n".join(
        f"{run.name}: mean AUC {run.recorded_auc:.4f} (mean over {len(run.folds)} folds, out of fold)"
        for run in runs
    )
    blend = blend_equally(runs, args.benchmark.target, args.blend)
    scores = {"oof_mean_auc": sum(run.recorded_auc for run in runs) / len(runs)}
    return blend, scores, submission_of_predictions(blend.test(), args.benchmark), report


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
        choices=("mean", "rank", "logit"),
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

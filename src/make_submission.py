"""Average the folds of one or several runs into a checked submission, and print its out-of-fold scores."""

import argparse
import sys

from pooled_bert.base.command_line import Parser
from pooled_bert.base.errors import InputError, run_command
from pooled_bert.base.rules import FOLD, LINE, NAME
from pooled_bert.runs.options import add_benchmark, add_data, add_workspace


def main() -> None:
    """Read the runs, blend, check, write, print."""
    args = parse_arguments()

    from pooled_bert.data.rows import find_data, read_rows
    from pooled_bert.results.blend import check_blendable, make_blend
    from pooled_bert.results.blend_report import blend_report, blend_scores
    from pooled_bert.results.score_tables import (
        format_scores,
        notes_on,
        rank_scores,
        run_notes,
        score_row,
        score_table,
    )
    from pooled_bert.results.submission import (
        check_complete,
        provenance,
        submission_table,
        submit,
        submitted,
        write_submission,
    )
    from pooled_bert.runs.fold_files import read_run

    rows = read_rows(args.benchmark, find_data(args.benchmark, args.data))
    benchmark = rows.benchmark
    folder = args.workspace.runs(benchmark.name)
    names = list(dict.fromkeys(args.run))
    runs = [read_run(folder / name, args.folds) for name in names]
    if args.folds is None:
        check_complete(runs)
    check_blendable(runs, rows.checksums())
    for run in runs:
        table = score_table(run.oof, rows.train, benchmark)
        print(format_scores(f"{benchmark.name} {run.name}", table, run_notes(run, benchmark)), end="\n\n")
    blend = make_blend(runs, benchmark.target, args.blend, args.weights, rows.train, benchmark.score)
    notes = notes_on(runs, benchmark)
    scores, table = blend_scores(blend, rows.train, benchmark)
    if len(runs) > 1:
        print(blend_report(blend, table, benchmark, notes), end="\n\n")

    if benchmark.test_file is None and not args.submit:
        print(f"note: {benchmark.title} has no test rows, so there is nothing to submit", file=sys.stderr)
        return
    if rows.template is None:
        raise InputError(f"{benchmark.title}: there are no test rows, so no submission is written")
    table = submission_table(blend.test(), rows.template, benchmark)
    name = args.name or "-".join([benchmark.name, *names])
    path = args.workspace.submissions / f"{name}.csv"
    write_submission(path, submitted(table, rows), provenance(blend, scores))
    print(f"{path}: {len(table)} rows, checked")
    if rows.test_labels is not None:
        scored = score_row(table, rows.test_labels, benchmark, "test")
        scored = rank_scores(scored, benchmark) if args.blend == "rank" else scored
        print(format_scores(f"{benchmark.name} {path.stem}", scored, notes, of="test"))
    if args.submit:
        if rows.made_up:
            raise InputError(
                f"{path}: was made from made-up rows, so it is not submitted; leave out --submit"
            )
        default = f"{args.blend} of {', '.join(names)}: {scores['oof_mean_auc']:.4f} out of fold"
        submit(path, benchmark, args.message or default)


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
        choices=("equal", "greedy", "stack"),
        default="equal",
        help="weights of the runs: equal, or found on out-of-fold rows: greedily for the best score (greedy), or by a"
        " logistic regression (stack) (default: equal)",
    )
    parser.add_argument(
        "--folds",
        type=FOLD,
        nargs="+",
        metavar="FOLD",
        help="use these folds only (default: all; none may be missing)",
    )
    parser.add_argument(
        "--name",
        type=NAME,
        help="name of the file in submissions/, without .csv (default: benchmark and runs)",
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

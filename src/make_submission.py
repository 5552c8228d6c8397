"""Average the folds of one or several runs into a checked submission, and say what it scores."""

import argparse
from pathlib import Path

from pooled_bert.benchmarks import BENCHMARKS
from pooled_bert.errors import InputError, run_command

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Read the runs, blend, check, write, print."""
    args = parse_arguments()

    from pooled_bert.ensemble import blend_oof, blend_test, check_blendable
    from pooled_bert.files import check_name
    from pooled_bert.predictions import read_run
    from pooled_bert.rows import find_data, read_rows
    from pooled_bert.scores import format_scores, run_notes, score_row, score_table
    from pooled_bert.submission import check_complete, provenance, submission_table, submit, write_submission

    benchmark = BENCHMARKS[args.benchmark]
    rows = read_rows(benchmark, find_data(benchmark, args.data, ROOT))
    folder = args.workspace / "folds" / benchmark.name / "runs"
    runs = [read_run(folder / check_name("--run", name), args.folds) for name in args.run]
    if args.folds is None:
        check_complete(runs)
    check_blendable(runs, rows.checksums())
    for run in runs:
        table = score_table(run, rows.train, benchmark)
        print(format_scores(f"{benchmark.name} {run.name}", table, run_notes(run)), end="\n\n")
    notes = sorted({note for run in runs for note in run_notes(run)})
    unfit = ["accuracy"] if args.blend == "rank" else []  # 0.5 is no threshold among ranks
    blended = score_row(blend_oof(runs, args.blend), rows.train, benchmark, "pooled").drop(columns=unfit)
    pooled_auc = float(blended["mean AUC"].iloc[0])
    if len(runs) > 1:
        title = f"{benchmark.name} {args.blend} of {', '.join(args.run)}"
        print(format_scores(title, blended, notes), end="\n\n")

    table = submission_table(blend_test(runs, args.blend), rows.template, benchmark)
    name = check_name("--name", args.name) if args.name else "-".join([benchmark.name, *args.run])
    path = args.workspace / "submissions" / f"{name}.csv"
    write_submission(path, table, provenance(runs, args.blend, pooled_auc))
    print(f"{path}: {len(table)} rows, checked")
    if rows.test_labels is not None:
        scored = score_row(table, rows.test_labels, benchmark, "test").drop(columns=unfit)
        print(format_scores(f"{benchmark.name} {path.stem}", scored, notes, of="test"))
    if args.submit:
        if rows.made_up:
            raise InputError(f"{path}: is of made-up rows; it is not handed to a competition")
        default = f"{args.blend} of {', '.join(args.run)}: {pooled_auc:.4f} out of fold"
        submit(path, benchmark, args.message or default)


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--benchmark", choices=tuple(BENCHMARKS), default="jigsaw", help="what was learnt")
    parser.add_argument("--run", nargs="+", default=["bert"], help="runs to average, each weighing the same")
    parser.add_argument(
        "--blend", choices=("mean", "rank", "logit"), default="mean", help="of what to take the mean"
    )
    parser.add_argument(
        "--folds", type=int, nargs="+", help="use these folds only (default: all, none may be missing)"
    )
    parser.add_argument("--name", help="of the file in submissions/ (default: benchmark and runs)")
    parser.add_argument("--data", help="folder of the benchmark's files (default: the usual places)")
    parser.add_argument(
        "--workspace",
        type=Path,
        default=ROOT,
        help="where folds/ and submissions/ are (default: this checkout)",
    )
    parser.add_argument("--submit", action="store_true", help="hand the file to the competition on Kaggle")
    parser.add_argument(
        "-m", "--message", help="what Kaggle shows beside it (default: the runs and their score)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)

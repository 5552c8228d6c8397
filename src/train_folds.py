"""Train the folds of a run, and print its out-of-fold ROC AUC; each fold also predicts the test rows."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pooled_bert.base.command_line import Parser
from pooled_bert.base.deadline import Deadline
from pooled_bert.base.errors import InputError, run_command
from pooled_bert.base.rules import FOLD, NAME
from pooled_bert.benchmarks.benchmark import NO_GROUP
from pooled_bert.runs.options import (
    add_data,
    add_learnt_rows,
    add_options,
    add_times,
    add_workspace,
    check_folds,
    default_run,
    settings_from,
)
from pooled_bert.training.settings import RunSettings

if TYPE_CHECKING:
    import pandas as pd

    from pooled_bert.data.rows import Rows

# For --quick. RectifiedAdam needs some hundred steps to warm up, so the batches are small.
QUICK = {"limit": 1500, "epochs": 1, "batch_size": 8, "learning_rate": 2e-4}


def main() -> None:
    """Parse, train, print."""
    args = parse_arguments()
    deadline = Deadline(args.time_limit)
    run, model = settings_from(given_settings(args))

    from pooled_bert.data.rows import find_data, read_rows
    from pooled_bert.runs.cross_validation import CrossValidation

    check_folds(args.fold or [], run.n_folds)
    rows = read_rows(args.benchmark, find_data(args.benchmark, args.data))
    work = CrossValidation(
        rows,
        run,
        model,
        name=args.run or ("quick" if args.quick else run.model),
        workspace=args.workspace,
        extra=extra_rows(args, run, rows),
        pseudo=pseudo_source(args, run.model, rows),
        predicts_test=not (args.no_test or args.quick),
    )
    print_notes(run, rows)
    folds = list(dict.fromkeys(args.fold or [])) or ([0] if args.quick else list(range(run.n_folds)))
    work.start(folds, overwrite=args.overwrite)
    for fold in folds:
        work.train_fold(fold, checkpoint_minutes=args.checkpoint_minutes, deadline=deadline)
    if work.workers.is_chief:
        print_scores(work.run_folder.path, rows)
    else:
        print("this worker is done; the chief writes the results")


def print_notes(run: RunSettings, rows: "Rows") -> None:
    """Report on stderr what limits the scores of a run: rare labels, missing test rows."""
    from pooled_bert.data.folds import rare_labels

    notes = [
        f"{label} has {count} positives for {run.n_folds} folds; a fold without any has no AUC for {label}"
        for label, count in rare_labels(rows.train, run.n_folds).items()
    ]
    test_file = rows.benchmark.test_file
    if rows.test is None and test_file:
        notes.append(f"{test_file} is missing, so no test rows are predicted and nothing can be submitted")
    for note in notes:
        print(f"note: {note}", file=sys.stderr)


def print_scores(folder: Path, rows: "Rows") -> None:
    """Print the scores of the run in ``folder``, and its place among the runs on the same rows and folds."""
    from pooled_bert.results.score_tables import (
        comparison,
        format_scores,
        headline,
        notes_on,
        run_notes,
        score_table,
        standing,
    )
    from pooled_bert.runs.comparable_runs import on_same_folds, with_folds_of
    from pooled_bert.runs.finished_runs import read_run, read_runs

    run, benchmark = read_run(folder), rows.benchmark
    title = f"{benchmark.name} {run.name}"
    table = score_table(run.oof, rows.train, benchmark)
    together = with_folds_of(run, on_same_folds(run, read_runs(folder.parent)))
    print(headline(title, table, benchmark, run_notes(run, benchmark)))
    if len(together) > 1:
        print(standing(together, benchmark))
    print("\n" + format_scores(title, table))
    if len(together) > 1:
        compared = comparison(together, benchmark)
        print("\n" + format_scores("on the same rows and folds", compared, notes_on(together, benchmark)))


def extra_rows(args: argparse.Namespace, run: RunSettings, rows: "Rows") -> "pd.DataFrame | None":
    """Return the rows of --extra, None without it; raises InputError if they are no texts or lack the groups."""
    from pooled_bert.data.rows import GROUP, read_extra

    if args.extra is None:
        return None
    rows.benchmark.require_texts("--extra")
    extra = read_extra(args.extra, rows.benchmark)
    if run.group_by not in (None, NO_GROUP) and GROUP not in extra:
        raise InputError(
            f"--extra {args.extra}: has no column {rows.benchmark.group!r}, which says what shares a fold; add it, or"
            " give --group-by none"
        )
    return extra


def given_settings(args: argparse.Namespace) -> dict:
    """Return the parsed options, after those of --quick; raises InputError if --quick has none for the model."""
    given = vars(args)
    model = given.get("model", default_run(args.benchmark))
    if args.quick and model != "bert":
        raise InputError(f"--quick: has no settings for --model {model}, only for bert; leave it out")
    return {**QUICK, **given} if args.quick else given


def pseudo_source(args: argparse.Namespace, model: str, rows: "Rows") -> tuple[str, int | None] | None:
    """Return the run whose test predictions become labels, and how many rows of it; None without ``--pseudo``.

    Raises InputError if the options do not go together, or if the data has no test rows.
    """
    if args.pseudo is None:
        if args.pseudo_rows is not None:
            raise InputError("--pseudo-rows: limits the rows of --pseudo; give --pseudo RUN too")
        return None
    if model == "linear":
        raise InputError("--pseudo: its labels are probabilities, which --model linear cannot learn from")
    if rows.test is None:
        raise InputError("--pseudo: the data has no test rows")
    return args.pseudo, args.pseudo_rows


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("--fold", type=FOLD, nargs="+", help="folds to train (default: every unfinished one)")
    parser.add_argument(
        "--run", type=NAME, metavar="NAME", help="name of this run (default: the value of --model)"
    )
    add_data(parser)
    add_learnt_rows(parser)
    parser.add_argument("--no-test", action="store_true", help="do not predict the test rows")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a first score: fold 0 from 1,500 rows, without test rows, as run quick; other options still count",
    )
    parser.add_argument("--overwrite", action="store_true", help="train finished folds again")
    add_times(parser)
    add_workspace(parser)
    add_options(parser)
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)

"""Train the plain model, and each technique added to it alone, on the same folds; report its gain and its cost.

Settings of train_folds.py and --extra, if given here, apply to every training, the plain model's included. With --tune,
settings compete instead: all on a tenth of the first fold's rows, the best third (at least two) on all of them, the
winner on all folds.
"""

import argparse
import contextlib
import time
from collections.abc import Sequence

from pooled_bert.base.command_line import Parser
from pooled_bert.base.deadline import Deadline
from pooled_bert.base.errors import INTERRUPTED_STATUS, InputError, run_command
from pooled_bert.base.rules import FOLD, MINUTES, NAME, Number
from pooled_bert.runs.options import (
    add_data,
    add_workspace,
    all_named_options,
    check_folds,
    parse_options,
    parsed_with_options,
    settings_from,
)


def main() -> None:
    """Parse, then train the folds that are not finished yet, and print the comparison; or let settings compete."""
    args, options = parse_arguments()

    from pooled_bert.runs.ablation import alone

    run_settings, _ = settings_from(vars(args))
    folds = list(dict.fromkeys(args.folds or [])) or list(range(run_settings.n_folds))
    check_folds(folds, run_settings.n_folds)
    check_together(args)
    with alone(args.workspace.ablation_logs, args.prefix):
        if args.tune:
            tune(args, options, folds, run_settings.n_folds)
        else:
            compare(args, options, folds)


def compare(args: argparse.Namespace, options: list[str], folds: list[int]) -> None:
    """Train the plain model and the techniques, and print the comparison."""
    from pooled_bert.data.rows import find_data, read_extra, read_rows
    from pooled_bert.results.run_comparison import check_labels, comparison_report
    from pooled_bert.runs.ablation import PLAIN, plan, train
    from pooled_bert.runs.finished_runs import read_run

    chosen = recipes_of(args, options)
    data_folder = find_data(args.benchmark, args.data)
    rows = read_rows(args.benchmark, data_folder)
    if args.extra:
        read_extra(args.extra, rows.benchmark)  # raises InputError before anything is trained
    benchmark = rows.benchmark
    check_labels(args.without, benchmark)
    common = (*options, "--data", str(data_folder), "--workspace", str(args.workspace.root))
    jobs = plan(chosen, folds, common, prefix=args.prefix, logs=args.workspace.ablation_logs)
    failed, started = {}, time.monotonic()
    with contextlib.closing(train(jobs, args.jobs, Deadline())) as results:
        for count, (job, status) in enumerate(results, start=1):
            if status == INTERRUPTED_STATUS:
                raise KeyboardInterrupt
            minutes_left = (time.monotonic() - started) / count * (len(jobs) - count) / 60
            print(
                f"{job.recipe}, fold {job.fold}: {'done' if status == 0 else job.last_line()}"
                f" ({count} of {len(jobs)}, {minutes_left:.0f} min left)",
                flush=True,
            )
            if status:
                failed[job.recipe] = job
    if PLAIN not in failed:  # the others are compared with it
        folder = args.workspace.runs(benchmark.name)
        runs = [read_run(folder / f"{args.prefix}-{name}", folds) for name in chosen if name not in failed]
        print()
        print(comparison_report(runs, rows.train, benchmark, without=args.without))
    if failed:
        job = next(iter(failed.values()))
        raise InputError(
            f"{', '.join(failed)}: not trained; {job.log} says why. To resume, run the same command again"
        )


def recipes_of(args: argparse.Namespace, options: list[str]) -> dict[str, Sequence[str]]:
    """Return name -> options of the plain model, the chosen techniques, and those of --try; raises InputError."""
    from pooled_bert.runs.ablation import PLAIN, RECIPES

    unknown = set(args.recipes or []) - RECIPES.keys()
    if unknown:
        raise InputError(
            f"--recipes {min(unknown)}: is not one of {', '.join(RECIPES)}; --try defines others"
        )
    chosen: dict[str, Sequence[str]] = {
        name: RECIPES[name] for name in dict.fromkeys([PLAIN, *(args.recipes or RECIPES)])
    }
    tried = all_named_options("--try", args.try_)
    if tried.keys() & chosen.keys():
        raise InputError(
            f"--try {min(tried.keys() & chosen.keys())}: is the name of a recipe; give another one"
        )
    chosen |= tried
    for words in chosen.values():
        parse_options([*options, *words], args.benchmark)
    return chosen


def check_together(args: argparse.Namespace) -> None:
    """Raise InputError for options that do not go together."""
    if not args.tune and args.time_limit is not None:
        raise InputError(
            "--time-limit: is for --tune; without it, finished trainings are kept, so stop at any time"
        )
    for option in ("recipes", "without"):
        if args.tune and getattr(args, option):
            raise InputError(
                f"--{option}: does not go with --tune, where settings compete; --try adds a setting"
            )


def tune(args: argparse.Namespace, options: list[str], folds: list[int], n_folds: int) -> None:
    """Let the settings of --tune, and the techniques of --try, compete; print each stage and the winner's scores."""
    from pooled_bert.data.rows import find_data, read_extra, read_rows
    from pooled_bert.results.score_tables import format_scores, run_notes, score_table
    from pooled_bert.runs.halving import Candidate, check_settings, check_values, grid
    from pooled_bert.runs.race import Race

    deadline = Deadline(args.time_limit)
    values = all_named_options("--tune", args.tune)
    check_values(values)
    tuned, tried = grid(values), all_named_options("--try", args.try_)
    if tuned.keys() & tried.keys():
        raise InputError(
            f"--try {min(tuned.keys() & tried.keys())}: is the name of a setting of --tune; give another"
        )
    shared, _ = settings_from(vars(args))
    candidates = []
    for name, words in {**tuned, **tried}.items():
        run, model = parse_options([*options, *words], args.benchmark)
        check_settings("--tune" if name in tuned else f"--try {name}", run, shared)
        candidates.append(Candidate(name, tuple(words), getattr(model, "epochs", 1)))
    data_folder = find_data(args.benchmark, args.data)
    rows = read_rows(args.benchmark, data_folder)
    if args.extra:
        read_extra(args.extra, rows.benchmark)  # raises InputError before anything is trained
    common = (*options, "--data", str(data_folder), "--workspace", str(args.workspace.root))
    winner = Race(
        candidates, rows, folds, common,
        n_folds=n_folds, prefix=args.prefix, workspace=args.workspace, deadline=deadline,
    ).run(args.jobs)  # fmt: skip
    table = score_table(winner.oof, rows.train, rows.benchmark)
    print()
    print(format_scores(f"{winner.name}, the winner", table, run_notes(winner, rows.benchmark)))


def parse_arguments() -> tuple[argparse.Namespace, list[str]]:
    """Parse the command line; return also the words that are passed on to every training."""
    parser = Parser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--recipes", nargs="+", metavar="NAME", help="techniques to try (default: all)")
    parser.add_argument(
        "--try",
        dest="try_",
        action="append",
        default=[],
        metavar="'NAME: OPTIONS'",
        help="a technique of your own: a name, and the options that it adds to train_folds.py",
    )
    parser.add_argument(
        "--tune",
        action="append",
        metavar="'OPTION: VALUE …'",
        help="values of an option that compete, as in 'learning-rate: 1e-4 3e-4'; given again, every combination does."
        " --try adds settings",
    )
    parser.add_argument(
        "--time-limit",
        type=MINUTES,
        metavar="MINUTES",
        help="with --tune: for all stages; fewer settings go on if the next stages would not fit (default: no limit)",
    )
    parser.add_argument("--folds", type=FOLD, nargs="+", metavar="FOLD", help="folds to train (default: all)")
    parser.add_argument(
        "--jobs",
        type=Number(int, 1, 1024),
        default=1,
        help="trainings at the same time; they share the CPU cores (default: 1)",
    )
    parser.add_argument(
        "--prefix", type=NAME, default="ablation", help="start of the runs' names (default: ablation)"
    )
    parser.add_argument(
        "--without",
        nargs="+",
        default=[],
        metavar="LABEL",
        help="show also the mean AUC without these labels",
    )
    add_data(parser)
    add_workspace(parser)
    return parsed_with_options(parser)


if __name__ == "__main__":
    run_command(main)

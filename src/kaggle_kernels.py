"""Train every fold on Kaggle: make the kernels, push them, watch them, bring their results home."""

import argparse
import shutil
import sys
from pathlib import Path

from pooled_bert.base.errors import InputError, run_command
from pooled_bert.base.places import KERNELS
from pooled_bert.runs.options import (
    add_benchmark,
    add_options,
    add_workspace,
    check_folds,
    given_options,
    settings_from,
)
from pooled_bert.training.settings import NeuralSettings

MARGIN_MINUTES = 60  # of Kaggle's 12 hours: for making the environment, and to be safe


def main() -> None:
    """Parse, then do what was asked for."""
    args = parse_arguments()
    args.action(args)


def build(args: argparse.Namespace) -> None:
    """Make a kernel for each fold and one that ensembles."""
    from pooled_bert.base.environment import revision
    from pooled_bert.base.files import check_name
    from pooled_bert.kernels.build import Plan, build_ensemble, build_fold, find_owner, write_plan

    given = dict(vars(args))
    run_settings, model = settings_from(given)
    check_folds(args.fold or [], run_settings.n_folds)
    is_neural = isinstance(model, NeuralSettings)
    if is_neural and Path(model.encoder).is_dir():
        raise InputError(
            f"--encoder {model.encoder}: a folder of this machine is not there on Kaggle; upload it as a dataset"
            " and give --encoder-dataset OWNER/SLUG"
        )
    if is_neural and args.offline and not args.encoder_dataset and model.encoder != "tiny":
        raise InputError(
            "--offline: without internet the encoder comes from a dataset; give --encoder-dataset"
        )
    given.pop("benchmark", None)  # travels with the plan
    options = [*given_options(given, type(run_settings)), *given_options(given, type(model))]
    plan = Plan(
        owner=find_owner(args.owner),
        benchmark=run_settings.benchmark,
        run=check_name("--run", args.run) if args.run is not None else run_settings.model,
        n_folds=run_settings.n_folds,
        gpu=is_neural and not args.cpu,
        revision=revision(),
        options=(*options, "--time-limit", str(args.time_limit)),
        encoder_dataset=args.encoder_dataset,
        environment_dataset=args.offline,
    )
    folds = args.fold if args.fold is not None else range(plan.n_folds)
    for fold in folds:
        for old in args.kernels.glob(f"{plan.slug(fold)}-part-*"):
            shutil.rmtree(old)  # of an earlier build
    folders = [build_fold(plan, args.kernels, fold) for fold in folds]
    for folder in [*folders, build_ensemble(plan, args.kernels)]:
        size = sum(path.stat().st_size for path in folder.iterdir())
        print(f"{folder}: {size / 1000:.0f} kB; push it with: kaggle kernels push -p {folder}")
    write_plan(plan, args.kernels)
    if args.offline:
        print(
            f"{args.offline} must hold: cpython-3.11….tar.gz (the install_only build of python-build-standalone for"
            " x86_64 Linux) and, in the same folder, the wheels of: pip download --python-version 3.11 --only-binary"
            " :all: -r requirements.txt, with tensorflow[and-cuda] in place of tensorflow"
        )


def push(args: argparse.Namespace) -> None:
    """Push the kernels of folds that are neither done nor on their way, as many as Kaggle takes at once."""
    watch, folds = _watch(args)
    print(_table(watch.advance(folds)))


def status(args: argparse.Namespace) -> None:
    """Show where each fold is."""
    watch, folds = _watch(args)
    print(_table([watch.look(fold) for fold in folds]))


def pull(args: argparse.Namespace) -> None:
    """Bring the results of complete kernels into folds/, verified."""
    watch, folds = _watch(args)
    print(_table(watch.advance(folds, is_pushing=False)))


def run(args: argparse.Namespace) -> None:
    """Push, wait and pull until every fold is in; may be stopped and started at any time."""
    watch, folds = _watch(args)
    is_terminal = sys.stdout.isatty()
    shown = []

    def show(states: list) -> None:
        kinds = [(seen.part, seen.state) for seen in states]
        if shown and is_terminal:
            print(f"\x1b[{len(states)}F\x1b[J", end="")  # in place of the table before
        if is_terminal or kinds not in shown[-1:]:
            print(_table(states) if is_terminal else _table(states).replace("\n", "; "), flush=True)
        shown.append(kinds)

    watch.wait(folds, poll_seconds=args.poll_seconds, show=show)
    print(f"all in; now: python src/make_submission.py --benchmark {args.benchmark} --run {args.run}")


def ensemble(args: argparse.Namespace) -> None:
    """Average the folds in a kernel of its own, on Kaggle, and bring the submission into submissions/."""
    watch, _ = _watch(args)
    for path in watch.ensemble(args.workspace.submissions, poll_seconds=args.poll_seconds):
        print(path)


def _watch(args: argparse.Namespace):
    from pooled_bert.kernels.build import read_plan
    from pooled_bert.kernels.client import Client
    from pooled_bert.kernels.watch import Watch

    plan = read_plan(args.kernels, args.benchmark, args.run)
    check_folds(args.fold or [], plan.n_folds)
    folds = args.fold if args.fold is not None else list(range(plan.n_folds))
    client = Client(pause=args.poll_seconds / 12)
    return Watch(plan, args.kernels, args.workspace, client), folds


def _table(states: list) -> str:
    from pooled_bert.kernels.watch import status_table

    return status_table(states)


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="build|run|ensemble|push|status|pull")
    making = commands.add_parser("build", help=build.__doc__, description=build.__doc__)
    making.set_defaults(action=build)
    making.add_argument("--owner", help="Kaggle user name (default: KAGGLE_USERNAME, or that in kaggle.json)")
    making.add_argument("--run", help="name of the run (default: the model's)")
    making.add_argument("--fold", type=int, nargs="+", help="folds to make kernels for (default: all)")
    making.add_argument(
        "--time-limit",
        type=float,
        metavar="MINUTES",
        default=12 * 60 - MARGIN_MINUTES,
        help="each kernel stops training then, at a checkpoint (default: %(default)s; Kaggle kills at 720)",
    )
    making.add_argument("--cpu", action="store_true", help="do without a GPU")
    making.add_argument(
        "--encoder-dataset", metavar="OWNER/SLUG", help="a dataset that holds the encoder's folder"
    )
    making.add_argument(
        "--offline",
        metavar="OWNER/SLUG",
        help="no internet; a dataset brings Python and wheels (build says which)",
    )
    making.add_argument("--kernels", type=Path, default=KERNELS, help="where the folders go")
    add_options(making)
    for action in (run, ensemble, push, status, pull):
        using = commands.add_parser(action.__name__, help=action.__doc__, description=action.__doc__)
        using.set_defaults(action=action)
        add_benchmark(using)
        using.add_argument("--run", default="bert", help="name of the run, as it was built (default: bert)")
        using.add_argument("--fold", type=int, nargs="+", help="these folds only (default: all)")
        using.add_argument("--kernels", type=Path, default=KERNELS, help="where the kernels' folders are")
        add_workspace(using)
        using.add_argument(
            "--poll-seconds",
            type=float,
            default=60,
            help="between two looks at Kaggle (default: %(default)s)",
        )
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)

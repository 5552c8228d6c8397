"""Train every fold on Kaggle: build one kernel per fold, push and watch the kernels, download their results."""

import argparse
import shutil
import sys
from pathlib import Path

from pooled_bert.base.command_line import Parser
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
from pooled_bert.training.neural_settings import NeuralSettings
from pooled_bert.training.settings import TextSettings

MARGIN_MINUTES = 60  # kept free of Kaggle's 12 hours: to install the environment, and as a reserve


def main() -> None:
    """Parse, then run the subcommand."""
    args = parse_arguments()
    args.action(args)


def build(args: argparse.Namespace) -> None:
    """Build one kernel per fold, and one that averages the folds."""
    from pooled_bert.base.environment import revision
    from pooled_bert.base.files import check_name
    from pooled_bert.kernels.build import Plan, build_ensemble, build_fold, find_owner, write_plan

    given = dict(vars(args))
    run_settings, model = settings_from(given)
    check_folds(args.fold or [], run_settings.n_folds)
    is_neural = isinstance(model, NeuralSettings)
    if isinstance(model, TextSettings) and Path(model.encoder).is_dir():
        raise InputError(
            f"--encoder {model.encoder}: Kaggle cannot read a folder of this machine; upload the folder as a dataset"
            " and give --encoder-dataset OWNER/SLUG"
        )
    needs_hub = isinstance(model, TextSettings) and model.encoder != "tiny"
    if needs_hub and args.offline and not args.encoder_dataset:
        raise InputError(
            "--offline: without internet the encoder must come from a dataset; give --encoder-dataset"
        )
    del given["benchmark"]  # the plan has fields for it
    options = [*given_options(given, type(run_settings)), *given_options(given, type(model))]
    plan = Plan(
        owner=find_owner(args.owner),
        benchmark=run_settings.benchmark,
        benchmark_file=str(args.benchmark.file.resolve()) if args.benchmark.file else None,
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
            shutil.rmtree(old)  # a part that an earlier build left
    folders = [build_fold(plan, args.kernels, fold) for fold in folds]
    if args.benchmark.test_file:
        folders.append(build_ensemble(plan, args.kernels))
    for folder in folders:
        size = sum(path.stat().st_size for path in folder.iterdir())
        print(f"{folder}: {size / 1000:.0f} kB; push it with: kaggle kernels push -p {folder}")
    write_plan(plan, args.kernels)
    if args.offline:
        print(
            f"The dataset {args.offline} must hold: cpython-3.11….tar.gz (the install_only build of"
            " python-build-standalone for x86_64 Linux) and, in the same folder, the wheels that this command"
            " downloads: pip download --python-version 3.11 --only-binary :all: -r requirements.txt, with"
            " tensorflow[and-cuda] in place of tensorflow"
        )


def push(args: argparse.Namespace) -> None:
    """Push the kernels of folds that are neither finished nor running, as many as Kaggle runs at the same time."""
    watch, folds = _watch(args)
    print(_table(watch.advance(folds)))


def status(args: argparse.Namespace) -> None:
    """Show the state of each fold."""
    watch, folds = _watch(args)
    print(_table([watch.look(fold) for fold in folds]))


def pull(args: argparse.Namespace) -> None:
    """Download the results of complete kernels into folds/ and verify them."""
    watch, folds = _watch(args)
    print(_table(watch.advance(folds, is_pushing=False)))


def run(args: argparse.Namespace) -> None:
    """Push kernels, wait and download until the results of every fold are here; may be stopped and started again."""
    watch, folds = _watch(args)
    is_terminal = sys.stdout.isatty()
    shown = []

    def show(states: list) -> None:
        current = [(fold_state.part, fold_state.state) for fold_state in states]
        if shown and is_terminal:
            print(f"\x1b[{len(states)}F\x1b[J", end="")  # erases the previous table
        if is_terminal or current not in shown[-1:]:
            print(_table(states) if is_terminal else _table(states).replace("\n", "; "), flush=True)
        shown.append(current)

    watch.wait(folds, poll_seconds=args.poll_seconds, show=show)
    next_command = "make_submission.py" if args.benchmark.test_file else "report.py"
    print(
        f"the results of every fold are here. Next: python src/{next_command}"
        f" --benchmark {args.benchmark.argument} --run {args.run}"
    )


def ensemble(args: argparse.Namespace) -> None:
    """Average the folds on Kaggle, in a separate kernel, and download the submission into submissions/."""
    if args.benchmark.test_file is None:
        raise InputError(f"--benchmark {args.benchmark.argument}: has no test rows to average predictions of")
    watch, _ = _watch(args)
    for path in watch.ensemble(args.workspace.submissions, poll_seconds=args.poll_seconds):
        print(path)


def _watch(args: argparse.Namespace):
    from pooled_bert.kernels.build import read_plan
    from pooled_bert.kernels.client import Client
    from pooled_bert.kernels.watch import Watch

    plan = read_plan(args.kernels, args.benchmark.name, args.run)
    check_folds(args.fold or [], plan.n_folds)
    folds = args.fold if args.fold is not None else list(range(plan.n_folds))
    client = Client(pause=args.poll_seconds / 12)
    return Watch(plan, args.kernels, args.workspace, client), folds


def _table(states: list) -> str:
    from pooled_bert.kernels.watch import status_table

    return status_table(states)


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="build|run|ensemble|push|status|pull")
    building = commands.add_parser("build", help=build.__doc__, description=build.__doc__)
    building.set_defaults(action=build)
    building.add_argument(
        "--owner", help="Kaggle user name (default: KAGGLE_USERNAME, or the name in kaggle.json)"
    )
    building.add_argument("--run", metavar="NAME", help="name of the run (default: the value of --model)")
    building.add_argument("--fold", type=int, nargs="+", help="folds to build kernels for (default: all)")
    building.add_argument(
        "--time-limit",
        type=float,
        metavar="MINUTES",
        default=12 * 60 - MARGIN_MINUTES,
        help="each kernel saves a checkpoint and stops after this time (default: %(default)s; Kaggle ends a kernel"
        " after 720)",
    )
    building.add_argument("--cpu", action="store_true", help="ask for kernels without a GPU")
    building.add_argument(
        "--encoder-dataset", metavar="OWNER/SLUG", help="Kaggle dataset that holds the encoder's folder"
    )
    building.add_argument(
        "--offline",
        metavar="OWNER/SLUG",
        help="kernels without internet; this dataset brings Python and wheels (build prints what it must hold)",
    )
    building.add_argument(
        "--kernels",
        type=Path,
        default=KERNELS,
        metavar="FOLDER",
        help="folder to write the kernels' folders to (default: kernels/)",
    )
    add_options(building)
    for action in (run, ensemble, push, status, pull):
        using = commands.add_parser(action.__name__, help=action.__doc__, description=action.__doc__)
        using.set_defaults(action=action)
        add_benchmark(using)
        using.add_argument(
            "--run", default="bert", metavar="NAME", help="name of the run, as for build (default: bert)"
        )
        using.add_argument("--fold", type=int, nargs="+", help="these folds only (default: all)")
        using.add_argument(
            "--kernels",
            type=Path,
            default=KERNELS,
            metavar="FOLDER",
            help="folder that holds the kernels' folders (default: kernels/)",
        )
        add_workspace(using)
        using.add_argument(
            "--poll-seconds",
            type=float,
            default=60,
            metavar="SECONDS",
            help="time between two requests for the kernels' states (default: %(default)s)",
        )
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)

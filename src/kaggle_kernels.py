"""Train every fold on Kaggle: build one kernel per fold, push and watch the kernels, download their results."""

import argparse
import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from pooled_bert.base.command_line import Parser
from pooled_bert.base.errors import InputError, run_command
from pooled_bert.base.places import BUILD, command
from pooled_bert.base.rules import PLACE
from pooled_bert.kernels.options import UPLOADS, add_build_options, add_run_options, add_upload_options
from pooled_bert.runs.options import check_folds, default_run, given_options, settings_from
from pooled_bert.training.neural_settings import NeuralSettings
from pooled_bert.training.settings import TextSettings


def main() -> None:
    """Parse, then run the subcommand."""
    args = parse_arguments()
    args.action(args)


def build(args: argparse.Namespace) -> None:
    """Build one kernel per fold, and one that averages the folds."""
    from pooled_bert.base.environment import revision
    from pooled_bert.kernels.build import build_ensemble, build_fold
    from pooled_bert.kernels.plan import Plan, require_own_names, write_plan

    given = dict(vars(args))
    run_settings, model = settings_from(given)
    check_folds(args.fold or [], run_settings.n_folds)
    check_sources(args, model)
    del given["benchmark"]  # the plan has fields for it
    options = [*given_options(given, type(run_settings)), *given_options(given, type(model))]
    plan = Plan(
        owner=args.owner or login_name(),
        benchmark=run_settings.benchmark,
        benchmark_file=str(args.benchmark.file.resolve()) if args.benchmark.file else None,
        run=args.run if args.run is not None else run_settings.model,
        n_folds=run_settings.n_folds,
        gpu=isinstance(model, NeuralSettings) and not args.cpu,
        revision=revision(),
        options=tuple(options),
        time_limit=args.time_limit,
        encoder_dataset=args.encoder_dataset,
        environment_dataset=args.offline,
        extra_dataset=args.extra_dataset,
        pseudo_dataset=args.pseudo_dataset,
        pseudo=args.pseudo,
        pseudo_rows=args.pseudo_rows,
        notebook=args.notebook,
    )
    require_own_names(plan, args.kernels)
    with alone(args.kernels):
        folds = args.fold if args.fold is not None else range(plan.n_folds)
        folders = [build_fold(plan, args.kernels, fold) for fold in folds]
        for fold in folds:
            for old in args.kernels.glob(f"{plan.slug(fold)}-part-*"):
                shutil.rmtree(old)  # a part that an earlier build left
        if args.benchmark.test_file:
            folders.append(build_ensemble(plan, args.kernels))
        write_plan(plan, args.kernels)
    for folder in folders:
        size = sum(path.stat().st_size for path in folder.iterdir())
        print(f"{folder}: {size / 1000:.0f} kB; push it with: kaggle kernels push -p {folder}")


def check_sources(args: argparse.Namespace, model) -> None:
    """Raise InputError if a kernel could not get its encoder, or options for pseudo-labels do not go together."""
    if (args.pseudo is None) != (args.pseudo_dataset is None):
        raise InputError("--pseudo and --pseudo-dataset: give both, the run and the dataset that holds it")
    if args.pseudo_rows is not None and args.pseudo is None:
        raise InputError("--pseudo-rows: limits the rows of --pseudo; give --pseudo RUN too")
    if args.pseudo and not isinstance(model, NeuralSettings):
        raise InputError("--pseudo: its labels are probabilities, which --model linear cannot learn from")
    if args.pseudo and not args.benchmark.test_file:
        raise InputError(f"--pseudo: --benchmark {args.benchmark.name} has no test rows")
    if args.extra_dataset:
        args.benchmark.require_texts("--extra-dataset")
    if not isinstance(model, TextSettings):
        if args.encoder_dataset:
            raise InputError("--encoder-dataset: this model reads no encoder; leave it out")
        return
    if Path(model.encoder).is_dir():
        raise InputError(
            f"--encoder {model.encoder}: Kaggle cannot read a folder of this machine; upload it with `python"
            " src/kaggle_kernels.py upload encoder FOLDER` and give --encoder-dataset OWNER/SLUG"
        )
    if model.encoder != "tiny" and args.offline and not args.encoder_dataset:
        raise InputError(
            "--offline: without internet the encoder must come from a dataset; give --encoder-dataset"
        )


def login_name() -> str:
    """Return the user's name on Kaggle; raises InputError if there is no login."""
    from pooled_bert.kernels.clock import Clock
    from pooled_bert.kernels.connection import Connection

    return Connection(Clock()).owner()


def push(args: argparse.Namespace) -> None:
    """Push the kernels of folds that are neither finished nor running, as many as Kaggle runs at the same time."""
    from pooled_bert.kernels.status import status_table

    with alone(args.kernels):
        queue = read_queue(args)
        prepare(queue, args.yes)
        print(status_table(queue, queue.advance()))
        queue.require_success()


def status(args: argparse.Namespace) -> None:
    """Show the state of each fold, the newest lines of logs, the GPU hours of this week and what is left to do."""
    from pooled_bert.kernels.status import details, status_table

    queue = read_queue(args)
    states = queue.look()
    print(status_table(queue, states))
    print(*details(queue, states), sep="\n")


def pull(args: argparse.Namespace) -> None:
    """Download the results of complete kernels into folds/ and verify them."""
    from pooled_bert.kernels.status import status_table

    with alone(args.kernels):
        queue = read_queue(args, with_models=args.with_models)
        print(status_table(queue, queue.advance(is_pushing=False)))
        queue.require_success()


def run(args: argparse.Namespace) -> None:
    """Push kernels, wait and download until the results of every fold are here; may be stopped and started again."""
    from pooled_bert.kernels.connection import LONG_PATIENCE
    from pooled_bert.kernels.status import status_line

    with alone(args.kernels):
        queue = read_queue(
            args, LONG_PATIENCE, with_models=args.with_models, waits_for_quota=args.wait_for_quota
        )
        prepare(queue, args.yes)
        shown = []

        def show(states: list) -> None:
            line = status_line(queue, states)
            if line not in shown[-1:]:
                print(line, flush=True)
            shown.append(line)

        queue.wait(poll_seconds=args.poll_seconds, show=show)
        print("the results of every fold are here")
        for benchmark, names in queue.runs_by_benchmark():
            finish(queue, benchmark, names, args)


def finish(queue, benchmark, names: list[str], args: argparse.Namespace) -> None:
    """Submit the average of the runs of one benchmark and print its score, if asked; else say what to do next."""
    from pooled_bert.kernels.submit import message_for, submit, wait_for_score

    options = ["--benchmark", benchmark.argument, "--run", *names, "--workspace", str(args.workspace.root)]
    if not args.submit:
        script = "make_submission.py" if benchmark.test_file else "report.py"
        print("Next:", " ".join(["python", f"src/{script}", *options]))
        return
    name = "-".join(["kaggle", benchmark.name, *names])
    arguments = [sys.executable, str(command("make_submission.py")), *options, "--name", name]
    if subprocess.run(arguments).returncode:
        raise InputError("the folds could not be averaged; the reason is above")
    connection = queue.client.connection
    path = args.workspace.submissions / f"{name}.csv"
    message = submit(connection, path, benchmark, message_for(path))
    print(f"{path}: submitted as {message!r}", flush=True)
    print("score:", wait_for_score(connection, benchmark, message, poll_seconds=args.poll_seconds))


def ensemble(args: argparse.Namespace) -> None:
    """Average the folds on Kaggle, in a separate kernel, and download the submission into submissions/."""
    from pooled_bert.kernels.connection import LONG_PATIENCE
    from pooled_bert.kernels.ensemble import average

    with alone(args.kernels):
        for watch in read_queue(args, LONG_PATIENCE).watches:
            if watch.plan.record.test_file is None:
                raise InputError(
                    f"--run {watch.plan.run}: its benchmark has no test rows to average predictions of"
                )
            for path in average(watch, args.workspace.submissions, poll_seconds=args.poll_seconds):
                print(path)


def upload(args: argparse.Namespace) -> None:
    """Upload what kernels need as a private dataset: encoder, additional rows, run for --pseudo, or environment."""
    from pooled_bert.data.rows import read_extra
    from pooled_bert.kernels.clock import Clock
    from pooled_bert.kernels.connection import Connection
    from pooled_bert.kernels.datasets import upload_file, upload_folder, upload_run
    from pooled_bert.kernels.environment import pack_environment

    if (args.what is None) != (args.kind == "environment"):
        raise InputError(f"upload {args.kind}: see upload --help for what follows it")
    if args.cpu and args.kind != "environment":
        raise InputError("--cpu: is for upload environment; leave it out")
    path = PLACE.read("upload", args.what) if args.what else BUILD / "kaggle-environment"
    name = f"pooled-bert-{args.kind}" if args.name is None else args.name
    connection = Connection(Clock())
    if args.kind == "environment":
        pack_environment(path, gpu=not args.cpu)
        dataset = upload_folder(connection, path, name)
    elif args.kind == "encoder":
        if not (path / "config.json").is_file():
            raise InputError(f"{path}: is not the folder of an encoder; it has no config.json")
        dataset = upload_folder(connection, path, name)
    elif args.kind == "extra":
        read_extra(path, args.benchmark)
        dataset = upload_file(connection, path, name)
    else:
        dataset = upload_run(connection, args.workspace.run(args.benchmark.name, args.what), name)
    print(f"{dataset}: uploaded; build with {UPLOADS[args.kind]} {dataset}")


@contextlib.contextmanager
def alone(kernels: Path) -> Iterator[None]:
    """Keep other processes away from the kernels' folder, and write what happens into its log file."""
    from pooled_bert.base.files import held
    from pooled_bert.kernels.log_file import logged

    message = (
        f"{kernels}: another process pushes or downloads the kernels of this folder; wait for it, or stop it"
    )
    with held(kernels / ".lock", message), logged(kernels / "kaggle.log"):
        yield


def read_queue(args: argparse.Namespace, patience=None, *, with_models=False, waits_for_quota=False):
    """Return the queue of the runs that the command line names."""
    from pooled_bert.kernels.client import Client
    from pooled_bert.kernels.clock import Clock
    from pooled_bert.kernels.connection import PATIENCE, Connection
    from pooled_bert.kernels.plan import read_plan
    from pooled_bert.kernels.queue import Queue
    from pooled_bert.kernels.watch import Watch

    plans = []
    for name in dict.fromkeys(args.run or [default_run(args.benchmark)]):
        *benchmark, run_name = name.split("/", 1)
        plans.append(read_plan(args.kernels, benchmark[0] if benchmark else args.benchmark.name, run_name))
        check_folds(args.fold or [], plans[-1].n_folds)
    client = Client(Connection(Clock(), patience or PATIENCE))
    watches = [
        Watch(plan, args.kernels, args.workspace, client, folds=args.fold, with_models=with_models)
        for plan in plans
    ]
    return Queue(watches, waits_for_quota=waits_for_quota)


def prepare(queue, is_agreed: bool) -> None:
    """Check the competitions' rules, and ask before folds that exist are trained again; raises InputError."""
    queue.require_rules()
    reasons = queue.review()
    if reasons:
        print(*reasons, sep="\n", flush=True)
        if not is_agreed:
            raise InputError(
                "the kernels built here would train the folds above again; give --yes to do that, or build the kernels"
                " with the old settings"
            )
        queue.accept()


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(description=__doc__)
    actions = (build, upload, run, ensemble, push, status, pull)
    commands = parser.add_subparsers(required=True, metavar="|".join(action.__name__ for action in actions))
    for action in actions:
        subparser = commands.add_parser(action.__name__, help=action.__doc__, description=action.__doc__)
        subparser.set_defaults(action=action)
        if action is build:
            add_build_options(subparser)
        elif action is upload:
            add_upload_options(subparser)
        else:
            add_run_options(subparser, action.__name__)
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)

"""Train every fold on Kaggle: make the kernels, push them, watch them, bring their results home."""

import argparse
from pathlib import Path

from pooled_bert.errors import InputError, run_command
from pooled_bert.settings import BertSettings, add_options, given_options, settings_from

ROOT = Path(__file__).resolve().parent.parent
MARGIN_MINUTES = 60  # of Kaggle's 12 hours: for making the environment, and to be safe


def main() -> None:
    """Parse, then do what was asked for."""
    args = parse_arguments()
    args.action(args)


def build(args: argparse.Namespace) -> None:
    """Make a kernel for each fold and one that ensembles."""
    from pooled_bert.kernel_build import Plan, build_ensemble, build_fold, find_owner, write_plan

    given = dict(vars(args))
    run, model = settings_from(given)
    if isinstance(model, BertSettings):
        if Path(model.encoder).is_dir():
            raise InputError(
                f"--encoder {model.encoder}: a folder of this machine is not there on Kaggle; upload it as a dataset"
                " and give --encoder-dataset OWNER/SLUG"
            )
        if args.offline and not args.encoder_dataset and model.encoder != "tiny":
            raise InputError(
                "--offline: without internet the encoder comes from a dataset; give --encoder-dataset"
            )
    given.pop("benchmark", None)  # travels with the plan
    options = [*given_options(given, type(run)), *given_options(given, type(model))]
    plan = Plan(
        owner=find_owner(args.owner),
        benchmark=run.benchmark,
        run=args.run or run.model,
        n_folds=run.n_folds,
        gpu=isinstance(model, BertSettings) and not args.cpu,
        options=(*options, "--time-limit", str(args.time_limit)),
        datasets=tuple(args.dataset),
        encoder_dataset=args.encoder_dataset,
        environment_dataset=args.offline,
    )
    folds = args.fold if args.fold is not None else range(plan.n_folds)
    write_plan(plan, args.kernels)
    for folder in [
        *(build_fold(plan, args.kernels, fold) for fold in folds),
        build_ensemble(plan, args.kernels),
    ]:
        size = sum(path.stat().st_size for path in folder.iterdir())
        print(f"{folder}: {size / 1000:.0f} kB; push it with: kaggle kernels push -p {folder}")
    if args.offline:
        print(
            f"{args.offline} must hold: cpython-3.11….tar.gz (the install_only build of python-build-standalone for"
            " x86_64 Linux) and, in the same folder, the wheels of: pip download --python-version 3.11 --only-binary"
            " :all: -r requirements.txt, with tensorflow[and-cuda] in place of tensorflow"
        )


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="build")
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
        "--dataset", nargs="+", default=[], metavar="OWNER/SLUG", help="datasets to attach, e.g. IMDB's"
    )
    making.add_argument(
        "--encoder-dataset", metavar="OWNER/SLUG", help="a dataset that holds the encoder's folder"
    )
    making.add_argument(
        "--offline",
        metavar="OWNER/SLUG",
        help="no internet; a dataset brings Python and wheels, the command says which",
    )
    making.add_argument("--kernels", type=Path, default=ROOT / "kernels", help="where the folders go")
    add_options(making)
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)

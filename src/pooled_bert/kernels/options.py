"""The options of kaggle_kernels.py."""

import argparse

from ..base.places import KERNELS
from ..base.rules import FOLD, LINE, MINUTES, NAME, PLACE, Number
from ..runs.options import add_benchmark, add_options, add_pseudo, add_workspace

TIME_LIMIT = 660  # minutes; Kaggle ends a kernel after 720
UPLOADS = {  # what upload brings to Kaggle -> the option of build that uses it
    "encoder": "--encoder-dataset",
    "extra": "--extra-dataset",
    "pseudo": "--pseudo-dataset",
    "environment": "--offline",
}


def add_build_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of build."""
    parser.add_argument("--owner", type=LINE, help="Kaggle user name (default: that of the login)")
    parser.add_argument(
        "--run", type=NAME, metavar="NAME", help="name of the run (default: the value of --model)"
    )
    parser.add_argument("--fold", type=FOLD, nargs="+", help="folds to build kernels for (default: all)")
    parser.add_argument(
        "--time-limit",
        type=MINUTES,
        metavar="MINUTES",
        default=TIME_LIMIT,
        help="each kernel saves a checkpoint and stops after this time (default: %(default)s; Kaggle ends a kernel"
        " after 720)",
    )
    parser.add_argument("--cpu", action="store_true", help="ask for kernels without a GPU")
    parser.add_argument(
        "--notebook", action="store_true", help="build notebooks, which others can read and copy, not scripts"
    )
    for option, help_text in (
        ("--encoder-dataset", "Kaggle dataset that holds the encoder's folder"),
        ("--extra-dataset", "Kaggle dataset with additional training rows, in the place of --extra"),
        ("--pseudo-dataset", "Kaggle dataset that holds the run of --pseudo"),
        ("--offline", "build kernels without internet; this Kaggle dataset brings Python and the packages"),
    ):
        parser.add_argument(option, type=LINE, metavar="OWNER/SLUG", help=f"{help_text}; upload makes it")
    add_pseudo(parser)
    add_kernels(parser)
    add_options(parser)


def add_upload_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of upload."""
    parser.add_argument("kind", choices=tuple(UPLOADS), help="what is uploaded")
    parser.add_argument(
        "what",
        nargs="?",
        help="folder of the encoder, CSV of the additional rows, or name of the run for --pseudo; nothing for the"
        " environment, which is fetched into build/",
    )
    parser.add_argument("--cpu", action="store_true", help="environment without CUDA, for build --cpu")
    parser.add_argument(
        "--name", type=LINE, help="name of the dataset (default: pooled-bert- and what is uploaded)"
    )
    add_benchmark(parser)
    add_workspace(parser)


def add_run_options(parser: argparse.ArgumentParser, action: str) -> None:
    """Add the options of the subcommands that push and watch kernels; ``action`` is the name of one."""
    add_benchmark(parser)
    parser.add_argument(
        "--run",
        nargs="+",
        metavar="[BENCHMARK/]NAME",
        help="runs, as for build, pushed in this order; of other benchmarks: imdb/bert (default: the name that build"
        " gives)",
    )
    parser.add_argument("--fold", type=FOLD, nargs="+", help="these folds only (default: all)")
    add_kernels(parser)
    add_workspace(parser)
    if action in ("run", "push"):
        parser.add_argument(
            "--yes",
            action="store_true",
            help="train folds again whose results have other settings or sources",
        )
    if action in ("run", "pull"):
        parser.add_argument("--with-models", action="store_true", help="download the models too")
    if action == "run":
        parser.add_argument(
            "--wait-for-quota",
            action="store_true",
            help="when the weekly GPU hours are used up, wait for the next week's",
        )
        parser.add_argument(
            "--submit", action="store_true", help="submit the average of the runs, and print its score"
        )
    if action in ("run", "ensemble"):
        parser.add_argument(
            "--poll-seconds",
            type=Number(float, 0, 86_400, above=True),
            default=60,
            metavar="SECONDS",
            help="time between two requests for the kernels' states (default: %(default)s)",
        )


def add_kernels(parser: argparse.ArgumentParser) -> None:
    """Add --kernels."""
    parser.add_argument(
        "--kernels",
        type=PLACE,
        default=KERNELS,
        metavar="FOLDER",
        help="folder of the kernels' folders (default: kernels/)",
    )

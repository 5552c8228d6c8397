"""Time the wait from a training's command to its first step, and from one fold to the next."""

import argparse

from ...base.rules import COUNT, LINE


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    parser.add_argument(
        "--encoder", type=LINE, default="tiny", help="encoder, as in train_folds.py (default: tiny)"
    )
    parser.add_argument(
        "--rounds", type=COUNT, default=3, help="trainings of two folds that are timed (default: 3)"
    )


def run(args: argparse.Namespace) -> None:
    """Measure, and print what was found."""
    import statistics

    from ...base.tensorflow_setup import start_tensorflow

    start_tensorflow()
    from ..starts import starts

    found = starts(args.encoder, args.rounds)
    print(f"seconds, median (and range) of {args.rounds} trainings of two folds")
    for name, seconds in (
        ("from the command to the end of its first step", [start.first for start in found]),
        ("from a fold's last step to the end of the next fold's first", [start.next for start in found]),
    ):
        print(f"{statistics.median(seconds):6.1f}  ({min(seconds):.1f} to {max(seconds):.1f})  {name}")

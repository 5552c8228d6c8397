"""Time the wait from a command to its first answer, with all folds of a run."""

import argparse

from ...base.rules import COUNT
from ...runs.options import add_benchmark, add_run, add_workspace, place_words


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    add_benchmark(parser)
    add_run(parser, "run whose folds answer")
    parser.add_argument(
        "--rounds", type=COUNT, default=5, help="times that each is measured, in turn (default: 5)"
    )
    add_workspace(parser)


def run(args: argparse.Namespace) -> None:
    """Measure, and print what was found."""
    import statistics

    from ..answers import waits

    options = [*place_words(args), "--run", args.run]
    found = waits(args.workspace.run(args.benchmark.name, args.run), options, args.rounds)
    print(f"seconds, median (and range) of {args.rounds} rounds, and the most memory in MB")
    for name, rounds in found.items():
        seconds, memory = [wait.seconds for wait in rounds], max(wait.memory for wait in rounds)
        print(
            f"{statistics.median(seconds):7.2f}  ({min(seconds):5.2f} to {max(seconds):5.2f})  {memory:6.0f}  {name}"
        )

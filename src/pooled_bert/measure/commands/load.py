"""Send requests to serve.py from many clients at once, and show rates, times, refusals, and what was lost."""

import argparse

from ...base.errors import InputError
from ...base.rules import Number
from ...runs.options import add_benchmark, add_data, add_run, add_workspace, place_words


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    add_benchmark(parser)
    add_run(parser, "run that is served")
    parser.add_argument(
        "--seconds",
        type=Number(float, 1, 3600),
        default=20,
        help="time of each number of clients (default: 20)",
    )
    add_data(parser)
    add_workspace(parser)


def run(args: argparse.Namespace) -> None:
    """Measure, and print what was found."""
    from ...data.rows import find_data, read_train
    from ..load import load_table

    args.benchmark.require_texts("this measurement")
    if args.benchmark.is_pairs:
        raise InputError(f"--benchmark {args.benchmark.name}: this measurement sends single texts, not pairs")
    train = read_train(args.benchmark, find_data(args.benchmark, args.data))
    texts = train["text"].sample(min(2000, len(train)), random_state=0).tolist()
    options = [*place_words(args), "--run", args.run]
    table = load_table(texts, options, args.seconds)
    print(f"clients × rows per request, {args.seconds:g} s each")
    print(table.to_string(float_format=lambda value: f"{value:.{1 if value < 100 else 0}f}"))

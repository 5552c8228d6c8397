"""Flip some labels, train the linear baseline, and measure how many of them check_data.py's search finds."""

import argparse
from pathlib import Path

from ...base.errors import require
from ...base.rules import SEED, Number
from ...runs.options import add_benchmark, add_data


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    add_benchmark(parser, "benchmark whose labels are flipped")
    parser.add_argument(
        "--rate",
        type=Number(float, 0, 0.5, above=True, below=True),
        default=0.01,
        help="share of each label's cells (default: 0.01)",
    )
    parser.add_argument("--seed", type=SEED, default=0, help="seed of the choice (default: 0)")
    add_data(parser)


def run(args: argparse.Namespace) -> None:
    """Measure, and print what was found."""
    import tempfile

    from ...data.rows import find_data, read_rows
    from ...results.score_tables import as_text
    from ..planted_labels import planted_table

    benchmark = args.benchmark
    benchmark.require_texts("this measurement")
    require(not benchmark.target.is_exclusive, "--benchmark", benchmark.name, "one with several labels")
    rows = read_rows(benchmark, find_data(benchmark, args.data))
    with tempfile.TemporaryDirectory() as folder:
        print(as_text(planted_table(rows, benchmark, args.rate, args.seed, Path(folder))))

"""Time everything around the model on made-up rows: reading, folds, tokens, files, blends, report."""

import argparse
import sys
from pathlib import Path

from ...base.places import BUILD
from ...base.rules import COUNT, LINE, PLACE


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    parser.add_argument(
        "--rows",
        type=COUNT,
        nargs="+",
        default=[1_000, 10_000, 100_000, 159_571],
        help="numbers of training rows (default: %(default)s)",
    )
    parser.add_argument(
        "--encoder",
        type=LINE,
        default="tiny",
        help="encoder whose tokenizer is used, as in train_folds.py (default: tiny)",
    )
    parser.add_argument(
        "--output",
        type=PLACE,
        default=BUILD / "scale",
        help="path of the .json and the .png to write, without the ending (default: build/scale)",
    )


def run(args: argparse.Namespace) -> None:
    """Measure, and print what was found."""
    import pandas as pd

    from ...base.files import write_json
    from ...base.tensorflow_setup import start_tensorflow

    start_tensorflow()
    from ..scale import costs_in_a_process, plot

    records = []
    for n_rows in args.rows:
        records.append(costs_in_a_process(n_rows, args.encoder))
        print(f"{n_rows} rows measured", file=sys.stderr)
    table = pd.DataFrame(records).set_index("rows")
    print(table.T.to_string(float_format="{:.3f}".format))
    write_json(args.output.with_suffix(".json"), {"encoder": Path(args.encoder).name, "records": records})
    plot(table, args.output.with_suffix(".png"))
    print(f"{args.output.with_suffix('.json')}, {args.output.with_suffix('.png')}")

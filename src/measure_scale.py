"""Time what surrounds the model on made-up rows of the competition's lengths: reading, folds, tokens, files, blends."""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from pooled_bert.errors import InputError, run_command

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Parse, measure each size in a process of its own, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--rows", type=int, nargs="+", default=[1_000, 10_000, 100_000, 159_571], help="training rows"
    )
    parser.add_argument(
        "--encoder", default="tiny", help="whose tokenizer, as in train_folds.py (default: tiny)"
    )
    parser.add_argument(
        "--output", type=Path, default=ROOT / "build" / "scale", help="name of the .json and .png"
    )
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.alone:
        measure_alone(args.rows[0], args.encoder)
        return

    import pandas as pd

    from pooled_bert.files import write_json
    from pooled_bert.runtime import start_tensorflow

    start_tensorflow()
    from pooled_bert.scale import plot

    records = []
    for rows in args.rows:
        command = [sys.executable, __file__, "--alone", "--rows", str(rows), "--encoder", args.encoder]
        result = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if result.returncode:
            raise InputError(
                f"the measurement with {rows} rows ended with status {result.returncode}; see above"
            )
        records.append(json.loads(result.stdout))
        print(f"{rows} rows measured", file=sys.stderr)
    table = pd.DataFrame(records).set_index("rows")
    print(table.T.to_string(float_format="{:.3f}".format))
    write_json(args.output.with_suffix(".json"), {"encoder": Path(args.encoder).name, "records": records})
    plot(table, args.output.with_suffix(".png"))
    print(f"{args.output.with_suffix('.json')}, {args.output.with_suffix('.png')}")


def measure_alone(rows: int, encoder: str) -> None:
    """One size, in this process, whose peak of memory is then its own."""
    from pooled_bert.runtime import start_tensorflow

    start_tensorflow()
    from pooled_bert.scale import costs

    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(costs(Path(folder), rows, encoder)))


if __name__ == "__main__":
    run_command(main)

"""Look at a table of texts and labels, and write the TOML file that --benchmark takes, with a reason per guess."""

import argparse
import shlex

from pooled_bert.base.command_line import Parser
from pooled_bert.base.errors import InputError, run_command
from pooled_bert.base.files import atomic_path, output
from pooled_bert.base.rules import PLACE


def main() -> None:
    """Read the table, guess, write, print the file and the next commands."""
    args = parse_arguments()

    from pooled_bert.benchmarks.registry import find_benchmark
    from pooled_bert.data.table_guess import guess_benchmark, stem_of

    path = args.table.with_name(stem_of(args.table) + ".toml")
    if path.exists() and not args.overwrite:
        raise InputError(f"{path}: exists already; edit it, or replace it with --overwrite")

    text = guess_benchmark(args.table)
    with output(path, overwrite=args.overwrite), atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    print(f"{path}:\n\n{text}\nCheck these lines, and correct what was guessed wrong. Then:\n")
    option = f"--benchmark {shlex.quote(str(path))}"
    print(f"python src/train_folds.py {option} --model linear")
    print(f"python src/train_folds.py {option}")
    if find_benchmark(str(path)).test_file:
        print(f"python src/make_submission.py {option} --run bert linear")
    print(f"python src/report.py {option} --run bert linear")


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("table", type=PLACE, help="labelled rows: .csv, .csv.zip, .tsv, .jsonl or .parquet")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing file")
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)

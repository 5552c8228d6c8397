"""Look for repeated texts, labels that contradict each other and, with a finished run, labels that are likely wrong."""

import argparse
import sys

from pooled_bert.base.command_line import Parser
from pooled_bert.base.errors import InputError, run_command
from pooled_bert.base.rules import NAME, PLACE, SIMILARITY
from pooled_bert.runs.options import add_benchmark, add_data, add_workspace


def main() -> None:
    """Read the rows, search, print; write the suspicious labels."""
    args = parse_arguments()

    from pooled_bert.base.files import atomic_path, check_output, output
    from pooled_bert.data.rows import find_data, read_rows
    from pooled_bert.results.data_check import find_repeats, repeats_table, suspicious_labels
    from pooled_bert.results.fold_scores import fold_scores, pooled
    from pooled_bert.runs.comparable_runs import check_same_rows
    from pooled_bert.runs.finished_runs import note_missing_folds, read_run

    if args.output and not args.run:
        raise InputError(
            "--output: is for the labels that a run finds suspicious; give --run, or leave it out"
        )
    if args.output:
        check_output(args.output, overwrite=False)
    rows = read_rows(args.benchmark, find_data(args.benchmark, args.data))
    benchmark = rows.benchmark
    run = None
    if args.run:
        folder = args.workspace.run(benchmark.name, args.run)
        run = read_run(folder, tables=("oof.csv",))
        check_same_rows([run], {"train": rows.checksum})
        note_missing_folds(run)
    print(f"{benchmark.title}: {len(rows.train):,} training rows", flush=True)
    found = {"same key (they share a fold)": find_repeats(rows, benchmark, None)}
    if benchmark.medium == "text":
        name = f"near-duplicates (with --near-duplicates {args.similarity:g}, they do too)"
        found[name] = find_repeats(rows, benchmark, args.similarity)
    print(repeats_table(found).to_string())
    if run is None:
        print(
            "note: give --run NAME, of a finished run, to find labels that are likely wrong", file=sys.stderr
        )
        return
    table = suspicious_labels(pooled(fold_scores(run, rows.train, benchmark.labels)), rows.train, benchmark)
    path = args.output or args.workspace.report(benchmark.name) / f"{run.name}-suspicious-labels.csv"
    with output(path, overwrite=not args.output), atomic_path(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")
    counts = table.groupby(["label", "given"], sort=False).size().unstack(fill_value=0)
    print(f"\nlikely wrong labels by run {run.name!r}, out of fold, by the value that is given")
    print(counts.to_string())
    print(f"{path}: {len(table):,} labels, the most suspicious first; it holds texts of the data set")


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(description=__doc__)
    add_benchmark(parser, "benchmark whose rows are checked")
    parser.add_argument(
        "--run", type=NAME, metavar="NAME", help="finished run whose out-of-fold scores judge the labels"
    )
    parser.add_argument(
        "--similarity",
        type=SIMILARITY,
        default=0.8,
        metavar="SHARE",
        help="Jaccard similarity from which two texts are near-duplicates (default: 0.8)",
    )
    parser.add_argument(
        "--output",
        type=PLACE,
        metavar="FILE",
        help="CSV of suspicious labels to write (default: in folds/<benchmark>/report)",
    )
    add_data(parser)
    add_workspace(parser)
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)

"""Predict any text with a trained run: words on the command line, or a file of any number of rows."""

import argparse
import os
import sys
from pathlib import Path

from pooled_bert.base.errors import InputError, run_command
from pooled_bert.benchmarks.registry import BENCHMARKS
from pooled_bert.runs.options import add_benchmark, add_folds, add_workspace


def main() -> None:
    """Open, load, predict, write."""
    args = parse_arguments()

    from pooled_bert.base.files import check_name
    from pooled_bert.predict.chunks import StandardOutput, identity, predict_texts
    from pooled_bert.predict.output_formats import TableLayout, layout_of
    from pooled_bert.predict.predictor import load_predictor
    from pooled_bert.predict.resumable_output import check_free, open_predictions

    is_table = args.output is None and args.output_format is None and sys.stdout.isatty()
    is_table = is_table or args.explain is not None
    kind = TableLayout if is_table else layout_of(args.output, args.output_format)
    if args.thresholds and BENCHMARKS[args.benchmark].target.is_exclusive:
        raise InputError(
            f"--thresholds: --benchmark {args.benchmark} has no thresholds, its likeliest class is assigned; leave the"
            " option out"
        )
    if args.output:
        check_free(args.output, args.overwrite)
    texts, lines = given_texts(args)
    folder = args.workspace.run(args.benchmark, check_name("--run", args.run))
    predictor = load_predictor(folder, args.folds, windows=args.windows, precision=args.precision)
    if args.folds is None and not predictor.run.is_complete:
        numbers = " ".join(str(fold.fold) for fold in predictor.run.folds)
        print(
            f"note: not all folds of run {args.run!r} are finished; fold {numbers} predicts", file=sys.stderr
        )
    thresholds = wanted_thresholds(args, predictor, folder, is_table)
    if args.explain:
        explain_texts(args, predictor, texts, thresholds)
        return
    layout = kind(predictor.labels, predictor.target, thresholds)
    if args.output is None:
        output = StandardOutput()
        output.write(layout.header())
        predict_texts(predictor, texts, layout, output, lines=None if is_table else lines)
        return
    made_of = identity(predictor, folder, layout)
    with open_predictions(
        args.output, identity=made_of, header=layout.header(), overwrite=args.overwrite
    ) as output:
        count = predict_texts(predictor, texts, layout, output, lines=lines)
    print(f"{args.output}: {count} texts")


def wanted_thresholds(args: argparse.Namespace, predictor, folder: Path, is_table: bool):
    """Return float64 [n_labels], or None if no label is assigned or the likeliest class is."""
    from pooled_bert.results.thresholds import ARTICLE, chosen_thresholds

    if predictor.target.is_exclusive or (args.thresholds is None and not is_table):
        return None
    return chosen_thresholds(args.thresholds or str(ARTICLE), folder, predictor.run, predictor.labels)


def explain_texts(args: argparse.Namespace, predictor, texts, thresholds) -> None:
    """Show which words carried the scores: on the terminal, or as the page --output."""
    from pooled_bert.predict.explanation import check_method, explain
    from pooled_bert.predict.explanation_view import terminal_view, write_explanations

    check_method(predictor, args.explain)
    explanations = (explain(predictor, text.text, args.explain) for text in texts)
    if args.output:
        write_explanations(args.output, explanations, thresholds)
        print(args.output)
        return
    coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    for explanation in explanations:
        print(terminal_view(explanation, thresholds, coloured=coloured), flush=True)


def given_texts(args: argparse.Namespace) -> tuple:
    """The texts, and the lines that they are read from, None where they are on the command line."""
    from pooled_bert.predict.text_files import Lines, Text, TextColumn, read_texts

    if bool(args.text) == (args.file is not None):
        raise InputError("give texts, or a file of them with --file, and not both")
    if args.text:
        return [Text(str(number), text) for number, text in enumerate(args.text, start=1)], None
    lines = Lines(args.file)
    column = TextColumn(args.column, BENCHMARKS[args.benchmark].text_column)
    return read_texts(lines, args.format, column), lines


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("text", nargs="*", help="texts to predict")
    parser.add_argument("--file", help="a file of texts: .csv, .csv.zip, .txt or .jsonl; - is standard input")
    parser.add_argument(
        "--format", choices=("csv", "txt", "jsonl"), help="of --file (default: by its name; of -: txt)"
    )
    parser.add_argument(
        "--column",
        help="of the texts in --file (default: the benchmark's, or text, or the only one beside id)",
    )
    add_benchmark(parser)
    parser.add_argument("--run", default="bert", help="whose models predict (default: bert)")
    add_folds(parser)
    parser.add_argument(
        "--windows",
        choices=("mean", "max", "none"),
        help="read long texts whole, in windows: mean of their log-odds, or largest; none: cut them as in training"
        " (default: as the run predicts if it has windows, else mean)",
    )
    parser.add_argument(
        "--precision",
        choices=("auto", "float32", "bfloat16", "float16"),
        help="of matrix products (default: as the run was trained)",
    )
    parser.add_argument(
        "--thresholds",
        metavar="NUMBER|tuned",
        help="show the labels given too: above this probability, or above each label's best (src/report.py)",
    )
    parser.add_argument(
        "--explain",
        nargs="?",
        const="occlusion",
        choices=("occlusion", "gradients", "attention"),
        help="show which words carried the scores, in colour: by masking each (the default), by integrated gradients,"
        " or by the attention of a run with --pooling attention; put it after the texts",
    )
    parser.add_argument(
        "--output",
        type=Path,
        help="a .csv or .jsonl file; started again, it goes on. With --explain, an .html page",
    )
    parser.add_argument(
        "--output-format", choices=("csv", "jsonl"), help="default: by --output's name, or csv"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace --output when it is done")
    add_workspace(parser)
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)

"""Predict any text with a trained run: words on the command line, or a file of any number of rows."""

import argparse
import os
import sys
from pathlib import Path

from pooled_bert.benchmarks import BENCHMARKS
from pooled_bert.errors import InputError, run_command

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Open, load, predict, write."""
    args = parse_arguments()

    from pooled_bert.files import check_name
    from pooled_bert.layouts import TableLayout, layout_of
    from pooled_bert.predicting import StandardOutput, identity, predict_texts
    from pooled_bert.prediction_file import check_free, open_predictions
    from pooled_bert.predictor import load_predictor
    from pooled_bert.thresholds import ARTICLE, chosen_thresholds

    is_table = args.output is None and args.output_format is None and sys.stdout.isatty()
    is_table = is_table or args.explain is not None
    kind = TableLayout if is_table else layout_of(args.output, args.output_format)
    if args.output:
        check_free(args.output, args.overwrite)
    texts, lines = given_texts(args)
    folder = args.workspace / "folds" / args.benchmark / "runs" / check_name("--run", args.run)
    predictor = load_predictor(folder, args.folds, windows=args.windows, precision=args.precision)
    if args.folds is None and not predictor.run.is_complete:
        numbers = " ".join(str(fold.fold) for fold in predictor.run.folds)
        print(
            f"note: not all folds of run {args.run!r} are finished; fold {numbers} predicts", file=sys.stderr
        )
    choice = args.thresholds or (str(ARTICLE) if is_table else None)
    thresholds = choice and chosen_thresholds(choice, folder, predictor.run, predictor.labels)
    if args.explain:
        explain_texts(args, predictor, texts, thresholds)
        return
    layout = kind(predictor.labels, thresholds)
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


def explain_texts(args: argparse.Namespace, predictor, texts, thresholds) -> None:
    """Show which words carried the scores: on the terminal, or as the page --output."""
    from pooled_bert.explanation import check_method, explain
    from pooled_bert.explanation_view import terminal_view, write_explanations

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
    from pooled_bert.texts import Lines, Text, TextColumn, read_texts

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
    parser.add_argument("--benchmark", choices=tuple(BENCHMARKS), default="jigsaw", help="what was learnt")
    parser.add_argument("--run", default="bert", help="whose models predict (default: bert)")
    parser.add_argument("--folds", type=int, nargs="+", help="these folds only (default: those finished)")
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
    parser.add_argument(
        "--workspace", type=Path, default=ROOT, help="where folds/ is (default: this checkout)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)

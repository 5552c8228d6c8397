"""Predict texts or sounds with a trained run: given on the command line, or in a file of any number of rows."""

import argparse
import os
import sys
from pathlib import Path

from pooled_bert.base.command_line import Parser
from pooled_bert.base.errors import InputError, run_command, suggestion
from pooled_bert.base.rules import LINE, NAME, PLACE
from pooled_bert.runs.options import add_benchmark, add_folds, add_reading, add_workspace, default_run

METHODS = ("occlusion", "gradients", "attention")  # of --explain, that of texts first
USUAL = "usual"  # --explain without a method: the first of METHODS, for sounds attention


def main() -> None:
    """Open the texts, load the models, predict, write."""
    args = parse_arguments()
    args.run = args.run or default_run(args.benchmark)

    from pooled_bert.predict.output_formats import TableLayout, layout_of
    from pooled_bert.predict.predictor import MADE_UP_NOTE, load_predictor
    from pooled_bert.runs.finished_runs import note_missing_folds

    is_table = args.output is None and args.output_format is None and sys.stdout.isatty()
    is_table = is_table or args.explain is not None
    kind = TableLayout if is_table else layout_of(args.output, args.output_format)
    check_options(args)
    is_sound = args.benchmark.medium == "sound"
    given = given_sounds(args) if is_sound else given_texts(args)
    folder = args.workspace.run(args.benchmark.name, args.run)
    predictor = load_predictor(folder, args.folds, windows=args.windows, precision=args.precision)
    predictor.check_noun(args.benchmark)
    if args.folds is None:
        note_missing_folds(predictor.run)
    if predictor.run.made_up:
        print(f"note: run {args.run!r} {MADE_UP_NOTE}", file=sys.stderr)
    texts, lines = sounds(given, predictor) if is_sound else given
    thresholds = wanted_thresholds(args, predictor, folder, is_table)
    if args.explain == USUAL:
        args.explain = "attention" if is_sound else METHODS[0]
    if args.explain and is_sound:
        show_attention(args, predictor, list(texts))
    elif args.explain:
        explain_texts(args, predictor, texts, thresholds)
    else:
        layout = kind(predictor.labels, predictor.target, thresholds)
        write_predictions(
            args.output, args.overwrite, folder, predictor, layout, texts, None if is_table else lines
        )


def write_predictions(
    output: Path | None, overwrite: bool, folder: Path, predictor, layout, texts, lines
) -> None:
    """Predict texts or sounds, and write a row for each to a file, or (``output`` None) to standard output.

    folder : of the run.  lines : the file of the texts, for a progress bar; None: without a bar.
    """
    from pooled_bert.predict.chunks import StandardOutput, identity, predict_texts
    from pooled_bert.predict.resumable_output import open_predictions

    if output is None:
        screen = StandardOutput()
        screen.write(layout.header())
        predict_texts(predictor, texts, layout, screen, lines=lines)
        return
    made_of = identity(predictor, folder, layout)
    with open_predictions(output, identity=made_of, header=layout.header(), overwrite=overwrite) as file:
        count = predict_texts(predictor, texts, layout, file, lines=lines)
    print(f"{output}: {count} {predictor.noun}s")


def check_options(args: argparse.Namespace) -> None:
    """Raise InputError for options that do not go together, and for an output that must not be replaced."""
    from pooled_bert.predict.resumable_output import check_free

    if args.thresholds and args.benchmark.target.is_exclusive:
        raise InputError(
            f"--thresholds: --benchmark {args.benchmark.name} has no thresholds, its likeliest class is assigned;"
            " leave the option out"
        )
    if args.explain and args.output_format:
        raise InputError("--output-format: does not go with --explain, which writes .html; leave it out")
    if args.output:
        check_free(args.output, args.overwrite)
        check_other_file(args.output, args.file)


def check_other_file(output: Path, file: Path | None) -> None:
    """Raise InputError if the output is the input, by whatever name: it would replace the texts."""
    if file is not None and output.exists() and file.exists() and output.samefile(file):
        raise InputError(f"--output {output}: is the same file as --file {file}; name another file")


def wanted_thresholds(args: argparse.Namespace, predictor, folder: Path, is_table: bool):
    """Return float64 [n_labels], or None if no label is assigned or the likeliest class is."""
    from pooled_bert.results.thresholds import ARTICLE, chosen_thresholds

    if predictor.target.is_exclusive or (args.thresholds is None and not is_table):
        return None
    return chosen_thresholds(args.thresholds or str(ARTICLE), folder, predictor.run, predictor.labels)


def explain_texts(args: argparse.Namespace, predictor, texts, thresholds) -> None:
    """Show which words carried the scores: on the terminal, or in the HTML page ``--output``."""
    from pooled_bert.base.files import output
    from pooled_bert.predict.explanation import check_method, explain
    from pooled_bert.predict.explanation_view import terminal_view, write_explanations
    from pooled_bert.predict.run_facts import run_facts

    check_method(predictor, args.explain)
    explanations = (explain(predictor, text.text, args.explain) for text in texts)
    if args.output:
        about = f"Run {predictor.run.name}: {run_facts(predictor.run)}"
        with output(args.output, overwrite=args.overwrite):
            write_explanations(args.output, explanations, thresholds, run=about)
        print(args.output)
        return
    coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    for explanation in explanations:
        print(terminal_view(explanation, thresholds, coloured=coloured), flush=True)


def given_texts(args: argparse.Namespace) -> tuple:
    """Return the texts or pairs, and the Lines they are read from (None for texts on the command line)."""
    from pooled_bert.predict.text_files import Lines, Text, TextColumns, read_texts

    if bool(args.text) == (args.file is not None):
        raise InputError("give either texts, or a file of texts with --file")
    columns = TextColumns(args.column, args.benchmark.text_columns, args.benchmark.id_column or "id")
    for option in ("format", "column"):
        if args.text and getattr(args, option):
            raise InputError(f"--{option}: is for --file; leave it out")
    if args.text:
        return [Text(str(number), item) for number, item in enumerate(typed_items(args), start=1)], None
    lines = Lines(str(args.file))
    return read_texts(lines, args.format, columns), lines


def typed_items(args: argparse.Namespace) -> list[str]:
    """Return the texts of the command line; two by two, joined, for a benchmark of pairs."""
    from pooled_bert.base.pairs import joined

    if not args.benchmark.is_pairs:
        return args.text
    if len(args.text) % 2:
        raise InputError(
            f"--benchmark {args.benchmark.name} has pairs ({', '.join(args.benchmark.text_columns)}); give two texts"
            f" for each, not {len(args.text)} in all"
        )
    return [joined(pair) for pair in zip(args.text[::2], args.text[1::2], strict=True)]


def given_sounds(args: argparse.Namespace) -> list:
    """Return where the sounds are; raises InputError for options that sounds do not have, and for missing files."""
    from pooled_bert.predict.sound_paths import find_sources, sources_in_csv

    benchmark = args.benchmark
    for option in ("windows", "format"):
        if getattr(args, option):
            raise InputError(f"--{option}: belongs to texts; --benchmark {benchmark.name} has sounds")
    if args.explain not in (None, USUAL, "attention"):
        raise InputError(f"--explain {args.explain}: is for texts; sounds are explained by attention")
    if bool(args.text) == (args.file is not None):
        raise InputError("give either sound files or folders, or a CSV file of their paths with --file")
    if args.text:
        return find_sources(args.text, benchmark)
    if args.column and len(args.column) > 1:
        raise InputError(f"--column {' '.join(args.column)}: expected one name")
    return sources_in_csv(args.file, args.column and args.column[0], benchmark)


def sounds(sources, predictor) -> tuple:
    """Return an iterator over the sounds, after a note about unknown speakers, and None: they have no lines."""
    from pooled_bert.predict.sound_paths import read_sources, speaker_note

    note = speaker_note(sources, by_speaker=predictor.by_speaker)
    if note:
        print(f"note: {note}", file=sys.stderr)
    return read_sources(sources), None


def show_attention(args: argparse.Namespace, predictor, files: list) -> None:
    """Print each sound's probabilities, and its attention over time."""
    from pooled_bert.predict.sound_explanation import explain_sounds, sound_view

    if args.output:
        raise InputError("--explain: shows sounds on the terminal; leave --output out, or use src/play.py")
    for file, explanation in zip(
        files, explain_sounds(predictor, [file.item for file in files]), strict=True
    ):
        print(f"{file.id}\n{sound_view(explanation)}", flush=True)


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(description=__doc__)
    parser.add_argument(
        "text", nargs="*", help="texts to predict; two for each pair; for sounds, files and folders"
    )
    parser.add_argument(
        "--file",
        type=PLACE,
        help="a file of texts: .csv, .csv.zip, .tsv, .txt or .jsonl; - is standard input",
    )
    parser.add_argument(
        "--format",
        choices=("csv", "tsv", "txt", "jsonl"),
        help="format of --file (default: by the ending of its name; txt for standard input)",
    )
    parser.add_argument(
        "--column",
        nargs="+",
        type=LINE,
        metavar="NAME",
        help="column of --file that holds the texts (default: the benchmark's, or text, or the only one beside id); the"
        " two columns of pairs (default: the benchmark's)",
    )
    add_benchmark(parser)
    parser.add_argument(
        "--run", type=NAME, metavar="NAME", help="run whose models predict (default: bert; of sounds: blstm)"
    )
    add_folds(parser)
    add_reading(parser)
    parser.add_argument(
        "--thresholds",
        metavar="NUMBER|tuned",
        help="show also which labels are assigned: those above this probability, or (tuned) above the threshold that"
        " src/report.py found best for each label",
    )
    parser.add_argument(
        "--explain",
        nargs="?",
        const=USUAL,
        metavar="|".join(METHODS),
        help="show in colour which words carried the scores: by masking each word (occlusion, the default), by"
        " integrated gradients, or by the attention of a run with --pooling attention",
    )
    parser.add_argument(
        "--output",
        type=PLACE,
        help="a .csv or .jsonl file to write; the same command again resumes an interrupted file. With --explain, an"
        " .html page",
    )
    parser.add_argument(
        "--output-format",
        choices=("csv", "jsonl"),
        help="format to write (default: by the ending of --output, otherwise csv)",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace an existing --output when the new one is complete"
    )
    add_workspace(parser)
    args = parser.parse_args()
    if args.explain not in (
        None,
        USUAL,
        *METHODS,
    ):  # a text that follows --explain, unless it resembles a method
        if args.file is not None or suggestion(args.explain, METHODS):
            raise InputError(
                f"--explain: {args.explain!r} is not one of {', '.join(METHODS)}{suggestion(args.explain, METHODS)}"
            )
        args.text.insert(0, args.explain)
        args.explain = USUAL
    return args


if __name__ == "__main__":
    run_command(main)

"""Export the model of a finished fold for other programs, in float32, and compare it with the fold's own model."""

import argparse
from pathlib import Path

from pooled_bert.base.command_line import Parser
from pooled_bert.base.errors import InputError, require, run_command
from pooled_bert.base.rules import FOLD, LINE, PLACE
from pooled_bert.runs.options import add_benchmark, add_run, add_workspace


def main() -> None:
    """Load the fold's model, write its export, print how exact and how fast the export is."""
    args = parse_arguments()
    check_options(args)
    if args.push:
        from pooled_bert.predict.hub import check_push, push

        check_push(args.push)

    from pooled_bert.base.files import output
    from pooled_bert.base.places import fold_folder, model_folder
    from pooled_bert.base.tensorflow_setup import start_tensorflow
    from pooled_bert.runs.fold_files import check_models, read_fold

    args.benchmark.require_texts("this command")
    runs = args.workspace.runs(args.benchmark.name)
    folder = fold_folder(runs / args.run, args.fold)
    fold = read_fold(folder, args.fold, tables=())
    if not model_folder(runs / args.run, args.fold).is_dir():
        raise InputError(f"{folder}: holds no model to export; folds of --model linear keep none")
    check_models({folder: fold})
    card = card_of_fold(runs / args.run / "README.md", args)
    if args.push and card is None:
        raise InputError(
            f"--push: needs {runs / args.run / 'README.md'}, the model card; write it with: python src/report.py --run"
            f" {args.run} --license ID"
        )
    start_tensorflow()
    from pooled_bert.predict.export import export, load_float32

    classifier = load_float32(model_folder(runs / args.run, args.fold))
    origin = {"benchmark": args.benchmark.name, "run": args.run, "fold": args.fold}
    with output(args.output, overwrite=args.overwrite, is_own=lambda: is_export(args)):
        difference = export(classifier, args.output, args.format, origin, card)
    print(
        f"{args.output}: {args.format}; its probabilities differ from the fold's by at most {difference:.1e}",
        flush=True,
    )
    if args.push:
        print(push(args.output, args.push, f"{args.benchmark.name}, run {args.run}, fold {args.fold}"))


def card_of_fold(path: Path, args: argparse.Namespace) -> str | None:
    """Return the run's model card with a note about its one fold; None if the run has no card."""
    if not path.is_file():
        return None
    metadata, title, rest = path.read_text(encoding="utf-8").partition("\n# ")
    heading, *body = rest.split("\n")
    note = (
        f"**Note:** these files are the model of fold {args.fold} alone. The scores below are those of the run, out of"
        " fold: means over its folds."
    )
    return "\n".join([f"{metadata}{title}{heading}", "", note, *body])


def check_options(args: argparse.Namespace) -> None:
    """Raise InputError if options do not go together, or if the output exists and must not be replaced."""
    from pooled_bert.base.files import check_output

    is_onnx = args.format == "onnx"
    if is_onnx != (args.output.suffix == ".onnx"):
        kind = "a file that ends in .onnx" if is_onnx else "a folder, without .onnx"
        raise InputError(f"--output {args.output}: name {kind}, for --format {args.format}")
    if args.push:
        require(
            args.format == "huggingface",
            "--format",
            args.format,
            "huggingface, the only format that is pushed",
        )
    check_output(args.output, overwrite=args.overwrite, is_own=lambda: is_export(args))


def is_export(args: argparse.Namespace) -> bool:
    """Return whether the output is an export: an ONNX file has its record among its metadata, which are at its end."""
    path = args.output
    if args.format != "onnx":
        return (path / "export.json").is_file()
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - 2**20))
        return b"\x06export\x12" in stream.read()


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(description=__doc__)
    add_benchmark(parser)
    add_run(parser, "run that trained the model")
    parser.add_argument("--fold", type=FOLD, required=True, help="number of a finished fold of the run")
    parser.add_argument(
        "--format", choices=("huggingface", "savedmodel", "onnx"), required=True, help="format to write"
    )
    parser.add_argument(
        "--output", type=PLACE, required=True, help="folder to write; for onnx, a file that ends in .onnx"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier export")
    parser.add_argument(
        "--push",
        type=LINE,
        metavar="OWNER/NAME",
        help="upload the export and the run's model card to this repository of the Hugging Face Hub; a new one is"
        " private",
    )
    add_workspace(parser)
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)

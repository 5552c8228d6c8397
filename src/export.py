"""Export the model of a finished fold for other programs, in float32, and check it against the fold's own."""

import argparse
import os
from pathlib import Path

from pooled_bert.base.errors import InputError, require, run_command
from pooled_bert.runs.options import add_benchmark, add_workspace


def main() -> None:
    """Load the fold, write its export, print how exact and how fast it is."""
    args = parse_arguments()
    check_output(args)

    from pooled_bert.base.files import check_name
    from pooled_bert.base.places import fold_folder, model_folder
    from pooled_bert.base.tensorflow_setup import start_tensorflow
    from pooled_bert.runs.fold_files import read_fold

    runs = args.workspace.runs(args.benchmark)
    folder = fold_folder(runs / check_name("--run", args.run), args.fold)
    read_fold(folder, args.fold)
    if not model_folder(runs / args.run, args.fold).is_dir():
        raise InputError(f"{folder}: keeps no model, as those of --model linear")
    if args.measure:
        os.environ |= dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), str(args.measure))
    start_tensorflow()
    from pooled_bert.measure.export_speed import speed_lines
    from pooled_bert.predict.export import export, load_float32

    classifier = load_float32(model_folder(runs / args.run, args.fold))
    origin = {"benchmark": args.benchmark, "run": args.run, "fold": args.fold}
    difference = export(classifier, args.output, args.format, origin)
    print(f"{args.output}: {args.format}, at most {difference:.1e} from the fold's probabilities", flush=True)
    if args.measure:
        for line in speed_lines(classifier, args.output, args.measure):
            print(line, flush=True)


def check_output(args: argparse.Namespace) -> None:
    """Raise InputError for an output that must not be written, and for options that do not go together."""
    output, is_onnx = args.output, args.format == "onnx"
    if is_onnx != (output.suffix == ".onnx"):
        kind = "a file that ends in .onnx" if is_onnx else "a folder, without .onnx"
        raise InputError(f"--output {output}: name {kind}, for --format {args.format}")
    if args.measure is not None:
        require(is_onnx, "--format", args.format, "onnx, which --measure holds against TensorFlow")
        require(args.measure >= 1, "--measure", args.measure, "a number of threads from 1")
    if output.exists() and not args.overwrite:
        raise InputError(f"{output}: is there already; give another --output, or --overwrite")
    is_export = output.is_file() if is_onnx else (output / "export.json").is_file()
    if output.exists() and not is_export:
        raise InputError(f"{output}: is no earlier export, and is not overwritten; give another --output")


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_benchmark(parser)
    parser.add_argument("--run", default="bert", help="whose model (default: bert)")
    parser.add_argument("--fold", type=int, required=True, help="a finished fold")
    parser.add_argument("--format", choices=("huggingface", "savedmodel", "onnx"), required=True)
    parser.add_argument(
        "--output", type=Path, required=True, help="folder to write; for onnx a file that ends in .onnx"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier export")
    parser.add_argument(
        "--measure",
        type=int,
        metavar="THREADS",
        help="time ONNX Runtime against TensorFlow, in turn on the CPU, with so many threads each",
    )
    add_workspace(parser)
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)

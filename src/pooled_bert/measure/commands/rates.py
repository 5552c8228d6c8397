"""Compare the rows per second of this project, TensorFlow, and the exported model in ONNX Runtime and OpenVINO."""

import argparse
import sys
from pathlib import Path

from ...base.errors import InputError
from ...base.rules import COUNT, FOLD
from ...runs.options import add_benchmark, add_run, add_workspace
from ...training.settings import TOKENS


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    add_benchmark(parser)
    add_run(parser, "run whose model is measured")
    parser.add_argument("--fold", type=FOLD, default=0, help="fold whose model is measured (default: 0)")
    parser.add_argument(
        "--widths",
        type=TOKENS,
        nargs="+",
        default=[24, 128, 512],
        help="tokens per row, cut to what the model reads (default: 24 128 512)",
    )
    parser.add_argument(
        "--rounds", type=COUNT, default=5, help="times that each is measured, in turn (default: 5)"
    )
    add_workspace(parser)


def run(args: argparse.Namespace) -> None:
    """Measure, and print what was found."""
    import importlib.util
    import tempfile

    from ...base.places import model_folder
    from ...base.tensorflow_setup import start_tensorflow
    from ...models.fold_model import open_fold_model
    from ...runs.fold_files import check_models, read_fold

    args.benchmark.require_texts("this measurement")
    folder = model_folder(args.workspace.run(args.benchmark.name, args.run), args.fold)
    check_models({folder.parent: read_fold(folder.parent, args.fold, tables=())})
    model = open_fold_model(folder, "float32")
    if not model.engine:
        raise InputError(f"{folder}: only TensorFlow computes this model, so there is nothing to compare")
    start_tensorflow()
    from ...predict.export import export, load_float32
    from ..rates import batches_of, ways_to_compute
    from ..rates import rates as measured

    with tempfile.TemporaryDirectory() as temporary:
        file = None
        if importlib.util.find_spec("tf2onnx"):
            file = Path(temporary) / "model.onnx"
            export(load_float32(folder), file, "onnx", {})
        else:
            print("note: without the package tf2onnx, the exported model is left out", file=sys.stderr)
        ways = ways_to_compute(model, file)
        longest = model.text_reader.max_length
        for width in sorted({min(width, longest) for width in args.widths}):
            tokens, batches = batches_of(width, len(model.text_reader.tokenizer))
            found = measured(ways, tokens, batches, args.rounds)
            print(f"{width} tokens a row, {len(batches[0])} rows a batch")
            for name, rate in found.items():
                print(f"  {rate:8.1f} rows/s  {rate / found['this project']:5.2f}  {name}", flush=True)

"""Serve a page, to this machine alone, that shows scores of a typed text or of a recording, and what they rest on."""

import argparse
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from pooled_bert.base.command_line import Parser
from pooled_bert.base.errors import InputError, run_command
from pooled_bert.base.rules import NAME, Number
from pooled_bert.benchmarks.benchmark import Benchmark
from pooled_bert.runs.options import add_benchmark, add_data, add_folds, add_workspace, default_run

if TYPE_CHECKING:
    from pooled_bert.predict.play_sound import Example


def main() -> None:
    """Load the models and the examples, then serve until interrupted."""
    args = parse_arguments()
    benchmark = args.benchmark
    if args.data and benchmark.medium != "sound":
        raise InputError(
            f"--data: gives recordings to choose on the page; --benchmark {benchmark.name} has texts, leave it out"
        )

    from pooled_bert.predict.predictor import load_predictor

    folder = args.workspace.runs(benchmark.name)
    names = dict.fromkeys(args.run or [default_run(benchmark)])
    predictors = {name: load_predictor(folder / name, args.folds) for name in names}
    for predictor in predictors.values():
        predictor.check_noun(benchmark)

    from pooled_bert.predict.play_server import make_server
    from pooled_bert.predict.web_server import serve_until_stopped

    examples = recordings(benchmark, args.data) if benchmark.medium == "sound" else []
    thresholds = found_thresholds(folder, predictors, benchmark) if benchmark.medium == "text" else {}
    server, port = make_server(predictors, benchmark, args.port, examples, thresholds)
    serve_until_stopped(server, f"http://127.0.0.1:{port}/  (Ctrl-C stops the server)", grace=1)


def found_thresholds(folder: Path, predictors: dict, benchmark: Benchmark) -> dict:
    """Return the thresholds that report.py found for the labels of each run; runs without any are left out."""
    from pooled_bert.results.thresholds import FILE, read_thresholds

    if benchmark.target.is_exclusive:
        return {}
    found = {}
    for name, predictor in predictors.items():
        with contextlib.suppress(InputError):  # of other folds: the page then decides at 0.5, and says so
            if (folder / name / FILE).exists():
                found[name] = read_thresholds(folder / name, predictor.run, predictor.labels)
    return found


def recordings(benchmark: Benchmark, data: Path | None) -> "list[Example]":
    """Return one recording per class; none if no folder was named, and the usual folders hold none."""
    from pooled_bert.data.rows import find_data, read_train
    from pooled_bert.predict.play_sound import choose_examples

    try:
        folder = find_data(benchmark, data)
    except InputError:
        if data:
            raise
        return []
    return choose_examples(read_train(benchmark, folder), benchmark.labels)


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(description=__doc__)
    add_benchmark(parser)
    parser.add_argument(
        "--run",
        type=NAME,
        nargs="+",
        metavar="NAME",
        help="runs to choose from on the page, one or several (default: bert; of sounds: blstm)",
    )
    add_folds(parser)
    add_data(parser)
    parser.add_argument(
        "--port",
        type=Number(int, 0, 65_535),
        default=8000,
        help="port on 127.0.0.1; 0: any free port (default: 8000)",
    )
    add_workspace(parser)
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)

"""Serve a page, to this machine alone, where one types a text and sees its scores and the words that carried them."""

import argparse
from pathlib import Path

from pooled_bert.benchmarks import BENCHMARKS
from pooled_bert.errors import run_command
from pooled_bert.settings import require

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Load the models, serve until interrupted."""
    args = parse_arguments()
    require(0 <= args.port < 2**16, "--port", args.port, "a number from 0 to 65535")

    from pooled_bert.files import check_name
    from pooled_bert.predictor import load_predictor

    folder = args.workspace / "folds" / args.benchmark / "runs"
    names = [check_name("--run", name) for name in dict.fromkeys(args.run)]
    predictors = {name: load_predictor(folder / name, args.folds) for name in names}

    from pooled_bert.play_server import make_server

    server = make_server(predictors, BENCHMARKS[args.benchmark], args.port)
    print(f"http://127.0.0.1:{server.effective_port}/  (Ctrl-C ends it)", flush=True)
    server.run()


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--benchmark", choices=tuple(BENCHMARKS), default="jigsaw", help="what was learnt")
    parser.add_argument(
        "--run", nargs="+", default=["bert"], help="runs to play with, one or several (default: bert)"
    )
    parser.add_argument("--folds", type=int, nargs="+", help="these folds only (default: those finished)")
    parser.add_argument("--port", type=int, default=8000, help="on 127.0.0.1; 0: any free one (default: 8000)")
    parser.add_argument(
        "--workspace", type=Path, default=ROOT, help="where folds/ is (default: this checkout)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)

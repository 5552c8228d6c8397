"""Serve a page, to this machine alone, that shows the scores of a typed text and the words behind them."""

import argparse

from pooled_bert.base.errors import require, run_command
from pooled_bert.benchmarks.registry import BENCHMARKS
from pooled_bert.runs.options import add_benchmark, add_folds, add_workspace


def main() -> None:
    """Load the models, then serve until interrupted."""
    args = parse_arguments()
    require(0 <= args.port < 2**16, "--port", args.port, "a number from 0 to 65535")

    from pooled_bert.base.files import check_name
    from pooled_bert.predict.predictor import load_predictor

    folder = args.workspace.runs(args.benchmark)
    names = [check_name("--run", name) for name in dict.fromkeys(args.run)]
    predictors = {name: load_predictor(folder / name, args.folds) for name in names}

    from pooled_bert.predict.play_server import make_server

    server, port = make_server(predictors, BENCHMARKS[args.benchmark], args.port)
    print(f"http://127.0.0.1:{port}/  (Ctrl-C stops the server)", flush=True)
    server.run()


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_benchmark(parser)
    parser.add_argument(
        "--run",
        nargs="+",
        default=["bert"],
        metavar="NAME",
        help="runs to choose from on the page, one or several (default: bert)",
    )
    add_folds(parser)
    parser.add_argument(
        "--port", type=int, default=8000, help="port on 127.0.0.1; 0: any free port (default: 8000)"
    )
    add_workspace(parser)
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)

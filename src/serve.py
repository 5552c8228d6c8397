"""Serve a trained run to other programs: JSON batches of texts or pairs in, probabilities out; health and metrics."""

import argparse
from pathlib import Path

from pooled_bert.base.command_line import Parser
from pooled_bert.base.errors import InputError, run_command
from pooled_bert.base.rules import COUNT, LINE, NAME, PLACE, Number
from pooled_bert.runs.options import (
    add_benchmark,
    add_folds,
    add_reading,
    add_workspace,
    default_run,
)

SHORTEST_TOKEN = 16  # characters


def main() -> None:
    """Load the models, then serve until interrupted."""
    args = parse_arguments()
    args.benchmark.require_texts("this service")

    from pooled_bert.predict.predictor import load_predictor
    from pooled_bert.predict.web_server import is_loopback, listen, make_server, serve_until_stopped

    token = read_token(args.token_file) if args.token_file else None
    if token is None and not is_loopback(args.host):
        raise InputError(
            f"--host {args.host}: other machines can reach it, so requests need a token; give --token-file, or leave"
            " --host out"
        )
    listener, port = listen(args.host, args.port)
    predictor = load_predictor(
        args.workspace.run(args.benchmark.name, args.run or default_run(args.benchmark)),
        args.folds,
        windows=args.windows,
        precision=args.precision,
    )
    predictor.check_noun(args.benchmark)

    from pooled_bert.predict.service import Limits, Service

    limits = Limits(args.max_body, args.max_rows, args.max_characters, args.in_flight, args.timeout)
    predictor.predict_proba(
        ["a text"] if predictor.noun == "text" else [("a text", "another")]
    )  # the first call is slower
    host = f"[{args.host}]" if ":" in args.host else args.host
    own_hosts = {args.host.lower(), "127.0.0.1", "localhost"}
    models = predictor.models  # of one batch, each model is computed by one of the device's cores
    at_once = max(1, models[0].device.at_once // len(models))
    service = Service(predictor, limits, token=token, own_hosts=own_hosts, at_once=at_once)
    server = make_server(service, listener)
    serve_until_stopped(server, f"http://{host}:{port}/  (Ctrl-C stops the service)", args.timeout + 5)


def read_token(path: Path) -> str:
    """Return the token, the only word of a file; raises InputError if it is short, or cannot be read."""
    try:
        lines = path.read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--token-file {path}: cannot be read ({error})") from error
    if len(lines) != 1 or len(lines[0]) < SHORTEST_TOKEN:
        raise InputError(
            f"--token-file {path}: expected one word of at least {SHORTEST_TOKEN} letters and digits; make one with:"
            " openssl rand -hex 32"
        )
    return lines[0]


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(description=__doc__)
    add_benchmark(parser)
    parser.add_argument("--run", type=NAME, metavar="NAME", help="run whose models predict (default: bert)")
    add_folds(parser)
    add_reading(parser)
    add_workspace(parser)
    where = parser.add_argument_group("who can reach it")
    where.add_argument(
        "--host",
        type=LINE,
        default="127.0.0.1",
        help="address to listen on; 0.0.0.0 is every IPv4 address of this machine, and needs --token-file (default:"
        " 127.0.0.1, this machine alone)",
    )
    where.add_argument(
        "--port", type=Number(int, 0, 65_535), default=8000, help="0: any free port (default: 8000)"
    )
    where.add_argument(
        "--token-file",
        type=PLACE,
        metavar="FILE",
        help="file with the token that requests must show, in the header Authorization: Bearer TOKEN",
    )
    limits = parser.add_argument_group("limits")
    limits.add_argument(
        "--max-body", type=COUNT, default=2_000_000, help="bytes per request (default: 2,000,000)"
    )
    limits.add_argument(
        "--max-rows", type=COUNT, default=128, help="texts or pairs per request (default: 128)"
    )
    limits.add_argument(
        "--max-characters", type=COUNT, default=20_000, help="characters per text or pair (default: 20,000)"
    )
    limits.add_argument(
        "--in-flight",
        type=Number(int, 1, 1000),
        default=32,
        help="requests that may be computed or wait at the same time; others get status 503 (default: 32)",
    )
    limits.add_argument(
        "--timeout",
        type=Number(float, 0, 3600, above=True),
        default=30,
        metavar="SECONDS",
        help="a request that is not answered after this time gets status 503, and is not computed (default: 30)",
    )
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)

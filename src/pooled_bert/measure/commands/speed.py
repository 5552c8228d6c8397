"""Time training and prediction; compare with the article's method, with peers, and without each technique."""

import argparse
from dataclasses import asdict

from ...base.errors import InputError
from ...base.places import BUILD
from ...base.rules import COUNT, LINE, PLACE
from ...runs.options import add_benchmark, add_data
from ...training.settings import TOKENS


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    add_benchmark(parser, "benchmark whose rows are used")
    add_data(parser)
    parser.add_argument(
        "--encoder",
        type=LINE,
        default="bert-base-uncased",
        help="as in train_folds.py (default: %(default)s)",
    )
    parser.add_argument("--max-length", type=TOKENS, default=256, help="tokens per text (default: 256)")
    parser.add_argument("--batch-size", type=COUNT, default=32, help="rows per optimizer step (default: 32)")
    parser.add_argument(
        "--rows", type=COUNT, default=1600, help="rows in the epoch of each variant (default: 1600)"
    )
    parser.add_argument(
        "--rounds",
        type=COUNT,
        default=5,
        help="parts of the epoch; each variant's part is timed in turn with the first variant's (default: 5)",
    )
    parser.add_argument(
        "--variants",
        nargs="+",
        default=["ours", "article-128", "article-256"],
        metavar="NAME",
        help="variants to compare; times are given as multiples of the first one's (default: %(default)s)",
    )
    parser.add_argument(
        "--peer",
        type=PLACE,
        metavar="PYTHON",
        help="Python of an environment with tests/peers/requirements.txt, for the variants trainer…",
    )
    parser.add_argument(
        "--output",
        type=PLACE,
        default=BUILD / "speed",
        help="path of the .json and the .png to write, without the ending (default: build/speed)",
    )


def run(args: argparse.Namespace) -> None:
    """Measure, and print what was found."""
    from ...base.files import write_json
    from ...base.tensorflow_setup import start_tensorflow
    from ...data.rows import find_data, read_rows
    from ...training.settings import BertSettings
    from ..speed import check_variants, measure, plot, rates, rates_table

    check_variants(args.variants, args.peer)
    if args.encoder == "tiny":
        raise InputError("--encoder tiny: is made from the texts of each run; give a name or a directory")
    settings = BertSettings(encoder=args.encoder, max_length=args.max_length, batch_size=args.batch_size)
    args.benchmark.require_texts("this measurement")
    rows = read_rows(args.benchmark, find_data(args.benchmark, args.data))
    texts = rows.train["text"].sample(args.rows, replace=len(rows.train) < args.rows, random_state=0)
    start_tensorflow()
    from ...inputs.pair_tokens import text_reader
    from ...models.encoders import load_tokenizer

    tokenizer = load_tokenizer(settings.encoder, texts)
    reader = text_reader(tokenizer, {**asdict(settings), "pairs": args.benchmark.is_pairs})
    tokens = reader.encode(texts.tolist(), cache=None)
    timings = []
    try:
        timings.extend(measure(args.variants, tokens, settings=settings, rounds=args.rounds, peer=args.peer))
    finally:  # the timings of finished variants are shown and written even if a later variant fails
        if timings:
            records = rates(timings, len(tokens), len(tokens.flat))
            print(
                f"{args.rows} rows of {tokens.lengths.mean():.1f} tokens in {args.rounds} rounds; times are multiples"
                f" of those of {args.variants[0]}\n{rates_table(records)}"
            )
            facts = {"made_up": rows.made_up, "rows": args.rows, "rounds": args.rounds}
            write_json(args.output.with_suffix(".json"), {**facts, "variants": records})
            plot(records, args.output.with_suffix(".png"))
            print(f"{args.output.with_suffix('.json')}, {args.output.with_suffix('.png')}")

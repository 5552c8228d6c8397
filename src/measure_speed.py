"""Time training and prediction against the article's way, against peers, and with each technique switched off."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from pooled_bert.errors import InputError, run_command

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Parse, measure, print, write."""
    if sys.argv[1:2] == ["--worker"]:
        from pooled_bert.speed_worker import work

        work(json.loads(sys.argv[2]))
        return
    args = parse_arguments()

    import pandas as pd

    from pooled_bert.benchmarks import BENCHMARKS
    from pooled_bert.files import write_json
    from pooled_bert.rows import find_data, read_rows
    from pooled_bert.runtime import start_tensorflow
    from pooled_bert.settings import BertSettings
    from pooled_bert.speed import VARIANTS, measure, plot, table

    unknown = set(args.variants) - set(VARIANTS)
    if unknown:
        raise InputError(f"--variants {min(unknown)}: is none of {', '.join(VARIANTS)}")
    if args.encoder == "tiny":
        raise InputError("--encoder tiny: is made anew from the texts it meets; give a name or a directory")
    settings = BertSettings(encoder=args.encoder, max_length=args.max_length, batch_size=args.batch_size)
    benchmark = BENCHMARKS[args.benchmark]
    rows = read_rows(benchmark, find_data(benchmark, args.data, ROOT))
    texts = rows.train["text"].sample(args.rows, replace=len(rows.train) < args.rows, random_state=0)
    start_tensorflow()
    from pooled_bert.encoders import load_tokenizer
    from pooled_bert.tokens import encode

    tokenizer = load_tokenizer(settings.encoder, texts)
    tokens = encode(
        texts.tolist(), tokenizer, max_length=settings.max_length, truncation=settings.truncation, cache=None
    )
    timings = []
    try:
        with tempfile.TemporaryDirectory() as folder:
            timed = measure(
                args.variants,
                tokens,
                settings=settings,
                folder=Path(folder),
                rounds=args.rounds,
                peer=args.peer,
            )
            timings.extend(timed)
    finally:  # what was measured is shown and kept, also when a later variant fails
        if timings:
            records = table(timings, len(tokens), len(tokens.flat))
            shown = pd.DataFrame(records).set_index("variant")
            shown = shown.drop(columns=["what", "train seconds", "predict seconds"])
            print(
                f"{args.rows} rows of {tokens.lengths.mean():.1f} tokens in {args.rounds} rounds;"
                f" times are multiples of those of {args.variants[0]}"
            )
            print(shown.T.to_string(float_format="{:.3f}".format, na_rep="-"))
            measured = {
                "made_up": rows.made_up,
                "rows": args.rows,
                "rounds": args.rounds,
                "variants": records,
            }
            write_json(args.output.with_suffix(".json"), measured)
            plot(records, args.output.with_suffix(".png"))
            print(f"{args.output.with_suffix('.json')}, {args.output.with_suffix('.png')}")


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--benchmark", choices=("jigsaw", "imdb"), default="jigsaw")
    parser.add_argument("--data", help="folder of the benchmark's files (default: the usual places)")
    parser.add_argument("--encoder", default="bert-base-uncased", help="as in train_folds.py")
    parser.add_argument("--max-length", type=int, default=256, help="tokens a text (default: 256)")
    parser.add_argument("--batch-size", type=int, default=32, help="rows an optimizer step (default: 32)")
    parser.add_argument(
        "--rows", type=int, default=1600, help="rows of the epoch that each variant does (default: 1600)"
    )
    parser.add_argument(
        "--rounds",
        type=int,
        default=5,
        help="parts it is done in, in turn with the first variant (default: 5)",
    )
    parser.add_argument(
        "--variants",
        nargs="+",
        default=["ours", "article-128", "article-256"],
        help="what to compare; times are given as multiples of the first's",
    )
    parser.add_argument(
        "--peer",
        type=Path,
        help="the Python of an environment with tests/peers/requirements.txt, for trainer…",
    )
    parser.add_argument(
        "--output", type=Path, default=ROOT / "build" / "speed", help="name of the .json and .png"
    )
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)

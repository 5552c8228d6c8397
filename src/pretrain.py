"""Pre-train an encoder further on a benchmark's own texts, for train_folds.py --encoder. No label is read."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TypedDict

from pooled_bert.base.command_line import Parser
from pooled_bert.base.deadline import Deadline
from pooled_bert.base.errors import run_command
from pooled_bert.base.rules import PLACE
from pooled_bert.runs.options import (
    add_benchmark,
    add_data,
    add_record,
    add_times,
    add_workspace,
    record_from,
)
from pooled_bert.training.settings import PretrainingSettings

RECORD = "pretraining.json"  # marks a folder as the output of this command


class Record(TypedDict):
    """What the file holds, as far as it is read here."""

    identity: dict


def main() -> None:
    """Read the texts, train, write."""
    args = parse_arguments()
    deadline = Deadline(args.time_limit)
    settings = record_from(vars(args), PretrainingSettings)
    path = args.output or args.workspace.pretrained(args.benchmark.name)

    from pooled_bert.base.files import check_output, checksum, delete_folder, output, read_json
    from pooled_bert.base.pairs import each_text
    from pooled_bert.data.rows import find_data, read_rows, read_texts
    from pooled_bert.runs.identity import encoder_identity
    from pooled_bert.training.checkpoints import Checkpoints

    is_own = (path / RECORD).is_file
    check_output(path, overwrite=True, is_own=is_own)
    benchmark = args.benchmark
    benchmark.require_texts("this command")
    rows = read_rows(benchmark, find_data(benchmark, args.data))
    tables = [rows.train, *([] if rows.test is None else [rows.test])]
    tables += [read_texts(args.extra, benchmark)] if args.extra else []
    texts = [text for table in tables for text in table["text"]]
    texts = each_text(texts) if benchmark.is_pairs else texts
    identity = {
        "settings": {**asdict(settings), "encoder": encoder_identity(settings.encoder)},
        "texts": checksum(texts),
    }
    # the folder's name depends on settings and texts: checkpoints of different ones cannot be resumed from
    key = checksum([repr(sorted(identity["settings"].items())), identity["texts"]])[:12]
    checkpoints = Checkpoints(
        path.absolute().with_name(f"{path.name}.{key}.checkpoints"), minutes=args.checkpoint_minutes
    )
    is_made = not args.overwrite and is_own() and read_json(path / RECORD, Record)["identity"] == identity
    print(f"{benchmark.title}: {len(texts)} texts", flush=True)
    with output(path, overwrite=args.overwrite or is_made, is_own=is_own):
        if not is_made:
            write_encoder(path, texts, settings, identity, args.workspace.tokens, checkpoints, deadline)
        delete_folder(checkpoints.folder)  # those of a process that was killed here, too
    print(
        f"{path}: written. Next: python src/train_folds.py --benchmark {benchmark.argument} --encoder {path}"
    )


def write_encoder(
    path: Path,
    texts: list[str],
    settings: PretrainingSettings,
    identity: dict,
    cache: Path,
    checkpoints,
    deadline: Deadline,
) -> None:
    """Train, and write the encoder and the record of its origin."""
    from pooled_bert.base.environment import environment
    from pooled_bert.base.files import atomic_path, write_json
    from pooled_bert.base.tensorflow_setup import start_tensorflow
    from pooled_bert.runs.identity import encoder_name

    start_tensorflow()
    from pooled_bert.training.pretraining import pretrain

    save, history = pretrain(texts, settings, cache=cache, checkpoints=checkpoints, deadline=deadline)
    with atomic_path(path) as temporary:
        temporary.mkdir()
        save(temporary)
        information = {"encoder": encoder_name(settings.encoder), **environment()}
        write_json(temporary / RECORD, {"identity": identity, "history": history, "information": information})


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(description=__doc__)
    add_benchmark(parser, "benchmark whose texts are read")
    add_data(parser)
    parser.add_argument(
        "--extra", type=PLACE, metavar="FILE", help="CSV of more rows, whose texts are read too"
    )
    parser.add_argument(
        "--output",
        type=PLACE,
        metavar="FOLDER",
        help="folder to write (default: build/pretrained/<benchmark>)",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace an earlier output when the new one is complete"
    )
    add_times(parser)
    add_workspace(parser)
    add_record(parser, PretrainingSettings)
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)

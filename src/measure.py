"""Measure this project: its speed, its costs for any number of rows, and whether its explanations are true."""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from pooled_bert.base.command_line import Parser
from pooled_bert.base.errors import InputError, require, run_command
from pooled_bert.base.places import BUILD
from pooled_bert.base.rules import COUNT, FOLD, LINE, NAME, PLACE, SEED, Number
from pooled_bert.runs.options import add_benchmark, add_data, add_workspace
from pooled_bert.training.settings import TOKENS


def main() -> None:
    """Parse, then run the subcommand."""
    args = parse_arguments()
    args.action(args)


def speed(args: argparse.Namespace) -> None:
    """Time training and prediction; compare with the article's method, with peers, and without each technique."""
    from pooled_bert.base.files import write_json
    from pooled_bert.base.tensorflow_setup import start_tensorflow
    from pooled_bert.data.rows import find_data, read_rows
    from pooled_bert.measure.speed import check_variants, measure, plot, rates, rates_table
    from pooled_bert.training.settings import BertSettings

    check_variants(args.variants, args.peer)
    if args.encoder == "tiny":
        raise InputError("--encoder tiny: is made from the texts of each run; give a name or a directory")
    settings = BertSettings(encoder=args.encoder, max_length=args.max_length, batch_size=args.batch_size)
    args.benchmark.require_texts("this measurement")
    rows = read_rows(args.benchmark, find_data(args.benchmark, args.data))
    texts = rows.train["text"].sample(args.rows, replace=len(rows.train) < args.rows, random_state=0)
    start_tensorflow()
    from pooled_bert.inputs.pair_tokens import text_reader
    from pooled_bert.models.encoders import load_tokenizer

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


def scale(args: argparse.Namespace) -> None:
    """Time everything around the model on made-up rows: reading, folds, tokens, files, blends, report."""
    import pandas as pd

    from pooled_bert.base.files import write_json
    from pooled_bert.base.tensorflow_setup import start_tensorflow

    start_tensorflow()
    from pooled_bert.measure.scale import costs_in_a_process, plot

    records = []
    for n_rows in args.rows:
        records.append(costs_in_a_process(n_rows, args.encoder))
        print(f"{n_rows} rows measured", file=sys.stderr)
    table = pd.DataFrame(records).set_index("rows")
    print(table.T.to_string(float_format="{:.3f}".format))
    write_json(args.output.with_suffix(".json"), {"encoder": Path(args.encoder).name, "records": records})
    plot(table, args.output.with_suffix(".png"))
    print(f"{args.output.with_suffix('.json')}, {args.output.with_suffix('.png')}")


def explanations(args: argparse.Namespace) -> None:
    """Delete the words that explanations rank highest from out-of-fold texts, and show how far the score falls."""
    from pooled_bert.data.rows import find_data, read_train, table_checksum, with_classes
    from pooled_bert.predict.predictor import load_predictor
    from pooled_bert.results.blend import check_same_rows
    from pooled_bert.results.fold_scores import fold_scores
    from pooled_bert.results.score_tables import as_text
    from pooled_bert.runs.fold_files import read_run

    args.benchmark.require_texts("this measurement")
    train = read_train(args.benchmark, find_data(args.benchmark, args.data))
    benchmark = with_classes(args.benchmark, train)
    label = args.label or benchmark.labels[0]
    require(label in benchmark.labels, "--label", label, f"one of {', '.join(benchmark.labels)}")
    folder = args.workspace.run(benchmark.name, args.run)
    run = read_run(folder, [args.fold], tables=("oof.csv",))
    check_same_rows([run], {"train": table_checksum(train)})
    predictor = load_predictor(folder, [args.fold])

    from pooled_bert.measure.deletion import deletion_drops, drop_table, some_texts
    from pooled_bert.predict.explanation import methods_of

    column = benchmark.labels.index(label)
    (scores,) = fold_scores(run, train, benchmark.labels)
    texts = some_texts(scores, train["text"], column, args.texts)
    drops = deletion_drops(predictor, texts, column, methods_of(predictor))
    print(
        f"{len(texts)} validation texts of fold {args.fold} with {label} above 0.5: mean drop of its log-odds, and the"
        f" share of texts where the drop is larger than with random words\n{as_text(drop_table(drops))}"
    )


def labels(args: argparse.Namespace) -> None:
    """Flip some labels, train the linear baseline, and measure how many of them check_data.py's search finds."""
    import tempfile

    from pooled_bert.data.rows import find_data, read_rows
    from pooled_bert.measure.planted_labels import planted_table
    from pooled_bert.results.score_tables import as_text

    benchmark = args.benchmark
    benchmark.require_texts("this measurement")
    require(not benchmark.target.is_exclusive, "--benchmark", benchmark.name, "one with several labels")
    rows = read_rows(benchmark, find_data(benchmark, args.data))
    with tempfile.TemporaryDirectory() as folder:
        print(as_text(planted_table(rows, benchmark, args.rate, args.seed, Path(folder))))


def answers(args: argparse.Namespace) -> None:
    """Time the wait from a command to its first answer, with all folds of a run."""
    import statistics

    from pooled_bert.measure.answers import waits

    options = [
        "--benchmark",
        args.benchmark.argument,
        "--run",
        args.run,
        "--workspace",
        str(args.workspace.root),
    ]
    found = waits(args.workspace.run(args.benchmark.name, args.run), options, args.rounds)
    print(f"seconds, median (and range) of {args.rounds} rounds, and the most memory in MB")
    for name, rounds in found.items():
        seconds, memory = [wait.seconds for wait in rounds], max(wait.memory for wait in rounds)
        print(
            f"{statistics.median(seconds):7.2f}  ({min(seconds):5.2f} to {max(seconds):5.2f})  {memory:6.0f}  {name}"
        )


def rates(args: argparse.Namespace) -> None:
    """Compare the rows per second of this project, TensorFlow, and the exported model in ONNX Runtime and OpenVINO."""
    import importlib.util
    import tempfile

    from pooled_bert.base.places import model_folder
    from pooled_bert.base.tensorflow_setup import start_tensorflow
    from pooled_bert.models.fold_model import open_fold_model
    from pooled_bert.runs.fold_files import check_models, read_fold

    args.benchmark.require_texts("this measurement")
    folder = model_folder(args.workspace.run(args.benchmark.name, args.run), args.fold)
    check_models({folder.parent: read_fold(folder.parent, args.fold, tables=())})
    model = open_fold_model(folder, "float32")
    if not model.engine:
        raise InputError(f"{folder}: only TensorFlow computes this model, so there is nothing to compare")
    start_tensorflow()
    from pooled_bert.measure.rates import batches_of, ways_to_compute
    from pooled_bert.measure.rates import rates as measured
    from pooled_bert.predict.export import export, load_float32

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


def int8(args: argparse.Namespace) -> None:
    """Measure on out-of-fold rows what 8-bit integers cost a run and gain; predict.py --precision int8 asks for it."""
    from pooled_bert.data.rows import find_data, read_train, table_checksum, with_classes
    from pooled_bert.measure.int8_loss import int8_losses
    from pooled_bert.predict.predictor import load_predictor
    from pooled_bert.results.blend import check_same_rows
    from pooled_bert.results.fold_scores import fold_scores
    from pooled_bert.runs.fold_files import read_run
    from pooled_bert.runs.int8_check import MOST, write_check

    args.benchmark.require_texts("this measurement")
    train = read_train(args.benchmark, find_data(args.benchmark, args.data))
    benchmark = with_classes(args.benchmark, train)
    folder = args.workspace.run(benchmark.name, args.run)
    run = read_run(folder, None, tables=("oof.csv",))
    check_same_rows([run], {"train": table_checksum(train)})
    predictor = load_predictor(folder, precision="float32")
    texts, aucs = train["text"].tolist(), {}
    print("fold  mean AUC in float32   in int8      lost  largest difference  rows/s in float32  in int8")
    for loss in int8_losses(predictor, fold_scores(run, train, benchmark.labels), texts, args.rows):
        aucs[loss.fold] = (loss.float32, loss.int8)
        print(
            f"{loss.fold:4}  {loss.float32:19.5f}  {loss.int8:8.5f}  {loss.float32 - loss.int8:+8.5f}"
            f"  {loss.largest:18.4f}  {loss.rates[0]:17.1f}  {loss.rates[1]:7.1f}",
            flush=True,
        )
    write_check(folder, aucs)
    lost = sum(exact - other for exact, other in aucs.values()) / len(aucs)
    print(f"lost in the mean: {lost:+.5f}; predict.py --precision int8 accepts up to {MOST}")


def load(args: argparse.Namespace) -> None:
    """Send requests to serve.py from many clients at once, and show rates, times, refusals, and what was lost."""
    from pooled_bert.data.rows import find_data, read_train
    from pooled_bert.measure.load import load_table

    args.benchmark.require_texts("this measurement")
    train = read_train(args.benchmark, find_data(args.benchmark, args.data))
    texts = train["text"].sample(min(2000, len(train)), random_state=0).tolist()
    options = [
        "--benchmark",
        args.benchmark.argument,
        "--run",
        args.run,
        "--workspace",
        str(args.workspace.root),
    ]
    table = load_table(texts, options, args.seconds)
    print(f"clients × rows per request, {args.seconds:g} s each")
    print(table.to_string(float_format=lambda value: f"{value:.{1 if value < 100 else 0}f}"))


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(description=__doc__)
    actions = {
        speed: add_speed,
        scale: add_scale,
        explanations: add_explanations,
        labels: add_labels,
        answers: add_answers,
        rates: add_rates,
        int8: add_int8,
        load: add_load,
    }
    commands = parser.add_subparsers(required=True, metavar="|".join(action.__name__ for action in actions))
    for action, add_options in actions.items():
        command = commands.add_parser(action.__name__, help=action.__doc__, description=action.__doc__)
        command.set_defaults(action=action)
        add_options(command)
    return parser.parse_args()


def add_speed(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``speed``."""
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


def add_scale(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``scale``."""
    parser.add_argument(
        "--rows",
        type=COUNT,
        nargs="+",
        default=[1_000, 10_000, 100_000, 159_571],
        help="numbers of training rows (default: %(default)s)",
    )
    parser.add_argument(
        "--encoder",
        type=LINE,
        default="tiny",
        help="encoder whose tokenizer is used, as in train_folds.py (default: tiny)",
    )
    parser.add_argument(
        "--output",
        type=PLACE,
        default=BUILD / "scale",
        help="path of the .json and the .png to write, without the ending (default: build/scale)",
    )


def add_explanations(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``explanations``."""
    add_benchmark(parser)
    parser.add_argument(
        "--run",
        type=NAME,
        default="bert",
        metavar="NAME",
        help="run whose model is explained (default: bert)",
    )
    parser.add_argument(
        "--fold",
        type=FOLD,
        default=0,
        help="fold whose model is explained, on that fold's validation rows (default: 0)",
    )
    parser.add_argument(
        "--label", type=LINE, help="label whose score is measured (default: the benchmark's first label)"
    )
    parser.add_argument("--texts", type=COUNT, default=100, help="number of texts (default: 100)")
    add_data(parser)
    add_workspace(parser)


def add_labels(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``labels``."""
    add_benchmark(parser, "benchmark whose labels are flipped")
    parser.add_argument(
        "--rate",
        type=Number(float, 0, 0.5, above=True, below=True),
        default=0.01,
        help="share of each label's cells (default: 0.01)",
    )
    parser.add_argument("--seed", type=SEED, default=0, help="seed of the choice (default: 0)")
    add_data(parser)


def add_answers(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``answers``."""
    add_benchmark(parser)
    parser.add_argument(
        "--run", type=NAME, default="bert", metavar="NAME", help="run whose folds answer (default: bert)"
    )
    parser.add_argument(
        "--rounds", type=COUNT, default=5, help="times that each is measured, in turn (default: 5)"
    )
    add_workspace(parser)


def add_rates(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``rates``."""
    add_benchmark(parser)
    parser.add_argument(
        "--run", type=NAME, default="bert", metavar="NAME", help="run whose model is measured (default: bert)"
    )
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


def add_int8(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``int8``."""
    add_benchmark(parser)
    parser.add_argument(
        "--run", type=NAME, default="bert", metavar="NAME", help="run that is measured (default: bert)"
    )
    parser.add_argument(
        "--rows",
        type=COUNT,
        default=5_000,
        help="validation rows of each fold, drawn at random (default: 5000)",
    )
    add_data(parser)
    add_workspace(parser)


def add_load(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``load``."""
    add_benchmark(parser)
    parser.add_argument(
        "--run", type=NAME, default="bert", metavar="NAME", help="run that is served (default: bert)"
    )
    parser.add_argument(
        "--seconds",
        type=Number(float, 1, 3600),
        default=20,
        help="time of each number of clients (default: 20)",
    )
    add_data(parser)
    add_workspace(parser)


if __name__ == "__main__":
    run_command(main)

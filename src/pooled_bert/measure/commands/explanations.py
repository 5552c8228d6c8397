"""Delete the words that explanations rank highest from out-of-fold texts, and show how far the score falls."""

import argparse

from ...base.errors import require
from ...base.rules import COUNT, FOLD, LINE
from ...runs.options import add_benchmark, add_data, add_run, add_workspace


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    add_benchmark(parser)
    add_run(parser, "run whose model is explained")
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


def run(args: argparse.Namespace) -> None:
    """Measure, and print what was found."""
    from ...data.rows import find_data, read_train, table_checksum, with_classes
    from ...predict.predictor import load_predictor
    from ...results.fold_scores import fold_scores
    from ...results.score_tables import as_text
    from ...runs.comparable_runs import check_same_rows
    from ...runs.finished_runs import read_run

    args.benchmark.require_texts("this measurement")
    train = read_train(args.benchmark, find_data(args.benchmark, args.data))
    benchmark = with_classes(args.benchmark, train)
    label = args.label or benchmark.labels[0]
    require(label in benchmark.labels, "--label", label, f"one of {', '.join(benchmark.labels)}")
    folder = args.workspace.run(benchmark.name, args.run)
    run = read_run(folder, [args.fold], tables=("oof.csv",))
    check_same_rows([run], {"train": table_checksum(train)})
    predictor = load_predictor(folder, [args.fold])

    from ...predict.explanation import methods_of
    from ..deletion import deletion_drops, drop_table, some_texts

    column = benchmark.labels.index(label)
    (scores,) = fold_scores(run, train, benchmark.labels)
    texts = some_texts(scores, train["text"], column, args.texts)
    drops = deletion_drops(predictor, texts, column, methods_of(predictor))
    print(
        f"{len(texts)} validation texts of fold {args.fold} with {label} above 0.5: mean drop of its log-odds, and the"
        f" share of texts where the drop is larger than with random words\n{as_text(drop_table(drops))}"
    )

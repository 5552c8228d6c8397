"""Delete the words that explanations put first from out-of-fold texts, and see how far the score falls."""

import argparse
from pathlib import Path

from pooled_bert.benchmarks import BENCHMARKS
from pooled_bert.errors import InputError, run_command

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Choose texts, explain, delete, print."""
    args = parse_arguments()

    from pooled_bert.ensemble import check_same_rows
    from pooled_bert.files import check_name
    from pooled_bert.out_of_fold import fold_scores
    from pooled_bert.predictor import load_predictor
    from pooled_bert.rows import find_data, read_train, table_checksum
    from pooled_bert.scores import as_text

    benchmark = BENCHMARKS[args.benchmark]
    label = args.label or benchmark.labels[0]
    if label not in benchmark.labels:
        raise InputError(f"--label {label}: is none of {', '.join(benchmark.labels)}")
    column = benchmark.labels.index(label)
    train = read_train(benchmark, find_data(benchmark, args.data, ROOT))
    folder = args.workspace / "folds" / benchmark.name / "runs" / check_name("--run", args.run)
    predictor = load_predictor(folder, [args.fold])
    check_same_rows([predictor.run], {"train": table_checksum(train)})

    from pooled_bert.deletion import deletion_drops, drop_table, some_texts
    from pooled_bert.explanation import methods_of

    (scores,) = fold_scores(predictor.run, train, benchmark.labels)
    texts = some_texts(scores, train["text"], column, args.texts)
    drops = deletion_drops(predictor, texts, column, methods_of(predictor))
    print(
        f"{len(texts)} validation texts of fold {args.fold} with {label} above 0.5: mean drop of its log-odds, and the"
        f" share of texts where it is larger than with random words\n{as_text(drop_table(drops))}"
    )


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--benchmark", choices=tuple(BENCHMARKS), default="jigsaw", help="what was learnt")
    parser.add_argument("--run", default="bert", help="whose model is explained (default: bert)")
    parser.add_argument(
        "--fold", type=int, default=0, help="its model, and the rows that it never saw (default: 0)"
    )
    parser.add_argument("--label", help="whose score is watched (default: the benchmark's first)")
    parser.add_argument("--texts", type=int, default=100, help="how many texts (default: 100)")
    parser.add_argument("--data", help="folder of the benchmark's files (default: the usual places)")
    parser.add_argument(
        "--workspace", type=Path, default=ROOT, help="where folds/ is (default: this checkout)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)

"""Measure on out-of-fold rows what 8-bit integers cost a run and gain; predict.py --precision int8 asks for it."""

import argparse

import numpy as np

from ...base.errors import InputError
from ...base.rules import COUNT
from ...runs.options import add_benchmark, add_data, add_run, add_workspace


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    add_benchmark(parser)
    add_run(parser, "run that is measured")
    parser.add_argument(
        "--rows",
        type=COUNT,
        default=5_000,
        help="validation rows of each fold, drawn at random (default: 5000)",
    )
    add_data(parser)
    add_workspace(parser)


def run(args: argparse.Namespace) -> None:
    """Measure, and print what was found."""
    from ...data.rows import find_data, read_train, table_checksum, with_classes
    from ...predict.predictor import load_predictor
    from ...results.fold_scores import fold_scores
    from ...runs.comparable_runs import check_same_rows
    from ...runs.finished_runs import read_run
    from ...runs.int8_check import MOST, write_check
    from ..int8_loss import int8_losses

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
    if any(np.isnan(pair).any() for pair in aucs.values()):
        raise InputError(
            f"--rows {args.rows}: a label has one value in all of them, and so no AUC; give more"
        )
    write_check(folder, aucs)
    lost = sum(exact - other for exact, other in aucs.values()) / len(aucs)
    print(f"lost in the mean: {lost:+.5f}; predict.py --precision int8 accepts up to {MOST}")

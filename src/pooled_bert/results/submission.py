"""Predictions -> a checked CSV in the order of the sample submission, and a record of its origin."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..base.errors import InputError
from ..base.files import atomic_path, check_output, file_checksum, output, read_json, write_json
from ..benchmarks.benchmark import Benchmark
from ..data.rows import Rows
from ..runs.finished_runs import Run
from ..runs.identity import PER_FOLD
from .blend import Blend


def check_complete(runs: Sequence[Run]) -> None:
    """Raise InputError if a fold of a run is missing."""
    for run in runs:
        n_folds = run.identity["settings"]["n_folds"]
        missing = sorted(set(range(n_folds)) - {fold.fold for fold in run.folds})
        if missing:
            numbers = " ".join(map(str, missing))
            raise InputError(
                f"run {run.name!r}: fold {numbers} of {n_folds} is not finished; train with --fold {numbers},"
                " or name the folds to use with --folds"
            )


def submission_table(predictions: pd.DataFrame, template: pd.Series, benchmark: Benchmark) -> pd.DataFrame:
    """Return ``predictions`` in the order of the ids in ``template``; raises InputError if they cannot be submitted."""
    columns = ["id", *benchmark.labels]
    if set(predictions.columns) != set(columns):
        raise InputError(
            f"predictions have columns {', '.join(predictions.columns)}, expected {', '.join(columns)}"
        )
    repeated = predictions["id"][predictions["id"].duplicated()]
    if len(repeated):
        raise InputError(f"predictions: id {repeated.iloc[0]!r} is repeated")
    missing = template[~template.isin(predictions["id"])]
    if len(missing):
        raise InputError(
            f"predictions: {len(missing)} ids of the submission are missing, first {missing.iloc[0]!r};"
            " were they made with other test data?"
        )
    extra = predictions["id"][~predictions["id"].isin(template)]
    if len(extra):
        raise InputError(
            f"predictions: {len(extra)} ids are not of the submission, first {extra.iloc[0]!r};"
            " were they made with other test data?"
        )
    table = predictions.set_index("id").loc[template, list(benchmark.labels)]
    values = table.to_numpy(np.float64)
    invalid = benchmark.target.invalid_cell(values)
    if invalid:
        row, column, expected = invalid
        raise InputError(
            f"predictions: {benchmark.labels[column]} of id {table.index[row]!r} is {values[row, column]},"
            f" expected {expected}"
        )
    return table.reset_index()


def submitted(table: pd.DataFrame, rows: Rows) -> pd.DataFrame:
    """Return a table of ``submission_table`` with the columns of the sample submission.

    They are a probability per label, or one column: of the likeliest class, or of the only label.
    """
    benchmark, answers = rows.benchmark, list(rows.answers)
    labels = list(benchmark.labels)
    assert rows.template is not None
    result = table[["id"]].set_axis([rows.template.name], axis=1)
    if set(answers) == set(labels):
        return result.join(table[answers])
    (answer,) = answers
    if not benchmark.target.is_exclusive:
        return result.assign(**{answer: table[labels[0]]})
    chosen = benchmark.target.decide(table[labels].to_numpy(np.float64)).argmax(axis=1)
    return result.assign(**{answer: np.array(labels, dtype=object)[chosen]})


def submission_of_predictions(predictions: pd.DataFrame, benchmark: Benchmark) -> pd.DataFrame:
    """Return the table to submit, in the order of ``predictions``, where the benchmark's files are not on this machine.

    Raises InputError if only a file of the benchmark says which columns are submitted.
    """
    if benchmark.file and benchmark.sample_submission:
        raise InputError(
            f"{benchmark.sample_submission}: says which columns are submitted, and is not here; give --data"
        )
    if benchmark.class_column:
        benchmark = benchmark.with_classes(list(predictions.columns[1:]))
    table = submission_table(predictions, predictions["id"], benchmark)
    return table.rename(columns={"id": benchmark.id_column or "id"})


def write_submission(path: Path, table: pd.DataFrame, provenance: dict) -> None:
    """Write the CSV, and beside it a .json of the same name with the CSV's checksum and ``provenance``."""
    with output(path, overwrite=True):
        check_place(path)
        with atomic_path(path) as temporary:
            table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")
            record = {"file": path.name, "sha256": file_checksum(temporary), **provenance}
            write_json(
                _record_path(path), record
            )  # first: whoever finds the CSV knows that it is a submission


def check_place(path: Path) -> None:
    """Raise InputError if ``path`` is no CSV, or if it or the .json beside it exists and is no submission."""
    if path.suffix != ".csv":
        raise InputError(
            f"--output {path}: does not end in .csv; a .json of the same name is written beside it"
        )
    for file in (path, _record_path(path)):
        check_output(file, overwrite=True, is_own=lambda: _is_submission(path))


def _is_submission(path: Path) -> bool:
    record = _record_path(path)
    return record.is_file() and "sha256" in read_json(record)


def _record_path(path: Path) -> Path:
    return path.with_suffix(".json")


def provenance(blend: Blend, scores: dict[str, float]) -> dict:
    """Return the record of what a submission was made from, and its out-of-fold scores by name, None if undefined."""
    runs = blend.runs
    return {
        "blend": blend.how,
        "weights": {"found": blend.find, **blend.weights.described([run.name for run in runs])},
        "made_up": any(run.made_up for run in runs),
        **{name: None if math.isnan(score) else score for name, score in scores.items()},
        "runs": [
            {
                "name": run.name,
                "folds": [fold.fold for fold in run.folds],
                "identity": {name: value for name, value in run.identity.items() if name not in PER_FOLD},
                "optimistic": run.folds[0].metrics["optimistic"],
                "revisions": sorted(
                    {fold.config["information"].get("revision", "unknown") for fold in run.folds}
                ),
                "packages": run.folds[0].config["information"].get("packages", {}),
                "mean_auc_by_fold": [fold.metrics["mean_auc"] for fold in run.folds],
            }
            for run in runs
        ],
    }

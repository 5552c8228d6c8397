"""One prediction -> a checked CSV in the order of the sample submission, and where it came from."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..base.errors import InputError
from ..base.files import atomic_path, file_checksum, write_json
from ..benchmarks.benchmark import Benchmark
from ..runs.fold_files import Run
from ..runs.identity import PER_FOLD
from .blend import Blend


def check_complete(runs: Sequence[Run]) -> None:
    """Refuse runs with a fold missing."""
    for run in runs:
        n_folds = run.identity["settings"]["n_folds"]
        missing = sorted(set(range(n_folds)) - {fold.fold for fold in run.folds})
        if missing:
            numbers = " ".join(map(str, missing))
            raise InputError(
                f"run {run.name!r}: fold {numbers} of {n_folds} is not finished; train it with --fold {numbers},"
                " or name the folds to use with --folds"
            )


def submission_table(predictions: pd.DataFrame, template: pd.Series, benchmark: Benchmark) -> pd.DataFrame:
    """``predictions`` in the ids and order of ``template``; raises InputError if they cannot be submitted."""
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
            f"predictions: {len(missing)} ids of the submission are missing, first {missing.iloc[0]!r}"
        )
    extra = predictions["id"][~predictions["id"].isin(template)]
    if len(extra):
        raise InputError(f"predictions: {len(extra)} ids are not of the submission, first {extra.iloc[0]!r}")
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


def write_submission(path: Path, table: pd.DataFrame, provenance: dict) -> None:
    """Write the CSV, and the same name with .json: its checksum and where it came from."""
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")
    write_json(path.with_suffix(".json"), {"file": path.name, "sha256": file_checksum(path), **provenance})


def provenance(blend: Blend, scores: dict[str, float]) -> dict:
    """What a submission was made of, and its out-of-fold scores by name."""
    runs = blend.runs
    return {
        "blend": blend.how,
        "weights": {
            "found": blend.find,
            "runs": {run.name: row for run, row in zip(runs, blend.found.runs.tolist(), strict=True)},
            "intercept": blend.found.intercept.tolist(),
        },
        "made_up": any(run.folds[0].metrics["made_up"] for run in runs),
        **scores,
        "runs": [
            {
                "name": run.name,
                "folds": [fold.fold for fold in run.folds],
                "identity": {name: value for name, value in run.identity.items() if name not in PER_FOLD},
                "optimistic": run.folds[0].metrics["optimistic"],
                "revisions": sorted({fold.config["information"]["revision"] for fold in run.folds}),
                "packages": run.folds[0].config["information"]["packages"],
                "mean_auc_by_fold": [fold.metrics["mean_auc"] for fold in run.folds],
            }
            for run in runs
        ],
    }


def submit(path: Path, benchmark: Benchmark, message: str) -> None:
    """Hand a file to ``kaggle competitions submit``; raises InputError with the client's words if it fails."""
    if benchmark.competition is None:
        raise InputError(f"{benchmark.title} has no competition to submit to")
    client = Path(sys.executable).with_name("kaggle")
    command = [
        str(client),
        "competitions",
        "submit",
        "-c",
        benchmark.competition,
        "-f",
        str(path),
        "-m",
        message,
    ]
    try:
        result = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        raise InputError(f"{client}: cannot be run ({error.strerror}); install requirements.txt") from error
    said = (result.stdout + result.stderr).strip()
    if result.returncode != 0 or "Successfully submitted" not in said:  # the client exits 0 on some failures
        raise InputError(f"kaggle did not confirm that it took {path}; it said: {said}")
    print(said)

"""Time and memory of everything around the model, from a thousand rows to the full competition and beyond.

Rows are made up, in the files of the default benchmark, which has several labels.
"""

import csv
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from ..base.environment import peak_memory
from ..base.errors import InputError
from ..base.files import atomic_path
from ..base.places import Workspace, command, fold_folder, module_environment
from ..benchmarks.metrics import column_auc
from ..benchmarks.registry import BENCHMARKS, DEFAULT
from ..data.folds import assign_folds
from ..data.rows import read_rows
from ..inputs.batches import shuffled_batches
from ..inputs.tokens import encode
from ..models.encoders import load_tokenizer
from ..models.inference import budgeted_batches
from ..results.blend import blend_oof, blend_test
from ..results.submission import submission_table, write_submission
from ..runs.finished_runs import read_run
from ..runs.fold_files import write_config, write_fold
from ..training.problem import Outcome

BENCHMARK = BENCHMARKS[DEFAULT]
SAMPLE_SUBMISSION = str(BENCHMARK.sample_submission)
N_FOLDS = 5
MEDIAN_WORDS, SPREAD = (
    37,
    1.11,
)  # log-normal lengths like the competition's comments: 95 % are below 231 words
TEST_SHARE = 153_164 / 159_571  # test rows per training row, as in the competition


def write_rows(folder: Path, n_rows: int) -> None:
    """Write made-up training rows and their share of test rows, with lengths like the competition's comments."""
    random = np.random.default_rng(n_rows)
    folder.mkdir(parents=True)
    words = np.array(
        ["".join(random.choice(list("abcdefghijklmnoprstuvw"), random.integers(1, 9))) for _ in range(30_000)]
    )
    n_test = round(n_rows * TEST_SHARE)
    lengths = np.clip(random.lognormal(np.log(MEDIAN_WORDS), SPREAD, n_rows + n_test), 1, 1200).astype(int)
    labels = (random.random((n_rows, 6)) < [0.096, 0.010, 0.053, 0.003, 0.049, 0.009]).astype(int)
    with (
        (folder / BENCHMARK.train_file).open("w", newline="", encoding="utf-8") as train,
        (folder / str(BENCHMARK.test_file)).open("w", newline="", encoding="utf-8") as test,
        (folder / SAMPLE_SUBMISSION).open("w", newline="", encoding="utf-8") as template,
    ):
        files = [csv.writer(stream, lineterminator="\n") for stream in (train, test, template)]
        files[0].writerow(["id", BENCHMARK.text_column, *BENCHMARK.labels])
        files[1].writerow(["id", BENCHMARK.text_column])
        files[2].writerow(["id", *BENCHMARK.labels])
        for row, length in enumerate(lengths):
            text = " ".join(words[np.minimum(random.zipf(1.2, length) - 1, len(words) - 1)]) + f" {row}"
            if row < n_rows:
                files[0].writerow([f"{row:016x}", text, *labels[row]])
            else:
                files[1].writerow([f"{row:016x}", text])
                files[2].writerow([f"{row:016x}", *[0.5] * 6])


def costs_in_a_process(n_rows: int, encoder: str) -> dict[str, float]:
    """Return ``costs``, measured in a separate process so that the memory peak is that of the stages alone.

    Raises InputError if the process fails.
    """
    words = [sys.executable, "-m", "pooled_bert.measure.scale_worker", str(n_rows), encoder]
    result = subprocess.run(words, stdout=subprocess.PIPE, text=True, env=module_environment())
    if result.returncode:
        raise InputError(
            f"the measurement with {n_rows} rows failed with exit status {result.returncode}; see its message above"
        )
    return json.loads(result.stdout)


def costs(folder: Path, n_rows: int, encoder: str) -> dict[str, float]:
    """Return the seconds of each stage, and the peak of this process's memory in GB."""
    write_rows(folder / "data", n_rows)
    seconds: dict[str, float] = {"rows": n_rows}

    def timed(stage: str, function: Callable):
        started = time.perf_counter()
        result = function()
        seconds[stage] = seconds.get(stage, 0.0) + time.perf_counter() - started
        return result

    rows = timed("read", lambda: read_rows(BENCHMARK, folder / "data"))
    checksums = timed("checksums", rows.checksums)
    assignment = timed("folds", lambda: assign_folds(rows.train, BENCHMARK.target, N_FOLDS, 0))
    texts = [rows.train["text"].tolist(), rows.test["text"].tolist()]
    tokenizer = load_tokenizer(encoder, texts[0])
    options = {"max_length": 256, "truncation": "head", "cache": folder / "tokens"}
    for stage in ("tokenise", "tokens from cache"):
        tokens = timed(stage, lambda: [encode(part, tokenizer, **options) for part in texts])
    train, test = tokens
    timed(
        "batches of an epoch",
        lambda: [train.padded(batch) for batch in shuffled_batches(train.lengths, 32, seed=0, epoch=1)],
    )
    timed(
        "batches of the test rows", lambda: [test.padded(batch) for batch in budgeted_batches(test.lengths)]
    )
    runs_folder = Workspace(folder).runs(BENCHMARK.name)
    for name in ("a", "b"):
        timed("write folds", lambda name=name: _write_run(runs_folder / name, rows, assignment, checksums))
    runs = timed("read folds", lambda: [read_run(runs_folder / name) for name in ("a", "b")])
    blended = timed("blend by rank", lambda: blend_test(runs, BENCHMARK.target, "rank"))
    out_of_fold = timed(
        "blend by rank", lambda: pd.concat(blend_oof(runs, BENCHMARK.target, "rank").values())
    )
    truth = rows.train.set_index("id").loc[out_of_fold["id"], list(BENCHMARK.labels)].to_numpy()
    timed("score", lambda: column_auc(truth, out_of_fold[list(BENCHMARK.labels)].to_numpy()))
    submission = timed("submission", lambda: submission_table(blended, rows.template, BENCHMARK))
    timed("submission", lambda: write_submission(folder / "submission.csv", submission, {}))
    report = [
        sys.executable,
        str(command("report.py")),
        "--data",
        str(folder / "data"),
        "--workspace",
        str(folder),
    ]
    timed("report.py", lambda: subprocess.run(report, check=True, stdout=subprocess.DEVNULL))
    return {**seconds, "peak GB": peak_memory()}


def _write_run(folder: Path, rows, assignment: np.ndarray, checksums: dict) -> None:
    random = np.random.default_rng(0)
    for fold in range(N_FOLDS):
        valid = rows.train[assignment == fold]
        outcome = Outcome(
            oof=random.random((len(valid), 6), np.float32),
            test=random.random((len(rows.test), 6), np.float32),
        )
        settings = {"benchmark": BENCHMARK.name, "model": "linear", "n_folds": N_FOLDS}
        identity = {"fold": fold, "settings": settings, "data": checksums, "assignment": "a"}
        write_config(fold_folder(folder, fold), identity, {})
        write_fold(
            fold_folder(folder, fold),
            outcome,
            BENCHMARK.target,
            valid=valid,
            test_ids=rows.test["id"],
            facts={"fold": fold, "made_up": True},
        )


def plot(table: pd.DataFrame, path: Path) -> None:
    """Plot seconds over rows, one line per stage, both axes logarithmic; a grey line shows linear growth."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 6), layout="constrained")
    axes = figure.subplots()
    stages = table.drop(columns=["peak GB"])
    for number, stage in enumerate(stages):
        axes.loglog(
            stages.index,
            stages[stage],
            marker="o",
            markersize=3,
            label=stage,
            linestyle="-" if number < 7 else "--",
        )
    largest = stages.index.max()
    axes.loglog(
        stages.index,
        stages.max().max() * stages.index / largest,
        color="0.8",
        linewidth=6,
        zorder=0,
        label="linear",
    )
    axes.set(xlabel="training rows", ylabel="seconds")
    axes.legend(fontsize="small", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=150)

"""A run's model card (Mitchell et al. 2019, "Model Cards for Model Reporting"), in the form that Hugging Face reads."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from huggingface_hub import EvalResult, ModelCardData

from ..base.files import atomic_path
from ..base.places import model_folder
from ..benchmarks.benchmark import NO_GROUP, Benchmark
from ..runs.finished_runs import Run
from .sections import Section
from .tables import Table

CARD = "README.md"

_TEMPLATE = """\
---
{metadata}
---

# {name}: {title}

{about}

{notes}## Model

{model}; {n_folds} of {all_folds} folds. The log-odds of the folds are averaged. The model gives one probability for
each of: {labels}.

## Data

{rows:,} labelled training rows. Each row was predicted by a fold's model that never saw it{or_else}.
Checksum of the training rows: `{data}`.

## Scores, out of fold

ROC AUC, and scores of decisions {rule}:

{scores}

{decisions_note}

{decisions}

## Intended use

Ranking and sorting {noun}s that resemble the training data, where a person makes the decision; comparing methods.
{use}

## Limits

{limits}

## Licence

{licence}

## Settings

{settings}

Revision {revisions}; {packages}.
"""


# score -> Hugging Face's name of the metric, and what the mean over folds is of
_METRICS = {
    "mean_auc": ("roc_auc", "ROC AUC of each label"),
    "accuracy": ("accuracy", "accuracy"),
    "log_loss": ("log_loss", "log loss"),
    "average_recall": ("recall", "recall of each class"),
    "macro_f1": ("f1", "F1 of each class"),
}


@dataclass(frozen=True)
class _Medium:
    """How a card speaks of texts or sounds."""

    pipeline: str  # Hugging Face's name of the task
    example: str
    models: dict[str, str]


_BLEND = {"blend": "A blend of several models"}

WORDS = {
    "text": _Medium(
        "text-classification",
        '"a text"',
        {
            "bert": "A BERT",
            "blstm": "A bidirectional LSTM",
            "linear": "TF-IDF and logistic regression",
            **_BLEND,
        },
    ),
    "sound": _Medium(
        "audio-classification",
        "recording.wav",
        {
            "blstm": "A bidirectional LSTM on frames of the sound",
            "linear": "Statistics of the whole sound and linear discriminant analysis",
            **_BLEND,
        },
    ),
}


def write_model_card(
    run_folder: Path,
    run: Run,
    section: Section,
    benchmark: Benchmark,
    *,
    licence: str | None = None,
    base_model: str | None = None,
) -> Path:
    """Write ``run_folder/README.md`` with the tables of the run's ``section`` in the report; returns its path.

    ``licence``: of the model, a name of Hugging Face's.  ``base_model``: the encoder's name on the hub; None: the name
    that the run was trained with, if that was one.
    """
    settings, information = run.identity["settings"], [fold.config["information"] for fold in run.folds]
    medium = WORDS[benchmark.medium]
    scores, decisions, *_ = section.tables
    card = _TEMPLATE.format(
        name=run.name,
        title=benchmark.title,
        about=benchmark.about,
        notes="".join(f"**Note:** {note}.\n\n" for note in section.notes),
        model=medium.models[settings["model"]],
        metadata=_metadata(run, benchmark, medium.pipeline, licence, base_model),
        licence=f"`{licence}`." if licence else "Not stated.",
        noun=benchmark.noun,
        use=_use(run, run_folder, benchmark, medium),
        or_else=_or_else(settings.get("group_by")),
        n_folds=len(run.folds),
        all_folds=settings["n_folds"],
        labels=", ".join(benchmark.labels),
        rows=sum(len(fold.oof) for fold in run.folds),
        data=run.identity["data"]["train"],
        scores=_markdown(scores),
        rule=benchmark.target.decision_rule,
        decisions_note=decisions.note,
        decisions=_markdown(decisions),
        limits="\n".join(f"- {limit}" for limit in benchmark.limits),
        settings=_markdown(section.facts[0]),
        revisions=", ".join(sorted({str(record.get("revision")) for record in information})),
        packages=", ".join(
            f"{name} {version}" for name, version in information[0].get("packages", {}).items()
        ),
    )
    path = run_folder / CARD
    with atomic_path(path) as temporary:
        temporary.write_text(card, encoding="utf-8")
    return path


def _use(run: Run, run_folder: Path, benchmark: Benchmark, medium: _Medium) -> str:
    """Return how to predict with the run's models."""
    if not any(model_folder(run_folder, fold.fold).is_dir() for fold in run.folds):
        return f"The run keeps no model, so it predicts no other {benchmark.noun}s."
    example = " ".join([medium.example] * len(benchmark.text_columns))
    command = f"python src/predict.py --benchmark {benchmark.argument} --run {run.name} {example}"
    return f"To predict:\n\n```\n{command}\n```"


def _metadata(
    run: Run, benchmark: Benchmark, pipeline: str, licence: str | None, base_model: str | None
) -> str:
    """Return the YAML at the top of the card; what is not known is left out."""
    scores = {
        name: float(np.mean(values))
        for name in benchmark.shown_scores
        if (values := [fold.metrics[name] for fold in run.folds if fold.metrics[name] is not None])
    }
    hub_dataset = None if run.made_up else benchmark.hub_dataset
    made_up = "made-up rows in the form of: " if run.made_up else ""
    split = f"training rows, out of fold ({len(run.folds)} of {run.identity['settings']['n_folds']} folds)"
    results = [
        EvalResult(
            task_type=pipeline,
            dataset_type=hub_dataset or benchmark.name,
            dataset_name=f"{made_up}{benchmark.title}",
            dataset_split=split,
            metric_type=_METRICS[name][0],
            metric_name=f"mean {_METRICS[name][1]}",
            metric_value=round(value, 4),
        )
        for name, value in scores.items()
    ]
    data = ModelCardData(
        language=benchmark.language,
        license=licence,
        library_name="tf-keras",
        pipeline_tag=pipeline,
        base_model=base_model or _hub_name(run),
        datasets=hub_dataset,
        metrics=[_METRICS[name][0] for name in scores],
        model_name=run.name,
        eval_results=results,
    )
    return data.to_yaml().strip()


def _hub_name(run: Run) -> str | None:
    """Return the encoder's name on the hub; None if it was a folder, or there was no encoder."""
    encoder = run.identity["settings"].get("encoder")
    return None if encoder is None or encoder == "tiny" or encoder.startswith("sha256:") else encoder


def _or_else(group: str | None) -> str:
    shared = " or a near-duplicate of it"
    return shared if group in (None, NO_GROUP) else f", a near-duplicate of it, or its {group}"


def _markdown(table: Table) -> str:
    lines = [table.head, ["---"] * len(table.head), *table.rows]
    cells = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)

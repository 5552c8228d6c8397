"""Runs on the stand-in of Kaggle: a plan, the folds that its kernels leave, and what watches them."""

import shutil
from datetime import timedelta

import numpy as np
from conftest import table_of
from kaggle_http import SILENCE
from kaggle_server import FakeClock

from pooled_bert.base.places import Workspace
from pooled_bert.benchmarks.jigsaw import JIGSAW
from pooled_bert.benchmarks.targets import SEVERAL_LABELS
from pooled_bert.kernels.build import build_ensemble, build_fold
from pooled_bert.kernels.client import Client
from pooled_bert.kernels.connection import PATIENCE, Connection
from pooled_bert.kernels.plan import Plan, write_plan
from pooled_bert.kernels.queue import Queue
from pooled_bert.kernels.watch import Watch
from pooled_bert.runs.fold_files import write_config, write_fold
from pooled_bert.runs.identity import identity_settings
from pooled_bert.runs.options import parse_options
from pooled_bert.training.problem import Outcome

OPTIONS = ("--encoder", "tiny", "--n-folds", "3")


def plan_of(run="bert", options=OPTIONS, **changes):
    fields = {"owner": "someone", "benchmark": "jigsaw", "n_folds": 3, "revision": "abc", "gpu": True}
    return Plan(**{**fields, "run": run, "options": tuple(options), **changes})


PLAN = plan_of()


def built(plan, kernels):
    """Build the kernels of a plan as the command does."""
    write_plan(plan, kernels)
    for fold in range(plan.n_folds):
        build_fold(plan, kernels, fold)
    build_ensemble(plan, kernels)
    return plan


def finished_fold(
    place, slug, *, run="bert", revision="abc", options=OPTIONS, is_done=True, train="x", made_up=True
):
    """Write a fold's folder as its kernel leaves it in the output: tables, a model, or only a checkpoint."""
    fold = int(slug.split("-fold-")[1].split("-")[0])
    folder = place / slug / "folds" / "jigsaw" / "runs" / run / f"fold_{fold}"
    shutil.rmtree(place / slug, ignore_errors=True)
    folder.mkdir(parents=True)
    settings = identity_settings(*parse_options(options, JIGSAW))
    data = {"train": train, "test": "z"}
    identity = {"fold": fold, "settings": settings, "data": data, "assignment": "y"}
    write_config(folder, identity, {"revision": revision, "packages": {}})
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "step_000000001.npz").write_bytes(b"state" * 10_000)
    if is_done:
        names = JIGSAW.labels
        valid = table_of(
            ["one", "two", "three"], [[0] * len(names), [1] * len(names), [1] * len(names)], names
        )
        outcome = Outcome(oof=np.full((3, len(names)), 0.5), test=np.full((1, len(names)), 0.5))
        facts = {"fold": fold, "made_up": made_up}
        write_fold(folder, outcome, SEVERAL_LABELS, valid=valid, test_ids=valid["id"][:1], facts=facts)
        (folder / "model").mkdir()
        (folder / "model" / "weights.npz").write_bytes(b"weight" * 10_000)
    return place / slug


def home_fold(workspace, place, slug, **fields):
    """Write a fold into a workspace."""
    (output,) = finished_fold(place, slug, **fields).glob("folds/jigsaw")
    shutil.copytree(output, workspace / "folds" / "jigsaw", dirs_exist_ok=True)


def client_of(clock=None, patience=PATIENCE):
    return Client(Connection(clock or FakeClock(), patience, SILENCE))


def queue_of(root, *plans, clock=None, patience=PATIENCE, folds=None, with_models=False, **options):
    """Watch runs whose kernels are in root/kernels, and whose results go to root."""
    client = client_of(clock, patience)
    watches = [
        Watch(plan, root / "kernels", Workspace(root), client, folds=folds, with_models=with_models)
        for plan in plans or [PLAN]
    ]
    return Queue(watches, **options)


def wait(queue, poll_seconds=60.0):
    """Bring everything home; returns the states that were shown."""
    shown = []
    queue.wait(poll_seconds=poll_seconds, show=shown.append)
    return shown


def hours(number):
    return timedelta(hours=number)

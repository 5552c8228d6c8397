"""Several runs on the stand-in of Kaggle, within slots and weekly hours, for weeks of a clock."""

import json
import logging
from datetime import timedelta

import pytest
from kaggle_runs import OPTIONS, PLAN, built, finished_fold, plan_of, queue_of, wait
from kaggle_server import FakeClock, Kaggle

from pooled_bert.base.errors import InputError
from pooled_bert.kernels.connection import LONG_PATIENCE

SECOND = plan_of("seed-1", (*OPTIONS, "--seed", "1"))


@pytest.fixture
def kaggle(tmp_path, monkeypatch):
    """A server on which time passes, and whose kernels take 10 hours, of 30 in a week."""
    options = {"bert": OPTIONS, "seed-1": SECOND.options}

    def execute(slug, _):
        run = slug.removeprefix("pooled-bert-jigsaw-").split("-fold-")[0]
        is_done = "fold-1" not in slug or "part" in slug  # fold 1 needs two parts
        return finished_fold(tmp_path / "outputs", slug, run=run, options=options[run], is_done=is_done)

    for plan in (PLAN, SECOND):
        built(plan, tmp_path / "kernels")
    with Kaggle(execute, clock=FakeClock(), hours=lambda slug: 10.0, counts_hours=True) as server:
        server.log_in(monkeypatch, tmp_path)
        yield server


def log_in(kaggle, home, monkeypatch):
    """Log in as `kaggle auth login` does, with a token of which an hour is left."""
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    (home / ".kaggle").mkdir()
    login = {"refresh_token": "renewing", "access_token": "first", "username": "someone"}
    (home / ".kaggle" / "credentials.json").write_text(json.dumps(login))
    kaggle.refresh_token, kaggle.token = "renewing", "first"
    kaggle.token_until = kaggle.clock.now() + timedelta(hours=1)


def test_runs_are_pushed_in_the_order_given(kaggle, tmp_path):
    kaggle.counts_hours = False
    wait(queue_of(tmp_path, SECOND, PLAN, clock=kaggle.clock), poll_seconds=1800)
    assert kaggle.most_active == 2
    assert kaggle.pushes[:2] == [SECOND.slug(0), SECOND.slug(1)]
    assert kaggle.pushes[-1].startswith("pooled-bert-jigsaw-bert")
    assert len(list((tmp_path / "folds").rglob("metrics.json"))) == 6


def test_used_up_hours_end_the_command_when_what_runs_is_in(kaggle, tmp_path):
    kaggle.weeks[kaggle.week()], kaggle.hours = 25.0, lambda slug: 3.0
    with pytest.raises(InputError, match=r"weekly GPU quota of 30\.00 hours reached.*with --wait-for-quota"):
        wait(queue_of(tmp_path, PLAN, clock=kaggle.clock), poll_seconds=1800)
    assert (tmp_path / "folds/jigsaw/runs/bert/fold_0/metrics.json").exists()
    assert len(kaggle.pushes) == 2


def test_two_weeks_with_every_trouble_bring_all_folds_home(kaggle, tmp_path, monkeypatch, caplog):
    clock, start = kaggle.clock, kaggle.clock.now()
    outages = {5: "cut", 29: "html", 41: "garbage", 53: 503, 140: "null", 190: "cut after"}

    def trouble(method):
        hour = (clock.now() - start).total_seconds() / 3600
        if 17 <= hour < 17.1:
            return "silence"
        return next((what for begin, what in outages.items() if begin <= hour < begin + 3), None)

    kaggle.trouble, kaggle.lag = trouble, 2
    log_in(kaggle, tmp_path, monkeypatch)
    queue = queue_of(tmp_path, PLAN, SECOND, clock=clock, patience=LONG_PATIENCE, waits_for_quota=True)
    with caplog.at_level(logging.INFO):
        wait(queue, poll_seconds=3600)
    assert len(list((tmp_path / "folds").rglob("metrics.json"))) == 6
    assert sorted(kaggle.pushes) == sorted(set(kaggle.pushes))
    assert len(kaggle.pushes) == 8  # two folds in two parts each
    assert clock.now() - start > timedelta(days=7)
    assert kaggle.tokens_made > 10
    assert max(kaggle.weeks.values()) <= 30 + 2 * 10
    assert "no more are pushed until 2026-11-28 00:00 UTC" in caplog.text
    said = ("no connection", "is silent", "web page", "not JSON", "broken (503", "cannot be read")
    for words in (*said, "answers again after 3 hours"):
        assert words in caplog.text

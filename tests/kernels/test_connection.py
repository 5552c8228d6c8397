"""Requests to a server that fails in every way: what is outlasted, what it is called, and logins that end."""

import json
import logging
from datetime import timedelta

import pytest
from kaggle_runs import client_of
from kaggle_server import SECRET, FakeClock, Kaggle

from pooled_bert.base.errors import InputError
from pooled_bert.kernels.client import State
from pooled_bert.kernels.connection import LONG_PATIENCE, NoAnswer, Refused

KERNEL = "someone/pooled-bert-jigsaw-bert-fold-0"
VARIABLES = ("KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_API_TOKEN")


@pytest.fixture
def kaggle(tmp_path, monkeypatch):
    clock = FakeClock()
    with Kaggle(lambda slug, _: tmp_path, clock=clock) as server:
        server.log_in(monkeypatch, tmp_path)
        yield server


@pytest.fixture
def without_login(kaggle, monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return kaggle


@pytest.fixture
def oauth(without_login, tmp_path):
    """A login as `kaggle auth login` leaves it, whose token has just expired."""
    path = tmp_path / ".kaggle" / "credentials.json"
    path.parent.mkdir()
    expired = "2026-11-27T17:59:00+00:00"
    content = {"refresh_token": "renewing", "access_token": "old", "access_token_expiration": expired}
    path.write_text(json.dumps({**content, "username": "someone", "scopes": []}))
    without_login.refresh_token, without_login.token = "renewing", "new"
    return without_login


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ("cut", "no connection to Kaggle, or it broke"),
        ("silence", "Kaggle is silent"),
        ("html", "a web page in place of an answer"),
        ("blocked", "a web page in place of an answer"),
        ("garbage", "answer is not JSON"),
        ("list", "answer cannot be read: it is JSON, but no object"),
        ("null", "answer cannot be read: it is JSON, but no object"),
        ("hidden", "server is broken (503: in the body)"),
        (500, "server is broken (500: try again)"),
        (429, "Kaggle is busy (429: try again)"),
    ],
)
def test_trouble_is_outlasted_and_called_what_it_is(kaggle, caplog, trouble, said):
    kaggle.faults = [("GetKernelSessionStatus", trouble)] * 2
    assert client_of(kaggle.clock).status(KERNEL).state is State.ABSENT
    assert kaggle.faults == []
    first, last = caplog.messages
    assert said in first
    assert "Kaggle answers again after" in last


def test_outage_of_hours_is_outlasted_by_those_who_have_patience(kaggle, caplog):
    over = kaggle.clock.now() + timedelta(hours=9)
    kaggle.trouble = lambda method: "cut" if kaggle.clock.now() < over else None
    with pytest.raises(
        NoAnswer, match=r"no answer for 15 minutes; in the end, there is no connection.*again later"
    ):
        client_of(kaggle.clock).status(KERNEL)
    caplog.clear()
    assert client_of(kaggle.clock, LONG_PATIENCE).status(KERNEL).state is State.ABSENT
    assert len(caplog.messages) == 2  # once when it begins, once when it is over
    assert "answers again after 9 hours" in caplog.text


def test_refusal_is_not_repeated(kaggle):
    kaggle.faults = [("ListKernelSessionOutput", 400)]
    with pytest.raises(Refused, match="try again"):
        client_of(kaggle.clock).files(KERNEL)
    assert kaggle.requests == ["ListKernelSessionOutput"]


def test_answer_without_an_address_is_told(kaggle):
    kaggle.faults = [("ListKernelSessionOutput", "empty")]
    assert client_of(kaggle.clock).files(KERNEL) == []


def test_login_is_renewed_when_its_token_ends(oauth, tmp_path, caplog):
    before = (tmp_path / ".kaggle" / "credentials.json").read_bytes()
    client = client_of(oauth.clock)
    with caplog.at_level(logging.INFO):
        for _ in range(40):
            assert client.status(KERNEL).state is State.ABSENT
            oauth.clock.sleep(3600)
    assert oauth.tokens_made == 4  # one for each 12 hours
    assert (tmp_path / ".kaggle" / "credentials.json").read_bytes() == before
    assert SECRET not in caplog.text


@pytest.mark.parametrize("trouble", ["cut", "html", "empty", 503])
def test_renewal_outlasts_trouble(oauth, trouble):
    oauth.faults = [("GenerateAccessToken", trouble)] * 3
    assert client_of(oauth.clock).status(KERNEL).state is State.ABSENT


def test_login_that_was_revoked_is_told(oauth):
    oauth.refresh_token = "another"
    with pytest.raises(
        NoAnswer, match=r"login from .*credentials\.json: it is wrong or has expired; log in again"
    ):
        client_of(oauth.clock).status(KERNEL)


def test_owner_is_that_of_the_login(oauth):
    assert client_of(oauth.clock).connection.owner() == "someone"
    assert oauth.requests == []


def test_expired_token_is_called_expired(without_login, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", "old")
    without_login.token = "new"
    expected = (
        r"login from KAGGLE_API_TOKEN: it is wrong or has expired; make a new token on https://www\.kaggle"
    )
    for ask in (lambda c: c.status(KERNEL), lambda c: c.connection.owner()):
        with pytest.raises(NoAnswer, match=expected):
            ask(client_of(without_login.clock))


def test_owner_of_a_token_is_asked_for(without_login, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", "good")
    without_login.token = "good"
    assert client_of(without_login.clock).connection.owner() == "someone"


def test_wrong_key_is_told(kaggle):
    kaggle.token = "other"
    with pytest.raises(NoAnswer, match="login from KAGGLE_KEY: it is wrong or has expired; make a new key"):
        client_of(kaggle.clock).status(KERNEL)


def test_no_credentials_are_told_in_one_line(without_login, capsys):
    with pytest.raises(InputError, match="no credentials for Kaggle; log in with `kaggle auth login`"):
        client_of(without_login.clock)
    assert capsys.readouterr() == ("", "")


def test_damaged_credentials_are_told(without_login, tmp_path):
    (tmp_path / "kaggle.json").write_text("{")
    with pytest.raises(InputError, match=r"kaggle\.json: is damaged"):
        client_of(without_login.clock)


def test_hours_of_this_week_are_shown(kaggle):
    kaggle.weeks[kaggle.week()] = 12.5
    assert str(client_of(kaggle.clock).quota()) == (
        "GPU hours this week: 12.5 used, 17.5 left, renewed at 2026-11-28 00:00 UTC"
    )
    kaggle.faults = [("GetAcceleratorQuotaStatistics", "empty")]
    assert client_of(kaggle.clock).quota() is None

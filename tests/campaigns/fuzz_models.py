"""Damage what predictions read: the files of a model (with checksums made right), inputs, requests to the service.

A model is opened, and computes, in a child process: native code reads its files, and a crash must be seen as one.
"""

import contextlib
import hashlib
import io
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np
from damages import BYTES, LINES, WHOLE, forged, forged_tensors
from werkzeug.test import Client

from pooled_bert.base.errors import InputError
from pooled_bert.base.files import write_record
from pooled_bert.models.fold_model import predict_folds  # noqa: F401  (imported once, not by each child)
from pooled_bert.predict.predictor import load_predictor
from pooled_bert.predict.service import Limits, Service

SRC = Path(__file__).resolve().parents[2] / "src"
RUN = "folds/jigsaw/runs/bert"
TEXTS = ("a text", "", "you are a " + "very " * 40 + "long text", "\u202e\U0001f600 ß")
LONGEST = 120  # seconds that a child may take
HOST = "127.0.0.1:8000"
LIMITS = Limits(body=2000, rows=4, characters=50, in_flight=2, seconds=60)
STATUSES = {200, 400, 401, 403, 404, 405, 413, 415, 503}


def prepare_model(workspace: Path, data: Path) -> None:
    """Train a tiny encoder on one fold, in a process of its own: this one must not start TensorFlow."""
    options = (
        "--fold 0 --n-folds 2 --encoder tiny --epochs 1 --max-length 16 --batch-size 16 --pooling attention"
    )
    places = ("--data", str(data), "--workspace", str(workspace))
    command = [sys.executable, str(SRC / "train_folds.py"), *places, *options.split()]
    ended = subprocess.run(command, capture_output=True, text=True)
    if ended.returncode:
        sys.exit(ended.stderr)
    record = {"metrics": hashlib.sha256((workspace / RUN / "fold_0/metrics.json").read_bytes()).hexdigest()}
    record |= {"float32": 0.9, "int8": 0.9}
    write_record(workspace / RUN / "int8.json", {"folds": {"0": record}})


def predict(house, chance: random.Random) -> str:
    """Predict after a file of a model was damaged, and the checksums of the fold made right."""
    with house.copy("models") as place:
        run = place / "models" / RUN
        fold = run / "fold_0"
        path = chance.choice([*sorted((fold / "model").iterdir()), run / "int8.json", fold / "metrics.json"])
        told = _damage(path, chance)
        house.told = f"{path.relative_to(run)}: {told}"
        if path.parent.name == "model":
            _make_checksums_right(fold, run)
        precision = chance.choice(("float32", "float32", "int8"))
        return _in_child(house, lambda: _predict(run, precision), place / "answer")


def _damage(path: Path, chance: random.Random) -> str:
    content = path.read_bytes()
    if path.suffix == ".json" and chance.random() < 0.7:
        content, told = forged(content, chance)
    elif path.suffix == ".safetensors" and chance.random() < 0.7:
        content, told = forged_tensors(content, chance)
    else:
        how = chance.choice(BYTES)
        content, told = how(content, chance), how.__name__
    path.unlink()  # copies may be hard links
    path.write_bytes(content)
    return told


def _make_checksums_right(fold: Path, run: Path) -> None:
    record = json.loads((fold / "metrics.json").read_text())
    del record["checksum"]
    for path in (fold / "model").iterdir():
        record["files"][f"model/{path.name}"] = hashlib.sha256(path.read_bytes()).hexdigest()
    write_record(fold / "metrics.json", record)
    check = json.loads((run / "int8.json").read_text())
    del check["checksum"]
    check["folds"]["0"]["metrics"] = hashlib.sha256((fold / "metrics.json").read_bytes()).hexdigest()
    write_record(run / "int8.json", check)


def _predict(run: Path, precision: str) -> str:
    try:
        predictor = load_predictor(run, precision=precision)
        found = predictor.predict_proba(TEXTS)
    except InputError as error:
        assert str(error).strip(), "an empty message"
        return "refused"
    assert found.shape == (len(TEXTS), len(predictor.labels)), f"{found.shape}"
    assert bool(((found >= 0) & (found <= 1)).all()), f"not probabilities: {found.ravel()[:4]}"
    return "accepted"


def read(house, chance: random.Random) -> str:
    """Predict a damaged file of texts; what is accepted gets one line per row."""
    import predict as command

    with tempfile.TemporaryDirectory(dir=house.root) as folder:
        kind = chance.choice(("csv", "tsv", "jsonl", "txt"))
        path, output = Path(folder) / f"texts.{kind}", Path(folder) / "predictions.csv"
        content = house.texts[kind]
        how = chance.choice(BYTES + LINES + WHOLE[:2])
        house.told = f"texts.{kind}: {how.__name__}"
        path.write_bytes(how(content, chance))
        words = ["--workspace", house.root / "models", "--file", path, "--output", output]

        def work() -> str:
            if house.command(command.main, *words):
                assert output.is_file()
                return "accepted"
            assert not output.exists()
            return "refused"

        return _in_child(house, work, Path(folder) / "answer")


def ask(house, chance: random.Random) -> str:
    """Send a service damaged requests: each gets a JSON answer of the right kind."""
    seed = chance.randrange(2**32)
    with tempfile.TemporaryDirectory(dir=house.root) as folder:
        return _in_child(house, lambda: _ask(house, random.Random(seed)), Path(folder) / "answer")


REQUESTS = 25  # per child


def _ask(house, chance: random.Random) -> str:
    predictor = load_predictor(house.root / "models" / RUN)
    service = Service(predictor, LIMITS, token=None, own_hosts={"127.0.0.1"})
    client = Client(service)
    for _ in range(REQUESTS):
        body = json.dumps(
            {"texts": [chance.choice(TEXTS)[:40] for _ in range(chance.randint(0, 5))]}
        ).encode()
        told = "whole"
        if chance.random() < 0.5:
            body, told = forged(body, chance)
        for _ in range(chance.randint(0, 2)):
            if body:
                body = chance.choice(BYTES)(body, chance)
        kind = chance.choice(("application/json",) * 8 + ("text/plain", "", "application/json; charset=\xff"))
        path = chance.choice(("/predict",) * 9 + ("/", "/metrics", "/x", "/predict/", "//predict", "/%00"))
        method = chance.choice(("POST",) * 9 + ("GET", "PUT", "HEAD"))
        response = client.open(path, method=method, data=body, headers={"Host": HOST, "Content-Type": kind})
        shown = f"{method} {path} {kind} {told} {body!r:.200}"
        assert response.status_code in STATUSES, f"{response.status}: {shown}"
        if response.mimetype == "application/json" and method != "HEAD":
            answer = json.loads(response.get_data())
            if response.status_code == 200 and path == "/predict":
                found = np.array(answer["probabilities"])
                assert bool(((found >= 0) & (found <= 1)).all()), shown
                assert len(found) == len(json.loads(body)["texts"]), shown
    return "answered"


def show(house, chance: random.Random) -> str:
    """Read a damaged file of a token."""
    import serve

    with tempfile.TemporaryDirectory(dir=house.root) as folder:
        path = Path(folder) / "token"
        how = chance.choice(BYTES)
        house.told = f"token: {how.__name__}"
        path.write_bytes(how(b"0123456789abcdef0123456789abcdef\n", chance))
        try:
            token = serve.read_token(path)
        except InputError as error:
            assert len(str(error).splitlines()) == 1, f"not one line: {error}"
            return "refused"
        assert token.isascii() and len(token) >= serve.SHORTEST_TOKEN
        return "accepted"


def _in_child(house, work: Callable[[], str], answer: Path) -> str:
    """Return what ``work`` returns in a child process; raises AssertionError with its traceback, or if it crashed."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        signal.alarm(LONGEST)
        status = 1
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                answer.write_text(work())
            status = 0
        except BaseException:
            answer.write_text(traceback.format_exc())
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    told = answer.read_text() if answer.exists() else ""
    if status < 0:
        raise AssertionError(f"the process ended by {signal.Signals(-status).name}")
    if status:
        raise AssertionError(told)
    return told

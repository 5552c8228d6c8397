"""Damage further files: sounds, descriptions of tables, thresholds, manifests, progress, and what kernels need."""

import contextlib
import io
import json
import os
import random
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from damages import BYTES, FORGED, LINES, WHOLE, forged
from kaggle_runs import PLAN, built, finished_fold
from kaggle_server import Kaggle

import kaggle_kernels
import train_folds
from pooled_bert.base.errors import InputError
from pooled_bert.base.files import write_record
from pooled_bert.benchmarks.emodb import EMODB
from pooled_bert.benchmarks.jigsaw import JIGSAW
from pooled_bert.data.sample import write_sample
from pooled_bert.kernels.credentials import find_login
from pooled_bert.predict.resumable_output import open_predictions
from pooled_bert.predict.text_files import Text
from pooled_bert.results.thresholds import keep_thresholds, read_thresholds
from pooled_bert.runs.finished_runs import read_run

RUN = "workspace/folds/jigsaw/runs/linear"
FOLDS = ("--model", "linear", "--n-folds", 2)
TOML = """\
train = "reviews.csv"
text = "review"
class = "stars"
name = "films"
title = "Film reviews"
id = "key"
group = "user"
test = "test.csv"
score = "log_loss"
identity_terms = {women = ["woman", "women"]}
examples = ["A film."]
about = "Reviews of films."
limits = ["Of 1999."]
language = "en"
is_offensive = false
"""
VALUES = ('""', "[]", "{}", "1", "-1", "true", "nan", '"x"', "[1]", '["a", "b"]', '"../x"', '"/"', '"\\u0000"',
          '"key"', '"review"', '{a = ["b"]}', "1979-05-27", '"' + "x" * 300 + '"')  # fmt: skip
CHUNKS = [[Text(f"{number}", f"text {number}")] for number in range(4)]
KAGGLE = {"username": "someone", "key": "0123456789abcdef"}


def prepare(house) -> None:
    """Add to the house what is damaged here."""
    write_sample(house.root / "sounds", EMODB, rows=20, test_rows=0, seed=3)
    own = house.root / "own"
    own.mkdir()
    rows = [
        {"key": f"k{row}", "review": f"review {row} of a film", "stars": row % 3, "user": row // 6}
        for row in range(45)
    ]
    pd.DataFrame(rows[:36]).to_csv(own / "reviews.csv", index=False)
    pd.DataFrame(rows[36:])[["key", "review"]].to_csv(own / "test.csv", index=False)
    (own / "films.toml").write_text(TOML)
    run = read_run(house.root / RUN)
    keep_thresholds(house.root / RUN, run, dict.fromkeys(JIGSAW.labels, 0.5))
    built(PLAN, house.root / "kernels")


def hear(house, chance: random.Random) -> str:
    """Train on sounds of which one, or the zip file that holds them, was damaged."""
    with house.copy("sounds") as place:
        path = chance.choice(sorted((place / "sounds").rglob("*.wav")))
        if chance.random() < 0.5:
            path = _zipped(place / "sounds" / EMODB.train_file)
        _damage(path, chance, house, (*BYTES, *WHOLE[-1:]))
        options = ("--benchmark", "emodb", "--data", place / "sounds", "--workspace", place / "workspace")
        return _train(house, place, options)


def describe(house, chance: random.Random) -> str:
    """Train on a table whose description was damaged, or says something else."""
    with house.copy("own") as place:
        path = place / "own" / "films.toml"
        if chance.random() < 0.5:
            _damage(path, chance, house, (*BYTES, *LINES, *WHOLE))
        else:
            lines = TOML.splitlines()
            for number in chance.sample(range(len(lines)), chance.randint(1, 2)):
                lines[number] = f"{lines[number].partition(' =')[0]} = {chance.choice(VALUES)}"
            house.told = "; ".join(line for line in lines if line not in TOML.splitlines())
            path.write_text("\n".join(lines) + "\n")
        return _train(house, place, ("--benchmark", path, "--workspace", place / "workspace"))


def _train(house, place: Path, options: tuple) -> str:
    if not house.command(train_folds.main, *options, *FOLDS):
        assert not list(place.rglob("metrics.json")), "a refused command finished a fold"
        return "refused"
    for path in place.rglob("oof.csv"):
        found = pd.read_csv(path).iloc[:, 1:].to_numpy(float)
        assert bool(((found >= 0) & (found <= 1)).all()), "not probabilities"
    return "accepted"


def train_again(house, chance: random.Random) -> str:
    """Train finished folds again after their manifest was damaged: nothing is trained."""
    with house.copy("data", "workspace") as place:
        (manifest,) = (place / "workspace/folds/jigsaw").glob("*.json")
        _damage(manifest, chance, house, (*BYTES, *LINES, forged, *WHOLE))
        before = _contents(place / RUN)
        options = ("--data", place / "data", "--workspace", place / "workspace", "--run", "linear")
        accepted = house.command(train_folds.main, *options, *FOLDS)
        assert _contents(place / RUN) == before, "finished folds changed"
        return "accepted" if accepted else "refused"


def decide(house, chance: random.Random) -> str:
    """Read thresholds after they were damaged, or changed under a right checksum."""
    with house.copy("workspace") as place:
        run, path = read_run(place / RUN), place / RUN / "thresholds.json"
        is_forged = chance.random() < 0.6
        if is_forged:
            _forge_record(path, chance, house)
        else:
            _damage(path, chance, house, (*BYTES, *LINES, forged))
        try:
            with contextlib.redirect_stderr(io.StringIO()):  # for the note that there is no checksum
                found = read_thresholds(place / RUN, run, JIGSAW.labels)
        except InputError as error:
            return _refused(error)
        assert found.shape == (len(JIGSAW.labels),)
        assert bool(((found >= 0) & (found <= 1)).all()), f"no thresholds: {found}"
        assert is_forged or bool((found == 0.5).all()), "a damaged file is believed"
        return "accepted"


def resume_predictions(house, chance: random.Random) -> str:
    """Resume a file of predictions after the record of its progress was damaged: it gets the same bytes, or none."""
    with tempfile.TemporaryDirectory(dir=house.root) as folder:
        whole, path = Path(folder) / "whole.csv", Path(folder) / "out.csv"
        _write_predictions(whole, len(CHUNKS))
        _write_predictions(path, chance.randint(1, 3))
        _damage(path.with_name(".out.csv.partial.json"), chance, house, (*BYTES, *LINES, forged, *WHOLE))
        try:
            _write_predictions(path, len(CHUNKS))
        except InputError as error:
            assert not path.exists(), "a refused command wrote its output"
            return _refused(error)
        assert path.read_bytes() == whole.read_bytes()
        return "accepted"


def _write_predictions(path: Path, n_chunks: int) -> None:
    """Write the first chunks; of all of them, the file gets its name."""
    with (
        contextlib.suppress(InterruptedError),
        open_predictions(path, identity={"run": "x"}, header=b"id\n", overwrite=False) as output,
    ):
        for chunk in CHUNKS[:n_chunks]:
            if not output.has(chunk):
                output.write(f"{chunk[0].id},{'x' * 30}\n".encode())
        if n_chunks < len(CHUNKS):
            raise InterruptedError


def watch(house, chance: random.Random) -> str:
    """Push and download kernels, with the stand-in of Kaggle, after one of their files was damaged."""
    with house.copy("kernels") as place:
        kernels, outputs = place / "kernels", place / "outputs"
        login = kernels / ".kaggle" / "kaggle.json"
        login.parent.mkdir()
        login.write_text(json.dumps(KAGGLE))
        words = ("--kernels", kernels, "--workspace", place / "workspace")
        with Kaggle(lambda slug, _: finished_fold(outputs, slug)) as kaggle, _environment(kaggle, kernels):
            assert house.command(kaggle_kernels.main, "push", *words)
            files = (*kernels.glob("*.json"), *kernels.glob("*/*.json"), *kernels.glob("*/script.py"), login)
            path = chance.choice(sorted(files))
            _damage(path, chance, house, (*BYTES, *LINES, *[forged] * 8 * (path.suffix == ".json"), *WHOLE))
            action = chance.choice(("push", "status", "pull"))
            house.told = f"{action}, {house.told}"
            if path == login:
                with contextlib.redirect_stderr(io.StringIO()):
                    return _login()
            accepted = house.command(kaggle_kernels.main, action, *words)
            return "accepted" if accepted else "refused"


def _login() -> str:
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY"):
        del os.environ[name]
    try:
        login = find_login()
    except InputError as error:
        return _refused(error)
    assert all(isinstance(part, str) for part in (login.username, login.key))
    return "accepted"


@contextlib.contextmanager
def _environment(kaggle: Kaggle, home: Path) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update({**kaggle.environment(), "HOME": str(home), "KAGGLE_CONFIG_DIR": str(home / ".kaggle")})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


KINDS = {hear: 0.5, describe: 3, train_again: 0.5, decide: 2, resume_predictions: 2, watch: 2}  # by weight


def _damage(path: Path, chance: random.Random, house, ways: tuple) -> None:
    how = chance.choice(ways)
    changed = how(path.read_bytes(), chance)
    changed, told = changed if isinstance(changed, tuple) else (changed, how.__name__)
    house.told = f"{path.name}: {told}"
    path.unlink()
    if changed is not None:
        path.write_bytes(changed)


def _forge_record(path: Path, chance: random.Random, house) -> None:
    content = json.loads(path.read_text())
    del content["checksum"]
    changed, house.told = forged(json.dumps(content).encode(), chance)
    changed = json.loads(changed)
    write_record(path, changed if isinstance(changed, dict) else {"thresholds": chance.choice(FORGED)})


def _zipped(folder: Path) -> Path:
    path = folder.with_name(f"{folder.name}.zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, f"{folder.name}/{file.name}")
    shutil.rmtree(folder)
    return path


def _contents(folder: Path) -> dict[Path, bytes]:
    return {
        path: path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(".lock")
    }


def _refused(error: InputError) -> str:
    assert str(error).strip(), "an empty message"
    assert len(str(error).splitlines()) == 1, f"not one line: {error}"
    return "refused"

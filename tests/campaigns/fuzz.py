"""Damage input and result files at random: each is refused with one clear message, or was harmless.

    python tests/campaigns/fuzz.py --mutations 5000
    python tests/campaigns/fuzz.py --mutations 200 --models 0 --encoders 0 --unchecked     # a control, which must fail

Three things must never happen: an error that is not an InputError; a damaged file that changes what is
submitted; a refused command that changed a file. Encoders are damaged too, at a slower pace. Options get values
that they do not expect, and the records of a fold other values under a checksum that is right.
"""

import argparse
import contextlib
import hashlib
import io
import json
import random
import shutil
import sys
import tempfile
import traceback
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import joblib
import pandas as pd
from damages import BYTES, FORGED, LINES, WHOLE

SRC = Path(__file__).resolve().parents[2] / "src"
sys.path[:0] = [str(SRC), str(SRC.parent / "tests")]

import fuzz_files  # noqa: E402
import fuzz_models  # noqa: E402
import fuzz_options  # noqa: E402

import make_submission  # noqa: E402
import train_folds  # noqa: E402
from pooled_bert.base.errors import InputError  # noqa: E402
from pooled_bert.base.files import write_record  # noqa: E402
from pooled_bert.base.shown_text import visible  # noqa: E402
from pooled_bert.benchmarks.jigsaw import JIGSAW  # noqa: E402
from pooled_bert.data.sample import write_sample  # noqa: E402
from pooled_bert.runs import fold_files  # noqa: E402
from pooled_bert.training.checkpoints import Checkpoints  # noqa: E402

DATA = ("train.csv", "test.csv", "sample_submission.csv", "test_labels.csv")
RESULTS = ("oof.csv", "test.csv", "metrics.json", "config.json")
N_FOLDS = 2


def main() -> None:
    """Run the campaign; exit status 1 when anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mutations", type=int, default=5000)
    parser.add_argument(
        "--encoders", type=int, default=200, help="damaged encoder directories (each loads a model)"
    )
    parser.add_argument(
        "--models",
        type=int,
        default=1000,
        help="damaged models, texts to predict and requests to the service",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--unchecked", action="store_true", help="a control: checksums are not compared")
    args = parser.parse_args()
    if args.unchecked:
        fold_files._require = lambda *_: None
    warnings.simplefilter("ignore")
    chance = random.Random(args.seed)
    counts, failures = Counter(), []
    # threads, because processes of joblib would cost more than the work
    with tempfile.TemporaryDirectory() as place, joblib.parallel_config(backend="threading"):
        house = House(Path(place))
        fuzz_files.prepare(house)
        kinds = {submit: 8, train: 2, resume: 1, forge: 4, fuzz_options.choose: 6, **fuzz_files.KINDS}
        kinds = {submit: 1} if args.unchecked else kinds  # what compares them
        work = chance.choices(list(kinds), list(kinds.values()), k=args.mutations)
        if args.models:
            fuzz_models.prepare_model(house.root / "models", house.data)
            kinds = (fuzz_models.predict, fuzz_models.read, fuzz_models.ask, fuzz_models.show)
            work += chance.choices(kinds, (12, 3, 2, 1), k=args.models)
        if args.encoders:
            prepare_encoder(house)
            work += [load] * args.encoders
        for number, what in enumerate(work, start=1):
            try:
                counts[f"{what.__name__} {what(house, chance)}"] += 1
            except Exception:
                failures.append(f"mutation {number} ({house.told}):\n{traceback.format_exc()}")
            if number % 500 == 0:
                print(f"{number} of {len(work)}: {len(failures)} failures", flush=True)
    for failure in failures:
        print(failure)
    print(
        f"{len(work)} mutations, {len(failures)} failures; "
        + ", ".join(f"{n} {name}" for name, n in counts.items())
    )
    sys.exit(1 if failures else 0)


class House:
    """Whole files to damage copies of: data, a trained run, its submission, a checkpoint, an encoder."""

    def __init__(self, root: Path):
        self.root = root
        self.told = ""  # what was damaged, for a failure's report
        self.data, self.workspace = root / "data", root / "workspace"
        write_sample(self.data, JIGSAW, rows=60, test_rows=12, seed=3)
        command(
            train_folds.main,
            *self.options(self.data, self.workspace),
            "--model",
            "linear",
            "--n-folds",
            N_FOLDS,
        )
        assert command(make_submission.main, *self.options(self.data, self.workspace), "--run", "linear")
        self.submission = submission_of(self.workspace)
        self.state = ({"a": pd.Series(range(50)).to_numpy(float)}, {"epoch": 1})
        self.encoder = root / "encoder"
        self.command = command
        rows = [{"id": f"r{number}", "text": f'text, {number} "ü"'} for number in range(6)]
        table = pd.DataFrame(rows)
        self.texts = {
            "csv": table.to_csv(index=False).encode(),
            "tsv": table.to_csv(index=False, sep="\t").encode(),
            "jsonl": "".join(json.dumps(row) + "\n" for row in rows).encode(),
            "txt": "".join(row["text"] + "\n" for row in rows).encode(),
        }

    @staticmethod
    def options(data: Path, workspace: Path) -> tuple:
        """What both commands are given."""
        return "--data", data, "--workspace", workspace

    @contextlib.contextmanager
    def copy(self, *names: str):
        """Copies of some of its folders, as one folder that goes away."""
        with tempfile.TemporaryDirectory(dir=self.root) as place:
            for name in names:
                shutil.copytree(self.root / name, Path(place) / name)
            yield Path(place)


def submit(house: House, chance: random.Random) -> str:
    """Average the folds after a data or result file was damaged."""
    with house.copy("data", "workspace") as place:
        fold = f"workspace/folds/jigsaw/runs/linear/fold_{chance.randrange(N_FOLDS)}"
        name = chance.choice([f"data/{name}" for name in DATA] + [f"{fold}/{name}" for name in RESULTS])
        damage(place / name, chance, house)
        before = snapshot(place)
        if not command(
            make_submission.main, *house.options(place / "data", place / "workspace"), "--run", "linear"
        ):
            assert snapshot(place) == before, "a refused command changed files"
            return "refused"
        submitted, expected = submission_of(place / "workspace"), house.submission
        if name == "data/sample_submission.csv":  # it may reorder
            submitted, expected = submitted.sort_index(), expected.sort_index()
        pd.testing.assert_frame_equal(submitted, expected)
        return "harmless"


def train(house: House, chance: random.Random) -> str:
    """Train the linear model on a damaged file; what is accepted must be what another reader reads."""
    with house.copy("data") as place:
        name = chance.choice(DATA)
        path = damage(place / "data" / name, chance, house)
        before = snapshot(place)
        options = (*house.options(place / "data", place / "workspace"), "--run", "linear")
        if not command(train_folds.main, *options, "--model", "linear", "--n-folds", N_FOLDS):
            after = snapshot(place)
            assert {file: after.get(file) for file in before} == before, "a refused command changed files"
            assert not list(place.rglob("metrics.json")), "a refused command finished a fold"
            return "refused"
        if name in ("train.csv", "test.csv"):
            other = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
            folds = [place / f"workspace/folds/jigsaw/runs/linear/fold_{fold}" for fold in range(N_FOLDS)]
            part = "oof.csv" if name == "train.csv" else "test.csv"
            ids = [
                sorted(pd.read_csv(folder / part, dtype=str, keep_default_na=False)["id"]) for folder in folds
            ]
            expected = sorted(other["id"])
            assert (
                (sorted(ids[0] + ids[1]) == expected) if part == "oof.csv" else (ids == [expected] * N_FOLDS)
            )
        assert command(make_submission.main, *options)
        assert submission_of(place / "workspace").index.is_unique
        return "accepted"


def resume(house: House, chance: random.Random) -> str:
    """Load the newest of two checkpoints after it was damaged."""
    with house.copy() as place:
        checkpoints = Checkpoints(place, minutes=1)
        arrays, record = house.state
        for step in (1, 2):
            checkpoints.save(step, arrays, {**record, "step": step})
        damage(place / "step_000000002.npz", chance, house, damages=BYTES)
        with contextlib.redirect_stderr(io.StringIO()):
            loaded, told = checkpoints.load()
        assert (loaded["a"] == arrays["a"]).all()
        assert told in ({**record, "step": 1}, {**record, "step": 2})
        return "passed over" if told["step"] == 1 else "harmless"


def forge(house: House, chance: random.Random) -> str:
    """Average the folds after a value in a record of a fold was replaced, and its checksum made right."""
    with house.copy("data", "workspace") as place:
        folder = place / f"workspace/folds/jigsaw/runs/linear/fold_{chance.randrange(N_FOLDS)}"
        path = folder / chance.choice(("metrics.json", "config.json"))
        content = json.loads(path.read_text())
        del content["checksum"]
        part = content
        while True:
            name = chance.choice(list(part))
            if not (isinstance(part[name], dict) and part[name] and chance.random() < 0.8):
                break
            part = part[name]
        part[name] = chance.choice(FORGED)
        house.told = f"{path.name}: {name} is {part[name]!r:.40}"
        write_record(path, content)
        accepted = command(
            make_submission.main, *house.options(place / "data", place / "workspace"), "--run", "linear"
        )
        return "accepted" if accepted else "refused"


def prepare_encoder(house: House) -> None:
    """A tiny encoder as a directory."""
    from pooled_bert.base.tensorflow_setup import start_tensorflow

    start_tensorflow()
    from pooled_bert.models.encoders import load_encoder, load_tokenizer

    tokenizer = load_tokenizer("tiny", ["some words to have letters from"])
    encoder = load_encoder("tiny", tokenizer)
    encoder(encoder.dummy_inputs)  # makes its weights
    encoder.save_pretrained(house.encoder, safe_serialization=True)
    tokenizer.save_pretrained(house.encoder)


def load(house: House, chance: random.Random) -> str:
    """Load a damaged encoder. (Weights have no checksum: a changed number in them is not seen.)"""
    from pooled_bert.models.encoders import load_encoder, load_tokenizer

    with house.copy("encoder") as place:
        damage(chance.choice(sorted((place / "encoder").iterdir())), chance, house, damages=BYTES)
        try:
            load_encoder(str(place / "encoder"), load_tokenizer(str(place / "encoder"), []))
        except InputError:
            return "refused"
        return "accepted"


def command(main: Callable, *arguments) -> bool:
    """Run a command in this process; False when it was refused with one line."""
    sys.argv = ["command", *map(str, arguments)]
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            main()
    except InputError as error:
        shown = visible(str(error), kept="")  # as run_command prints it
        assert shown.strip(), "an empty message"
        assert len(shown.splitlines()) == 1, f"not one line: {shown}"
        return False
    return True


def submission_of(workspace: Path) -> pd.DataFrame:
    """The submission, by id."""
    return pd.read_csv(workspace / "submissions" / "jigsaw-linear.csv", dtype={"id": str}).set_index("id")


def snapshot(place: Path) -> dict[str, str]:
    """Checksums of all files but submissions and locks."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(place.rglob("*"))
        if path.is_file() and "submissions" not in path.parts and path.suffix != ".lock"
    }


def damage(path: Path, chance: random.Random, house: House, damages=None) -> Path:
    """Damage a file in one way, or zip it and damage the zip; returns where it is now."""
    if path.suffix == ".csv" and "data" in path.parts and chance.random() < 0.3:
        content = path.read_bytes()
        path.unlink()
        path = path.with_name(path.name + ".zip")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(path.stem if chance.random() < 0.9 else "other.csv", content)
        damages = BYTES
    how = chance.choice(damages or (BYTES + LINES + WHOLE))
    house.told = f"{path.name}: {how.__name__}"
    changed = how(path.read_bytes(), chance)
    if changed is None:
        path.unlink()
        if chance.random() < 0.5:
            path.mkdir()
    else:
        path.write_bytes(changed)
    return path


if __name__ == "__main__":
    main()

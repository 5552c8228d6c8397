"""Kill trainings at random moments, run the same command again until it ends, and compare every byte.

    python tests/campaigns/kill.py --kills 300

Each training of one fold is killed up to four times: after a random time, or at a random one of its file
operations (with, half of the time, the file it was writing cut short). It must end with the files of a
training that nobody killed. Some trainings replace a finished fold, which must never be lost.
"""

import argparse
import contextlib
import multiprocessing
import os
import random
import runpy
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

SRC = Path(__file__).resolve().parents[2] / "src"
sys.path.insert(0, str(SRC))

from pooled_bert.base.tensorflow_setup import start_tensorflow  # noqa: E402

start_tensorflow()  # once: trainings are forked from here, so that each kill does not cost an import

from transformers import BertConfig, TFBertModel  # noqa: E402

import pooled_bert.runs.cross_validation  # noqa: E402
import pooled_bert.training.neural  # noqa: E402, F401
from pooled_bert.base.errors import InputError  # noqa: E402
from pooled_bert.benchmarks.jigsaw import JIGSAW  # noqa: E402
from pooled_bert.data.sample import write_sample  # noqa: E402
from pooled_bert.models.encoders import load_tokenizer  # noqa: E402
from pooled_bert.runs.fold_files import read_fold  # noqa: E402

COMPARED = ("oof.csv", "test.csv", "metrics.json", "history.csv")
FILE_OPERATIONS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir")
VARIANTS = (("--keep", "last"), ("--keep", "best"))


def main() -> None:
    """Run the campaign; exit status 1 when anything differed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--workers", type=int, default=2, help="campaigns side by side")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        place = Path(place)
        prepare = multiprocessing.get_context("fork").Process(target=_prepare, args=(place,))
        prepare.start()  # in a process of its own: this one must not touch TensorFlow before it forks
        prepare.join()
        references = [_reference(place, variant) for variant in range(len(VARIANTS))]
        each = [len(range(worker, args.kills, args.workers)) for worker in range(args.workers)]
        with multiprocessing.get_context("fork").Pool(args.workers) as pool:
            seeds = [args.seed * 1000 + worker for worker in range(args.workers)]
            work = [(place, references, seed, kills) for seed, kills in zip(seeds, each, strict=True)]
            results = pool.starmap(_campaign, work)
    kills, trainings = (sum(result[index] for result in results) for index in (0, 1))
    failures = [failure for result in results for failure in result[2]]
    print(f"{kills} kills in {trainings} trainings, {len(failures)} failures")
    for failure in failures:
        print(f"  {failure}")
    sys.exit(1 if failures or kills < args.kills else 0)


def _prepare(place: Path) -> None:
    """Rows, and an encoder with dropout: the state that the naive way of resuming forgets."""
    write_sample(place / "data", JIGSAW, rows=100, test_rows=20, seed=0)
    tokenizer = load_tokenizer(
        "tiny", ["some words to have letters from: quick brown fox jumps over lazy dogs"]
    )
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        hidden_dropout_prob=0.2,
        attention_probs_dropout_prob=0.2,
    )
    encoder = TFBertModel(config, add_pooling_layer=False)
    encoder(encoder.dummy_inputs)  # makes its weights
    encoder.save_pretrained(place / "encoder")
    tokenizer.save_pretrained(place / "encoder")


class Trainer:
    """The training command on one workspace, as often as it takes."""

    def __init__(self, place: Path, workspace: Path, variant: int, *extra: str):
        self.workspace = workspace
        self.log = workspace.with_suffix(".log")
        self.arguments = [
            str(SRC / "train_folds.py"), "--data", str(place / "data"), "--workspace", str(workspace),
            "--encoder", str(place / "encoder"), "--fold", "0", "--n-folds", "2", "--epochs", "2",
            "--batch-size", "8", "--max-length", "16", "--checkpoint-minutes", "0.002", *VARIANTS[variant], *extra,
        ]  # fmt: skip

    @property
    def fold(self) -> Path:
        """The folder of the fold that is trained."""
        return self.workspace / "folds" / "jigsaw" / "runs" / "bert" / "fold_0"

    def run(self, *, after: float | None = None, at_operation: int | None = None, cut: bool = False) -> int:
        """Train; return the exit status, negative when killed after some seconds or at a file operation."""
        pid = os.fork()
        if pid == 0:
            self._child(at_operation, cut)
        if after is not None:
            timer = threading.Timer(after, os.kill, (pid, signal.SIGKILL))
            timer.start()
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if after is not None:
            timer.cancel()
        return status

    def _child(self, at_operation: int | None, cut: bool) -> None:
        with self.log.open("a") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        counted = 0

        def count(event: str, arguments: tuple) -> None:
            nonlocal counted
            path = str(arguments[0]) if event in FILE_OPERATIONS and arguments else ""
            if not path.startswith(str(self.workspace)) or (event == "open" and not _writes(arguments[1])):
                return
            counted += 1
            if counted == at_operation:
                if cut and event == "os.rename" and os.path.isfile(path):  # noqa: PTH113
                    os.truncate(path, os.path.getsize(path) // 2)  # noqa: PTH202
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        sys.argv = self.arguments
        status = 1
        try:
            runpy.run_path(self.arguments[0], run_name="__main__")
            status = 0
        except SystemExit as ended:
            status = ended.code
        finally:
            self.workspace.with_suffix(".operations").write_text(str(counted))
            os._exit(status)


def _writes(mode) -> bool:
    return isinstance(mode, str) and any(letter in mode for letter in "wax+")


def _reference(place: Path, variant: int) -> tuple[dict[str, bytes], float, int]:
    """The files of an undisturbed training, how long it took, and its number of file operations."""
    trainer = Trainer(place, place / f"reference_{variant}", variant)
    started = time.monotonic()
    if trainer.run() != 0:
        sys.exit(trainer.log.read_text())
    operations = int(trainer.workspace.with_suffix(".operations").read_text())
    return _files(trainer.fold), time.monotonic() - started, operations


def _files(fold: Path) -> dict[str, bytes]:
    paths = [*(fold / name for name in COMPARED), *(fold / "model").rglob("*")]
    return {str(path.relative_to(fold)): path.read_bytes() for path in paths if path.is_file()}


def _campaign(place: Path, references: list, seed: int, kills: int) -> tuple[int, int, list[str]]:
    """Kill until ``kills`` is reached, then let the last training end."""
    chance, done, trainings, failures = random.Random(seed), 0, 0, []
    while done < kills and not failures:
        variant = chance.randrange(len(VARIANTS))
        files, seconds, operations = references[variant]
        replaces = chance.random() < 0.3
        trainer = Trainer(place, place / f"work_{seed}", variant, *(["--overwrite"] if replaces else []))
        if replaces:
            shutil.copytree(place / f"reference_{variant}", trainer.workspace)
        status, left = None, min(chance.randint(1, 4), kills - done)
        while status != 0 and not failures:
            if left == 0:
                how = {}
            elif chance.random() < 0.5:
                how = {"after": chance.uniform(0, seconds)}
            else:
                how = {"at_operation": chance.randint(1, operations), "cut": chance.random() < 0.5}
            status = trainer.run(**how)
            if status == -signal.SIGKILL:
                done, left = done + 1, left - 1
            elif status != 0:
                failures.append(f"{how}: exit status {status}\n{trainer.log.read_text()}")
            failures += _wrong(trainer, files, replaces, ended=status == 0)
            if failures:
                failures[-1] += f" (seed {seed}, training {trainings}, {how}, replaces {replaces})"
        trainings += 1
        print(f"worker {seed}: {done} of {kills} kills, {trainings} trainings", flush=True)
        shutil.rmtree(trainer.workspace, ignore_errors=True)
        trainer.log.unlink()
    return done, trainings, failures


def _wrong(trainer: Trainer, reference: dict[str, bytes], replaces: bool, *, ended: bool) -> list[str]:
    """What is not as it must be, after a kill or at the end."""
    wrong = []
    found = _files(trainer.fold)
    wrong += [f"{name} differs" for name, content in found.items() if content != reference[name]]
    readable = _is_readable(trainer.fold)
    if "metrics.json" in found and not readable:
        wrong.append("metrics.json is there, but the fold cannot be read")
    if ended:
        litter = [
            path
            for path in trainer.workspace.rglob("*")
            if path.suffix == ".part" or path.name == "checkpoints"
        ]
        wrong += [f"left behind: {path}" for path in litter]
        wrong += [f"{name} is missing" for name in reference.keys() - found.keys()]
    if replaces and not readable and not _is_readable(trainer.fold.with_name("replaced_fold_0")):
        wrong.append("the replaced fold is lost before the new one is done")
    return wrong


def _is_readable(fold: Path) -> bool:
    with contextlib.suppress(InputError):
        read_fold(fold, 0)
        return True
    return False


if __name__ == "__main__":
    main()

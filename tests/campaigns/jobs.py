"""The commands that campaigns interrupt: each with options, what it finds, and which of its files are compared."""

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SRC = Path(__file__).resolve().parents[2] / "src"
BERT = ("--encoder", "{place}/encoder", "--fold", "0", "--n-folds", "2", "--epochs", "2", "--batch-size", "8",
        "--max-length", "16", "--checkpoint-minutes", "0.002")  # fmt: skip
JIGSAW = ("--data", "{place}/jigsaw", "--workspace", "{work}")
EMODB = ("--benchmark", "emodb", "--data", "{place}/emodb", "--workspace", "{work}")
# caches, logs, what is deleted in the end, and a diary
IGNORED = ("tokens", "ablation", "kaggle.log", "checkpoints", "pushes.json", "downloads")


@dataclass(frozen=True)
class Job:
    """A command. ``{place}`` in its options is the folder of inputs, ``{work}`` that of the workspace.

    base : the job whose files it finds.  weight : how often it is chosen.  loads_tensorflow : whether it does.
    has_kaggle : whether it needs the stand-in of Kaggle.  replaces : whether it also replaces its own output, with
    --overwrite (None: it does so without an option; then it is started on finished files too).
    """

    name: str
    script: str
    options: tuple[str, ...]
    base: str | None = None
    weight: float = 1
    loads_tensorflow: bool = False
    has_kaggle: bool = False
    replaces: tuple[str, ...] | None = None

    def words(self, place: Path, work: Path, *, replaces: bool) -> list[str]:
        """Return the command line."""
        words = [*self.options, *((self.replaces or ()) if replaces else ())]
        return [str(SRC / self.script), *(word.format(place=place, work=work) for word in words)]


LINEAR = ("--model", "linear", "--ngrams", "word", "--n-folds", "2")
OVERWRITE = ("--overwrite",)
_JOBS = (
    Job("linear", "train_folds.py", (*JIGSAW, *LINEAR), weight=12, replaces=OVERWRITE),
    Job("bert", "train_folds.py", (*JIGSAW, *BERT), weight=2, replaces=OVERWRITE, loads_tensorflow=True),
    Job(
        "best",
        "train_folds.py",
        (*JIGSAW, *BERT, "--keep", "best"),
        weight=1,
        replaces=OVERWRITE,
        loads_tensorflow=True,
    ),
    Job(
        "recipes",
        "train_folds.py",
        (
            *JIGSAW,
            *BERT,
            *shlex.split("--windows mean --pooling attention --ema 0.9 --adversarial 0.5"),
            *shlex.split("--layer-decay 0.9 --positive-weight 0.5"),
        ),
        weight=1,
        loads_tensorflow=True,
    ),
    Job(
        "speech",
        "train_folds.py",
        (
            *EMODB,
            *shlex.split("--fold 0 --n-folds 2 --epochs 1 --batch-size 8"),
            *shlex.split("--checkpoint-minutes 0.002 --max-seconds 0.3"),
        ),
        weight=1,
        loads_tensorflow=True,
    ),
    Job(
        "predict",
        "predict.py",
        ("--workspace", "{work}", "--file", "{place}/texts.csv", "--output", "{work}/out/predictions.csv"),
        base="bert",
        weight=6,
        replaces=OVERWRITE,
    ),
    Job(
        "explain",
        "predict.py",
        ("--workspace", "{work}", "--explain", "occlusion", "--output", "{work}/page.html", "some words"),
        base="bert",
        weight=2,
        replaces=OVERWRITE,
    ),
    Job("submission", "make_submission.py", (*JIGSAW, "--run", "linear"), base="linear", weight=12),
    Job("report", "report.py", (*JIGSAW, "--run", "linear"), base="linear", weight=4),
    Job("check", "check_data.py", (*JIGSAW, "--run", "linear"), base="linear", weight=8),
    Job("sample", "make_sample.py", ("{work}/sample", "--rows", "40", "--test-rows", "5"), weight=6),
    Job(
        "build",
        "kaggle_kernels.py",
        ("build", "--kernels", "{work}/kernels", "--owner", "someone", "--encoder", "tiny", "--n-folds", "2"),
        weight=4,
    ),
    Job(
        "export",
        "export.py",
        ("--workspace", "{work}", "--fold", "0", "--format", "huggingface", "--output", "{work}/exported"),
        base="bert",
        weight=2,
        replaces=OVERWRITE,
        loads_tensorflow=True,
    ),
    Job(
        "pretrain",
        "pretrain.py",
        (
            *JIGSAW,
            *shlex.split("--encoder tiny --epochs 1 --max-length 16 --batch-size 8"),
            *shlex.split("--output {work}/pretrained --checkpoint-minutes 0.002"),
        ),
        weight=1,
        loads_tensorflow=True,
    ),
    Job(
        "ablate", "ablate.py", (*JIGSAW, *LINEAR, "--recipes", "plain", "--try", "weak: --c 0.5"), weight=0.5
    ),
    Job(
        "compete",
        "compete.py",
        (
            *JIGSAW,
            *LINEAR,
            "--member",
            f"weak: {' '.join(LINEAR)} --c 0.5",
            "--output",
            "{work}/out/best.csv",
        ),
        weight=0.5,
    ),
    Job("int8", "measure.py", ("int8", *JIGSAW, "--run", "bert"), base="bert", weight=1),
    Job(
        "watcher",
        "kaggle_kernels.py",
        ("run", "--kernels", "{work}/kernels", "--workspace", "{work}", "--poll-seconds", "0.1"),
        base="plan",
        weight=6,
        has_kaggle=True,
    ),
)
JOBS = {job.name: job for job in _JOBS}


@dataclass(frozen=True)
class Reference:
    """An undisturbed command: what it found, what it left, how long it took, its number of file operations."""

    found: dict[str, bytes]
    left: dict[str, bytes]
    seconds: float
    operations: int


def visible_files(work: Path) -> dict[str, bytes]:
    """Return the files that must be the same whatever happened: without caches, logs, locks, and hidden files."""
    found = {}
    for path in sorted(work.rglob("*")):
        parts = path.relative_to(work).parts
        is_hidden = any(part.startswith(".") for part in parts)
        is_ignored = any(part in IGNORED or part.endswith(".checkpoints") for part in parts)
        if path.is_file() and not (is_hidden or is_ignored or parts[-1].endswith(".lock")):
            content = path.read_bytes()
            name = "/".join(parts)
            if "replaced_fold_" not in name:
                found[name] = _identity(content) if re.search(r"fold_\d+/config.json$", name) else content
    return found


def _identity(content: bytes) -> bytes:
    """Return the part of a fold's config.json that is the same whenever it is written; the whole if it is damaged."""
    with contextlib.suppress(ValueError):
        return json.dumps(json.loads(content).get("identity")).encode()
    return content


def litter(work: Path) -> list[str]:
    """Return the files and folders that a command that has ended must not leave behind."""
    return [
        str(path.relative_to(work))
        for path in work.rglob("*")
        if path.suffix in (".part", ".old", ".partial", ".checkpoints")
        or path.name in ("checkpoints",)
        or path.name.startswith("replaced_")
    ]


def make_workspace(place: Path, work: Path, job: Job, *, is_finished: bool = False) -> None:
    """Make the workspace as the command finds it, or (``is_finished``) as it left it."""
    shutil.rmtree(work, ignore_errors=True)
    shutil.rmtree(work.with_name(f"{work.name}-outputs"), ignore_errors=True)
    before = job.name if is_finished else job.base
    if before:
        shutil.copytree(place / before, work)
    else:
        work.mkdir()


def what_is_wrong(work: Path, reference: Reference, *, replaces: bool, has_ended: bool) -> list[str]:
    """Return what is not as it must be, after a kill or at the end."""
    found, expected = visible_files(work), {**reference.found, **reference.left}
    wrong = []
    for name, content in found.items():
        if name not in expected:
            wrong.append(f"{name} is no file of an undisturbed command")
        elif content not in (expected[name], reference.found.get(name)):
            wrong.append(f"{name} differs")
    if has_ended:
        wrong += [f"{name} differs" for name in expected if found.get(name, b"") != expected[name]]
        wrong += [f"left behind: {name}" for name in litter(work)]
    elif replaces:
        wrong += [f"{name} is lost" for name in expected if name not in found and not _is_aside(work / name)]
    return wrong


def _is_aside(path: Path) -> bool:
    """Return whether an old file is kept beside its place, or in the old fold, or its fold is replaced already."""
    for folder in (path, *path.parents):
        if folder.with_name(f".{folder.name}.old").exists():
            return True
        if folder.name.startswith("fold_"):
            return _is_done(folder.with_name(f"replaced_{folder.name}")) or _is_done(folder)
    return False


def _is_done(fold: Path) -> bool:
    return (fold / "metrics.json").exists()


def surroundings(job: Job, work: Path) -> contextlib.AbstractContextManager[None]:
    """Return what runs beside a job on the workspace ``work``: the stand-in of Kaggle, or nothing."""
    return _kaggle_running(work) if job.has_kaggle else contextlib.nullcontext()


@contextlib.contextmanager
def _kaggle_running(work: Path) -> Iterator[None]:
    """Run the stand-in of Kaggle in a process of its own, where this process's children find it."""
    from kaggle_runs import finished_fold
    from kaggle_server import Kaggle

    ends, tells = os.pipe()
    pid = os.fork()
    if pid == 0:
        outputs = work.with_name(f"{work.name}-outputs")
        with Kaggle(lambda slug, _: finished_fold(outputs, slug)) as kaggle:
            os.write(tells, json.dumps(kaggle.environment()).encode())
            os.close(tells)
            signal.pause()
    os.close(tells)
    with os.fdopen(ends) as stream:
        environment = {**json.load(stream), "KAGGLE_CONFIG_DIR": str(work.parent), "HOME": str(work.parent)}
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.environ.clear()
        os.environ.update(before)

"""Cut the power of trainings at random moments, run the same command again until it ends, and compare every byte.

    python tests/campaigns/power.py --cuts 300
    python tests/campaigns/power.py --cuts 20 --forget     # a control, which must find failures: nothing is synced

A training is watched while it runs. At a random moment it is killed, and its workspace becomes what a disk may hold
then: of each folder any state since it was last synced, and of each file what was synced last, or a piece of what was
written since. Nothing that was finished may be lost, and the same command must end with the files of a training whose
power was never cut.
"""

import argparse
import os
import random
import runpy
import shutil
import signal
import sys
import tempfile
from pathlib import Path

SRC = Path(__file__).resolve().parents[2] / "src"
sys.path.insert(0, str(SRC))

from pooled_bert.base.errors import InputError  # noqa: E402
from pooled_bert.benchmarks.jigsaw import JIGSAW  # noqa: E402
from pooled_bert.data.sample import write_sample  # noqa: E402
from pooled_bert.runs.fold_files import is_done, read_fold  # noqa: E402

FOLDS = (0, 1)
COMPARED = ("oof.csv", "test.csv", "metrics.json")
EVENTS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate")


class Disk:
    """What is on the disk below ``root`` for sure, by what was synced, and what may be there.

    Files and folders are known by their inodes. They are kept open, so that no inode gets a second meaning.
    """

    def __init__(self, root: Path):
        self.root = root
        self.open: dict[int, int] = {}  # inode -> descriptor
        self.synced: dict[int, bytes] = {}  # inode of a file -> content
        self.states: dict[
            int, list[dict[str, int]]
        ] = {}  # inode of a folder -> its entries, since it was synced
        self.look()
        for inode in [*self.states]:  # what was there before the training began is on the disk
            self.states[inode] = self.states[inode][-1:]
        self.synced = {inode: self.content(inode) for inode in self.open if inode not in self.states}

    def look(self) -> None:
        """Note the entries of every folder that has changed."""
        for folder, _, _ in os.walk(self.root):
            try:
                entries = {entry.name: entry.inode() for entry in os.scandir(folder)}
                for path in (folder, *(f"{folder}/{name}" for name in entries)):
                    inode = os.stat(path).st_ino  # noqa: PTH116
                    if inode not in self.open:
                        self.open[inode] = os.open(path, os.O_RDONLY)
            except FileNotFoundError:  # it is being deleted
                continue
            states = self.states.setdefault(os.stat(folder).st_ino, [{}])  # noqa: PTH116
            if states[-1] != entries:
                states.append(entries)

    def content(self, inode: int) -> bytes:
        """Return what is in a file now, also if it has no name any more."""
        descriptor = self.open[inode]
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0)

    def sync(self, inode: int) -> None:
        """Note that a file or folder was synced."""
        self.look()
        if inode in self.states:
            self.states[inode] = self.states[inode][-1:]
        elif inode in self.open:
            self.synced[inode] = self.content(inode)

    def after_a_cut(self, inode: int, place: Path, chance: random.Random) -> None:
        """Write below ``place`` what a folder may hold after a cut."""
        place.mkdir()
        for name, part in chance.choice(self.states[inode]).items():
            if part in self.states:
                self.after_a_cut(part, place / name, chance)
            elif part in self.open:
                (place / name).write_bytes(self._piece(part, chance))

    def _piece(self, inode: int, chance: random.Random) -> bytes:
        now, before = self.content(inode), self.synced.get(inode, b"")
        if now == before or chance.random() < 0.3:
            return before
        return now[: chance.randrange(len(now) + 1)]


def train(
    arguments: list[str], workspace: Path, log: Path, cut: tuple[int, int] | None, *, forget: bool
) -> int:
    """Train in a process of its own; return its exit status, negative when its power was cut.

    cut : the number of the event at which it is cut, and the seed of what is on the disk then.
    """
    pid = os.fork()
    if pid == 0:
        _train(arguments, workspace, log, cut, forget)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _train(
    arguments: list[str], workspace: Path, log: Path, cut: tuple[int, int] | None, forget: bool
) -> None:
    with log.open("a") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    disk, count, is_looking, fsync = Disk(workspace), 0, False, os.fsync

    def happens() -> None:
        nonlocal count, is_looking
        is_looking, count = True, count + 1
        disk.look()
        if cut and count == cut[0]:
            root = os.stat(workspace).st_ino  # noqa: PTH116
            disk.after_a_cut(root, workspace.with_suffix(".cut"), random.Random(cut[1]))
            os.kill(os.getpid(), signal.SIGKILL)
        is_looking = False

    def watch(event: str, details: tuple) -> None:
        is_inside = event in EVENTS and str(details[0]).startswith(str(workspace))
        if not is_looking and is_inside and (event != "open" or "w" in str(details[1])):
            happens()

    def noted(descriptor: int) -> None:
        nonlocal is_looking
        fsync(descriptor)
        is_looking = True
        if not forget:
            disk.sync(os.fstat(descriptor).st_ino)
        is_looking = False
        happens()

    sys.addaudithook(watch)
    os.fsync = noted
    sys.argv, status = arguments, 1
    try:
        runpy.run_path(arguments[0], run_name="__main__")
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1
    finally:
        workspace.with_suffix(".events").write_text(str(count))
        os._exit(status)


def campaign(root: Path, cuts: int, chance: random.Random, *, forget: bool) -> list[str]:
    """Cut the power of trainings as often; return what went wrong."""
    write_sample(root / "data", JIGSAW, rows=100, test_rows=10, seed=0)
    reference, log = root / "reference", root / "log"
    reference.mkdir()
    words = [
        str(SRC / "train_folds.py"),
        "--data",
        str(root / "data"),
        "--model",
        "linear",
        "--ngrams",
        "word",
    ]
    words += ["--n-folds", "2", "--workspace"]
    if train([*words, str(reference)], reference, log, None, forget=False):
        sys.exit(log.read_text())
    expected, events = files(reference), int(reference.with_suffix(".events").read_text())
    failures, done, workspace = [], 0, root / "work"
    while done < cuts:
        shutil.rmtree(workspace, ignore_errors=True)
        replaces = chance.random() < 0.3
        shutil.copytree(reference, workspace) if replaces else workspace.mkdir()
        command = [*words, str(workspace), *(["--overwrite"] if replaces else [])]
        status, left = None, min(chance.randint(1, 3), cuts - done)
        while status != 0:
            cut = (chance.randint(1, events), chance.randrange(2**32)) if left else None
            status = train(command, workspace, log, cut, forget=forget)
            wrong = [f"exit status {status}\n{log.read_text()}"] if status > 0 else []
            if status < 0:
                done, left = done + 1, left - 1
                finished = {fold for fold in FOLDS if is_done(fold_of(workspace, fold))}
                shutil.rmtree(workspace)
                workspace.with_suffix(".cut").rename(workspace)
                wrong = lost(workspace, finished, replaces=replaces)
            elif files(workspace) != expected:
                wrong.append("the files differ from those of a training whose power was never cut")
            failures += [f"{problem} (cut {cut}, replaces {replaces})" for problem in wrong]
            if wrong:
                break
    return failures


def lost(workspace: Path, finished: set[int], *, replaces: bool) -> list[str]:
    """Return what was finished before a cut and cannot be read after it, and what only seems to be finished."""
    problems = []
    for fold in FOLDS:
        folder, old = fold_of(workspace, fold), fold_of(workspace, fold).with_name(f"replaced_fold_{fold}")
        if is_done(folder) and not is_whole(folder, fold):
            problems.append(f"fold {fold} seems to be finished, but cannot be read")
        if replaces and not (is_whole(folder, fold) or is_whole(old, fold)):
            problems.append(f"fold {fold} is lost, the old one and the new one")
        if fold in finished and fold + 1 in finished and not replaces and not is_done(folder):
            problems.append(f"fold {fold} was finished before the next one began, and is lost")
    return problems


def is_whole(folder: Path, fold: int) -> bool:
    """Return whether a fold can be read."""
    try:
        read_fold(folder, fold)
    except InputError:
        return False
    return True


def fold_of(workspace: Path, fold: int) -> Path:
    """Return the folder of a fold."""
    return workspace / "folds" / "jigsaw" / "runs" / "linear" / f"fold_{fold}"


def files(workspace: Path) -> dict[tuple[int, str], bytes]:
    """Return the files that must be the same, whatever happened."""
    paths = {(fold, name): fold_of(workspace, fold) / name for fold in FOLDS for name in COMPARED}
    return {key: path.read_bytes() for key, path in paths.items() if path.exists()}


def main() -> None:
    """Run the campaign; exit status 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cuts", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--forget", action="store_true", help="a control: syncing has no effect")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        failures = campaign(Path(place).resolve(), args.cuts, random.Random(args.seed), forget=args.forget)
    for failure in failures:
        print(failure)
    print(f"{args.cuts} cuts, {len(failures)} failures")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()

"""Cut the power of commands at random moments, run the same command again until it ends, and compare every byte.

    python tests/campaigns/power.py --cuts 300
    python tests/campaigns/power.py --cuts 20 --forget     # a control, which must find failures: nothing is synced

A command is watched while it runs. At a random moment, which may be just after its end, it is killed, and its workspace
becomes what a disk may hold then: of each folder any state since it was last synced, and of each file what was synced
last, or a piece of what was written since. Nothing that was finished may be lost, whatever has its name must be whole,
and the same command must end with the files of a command whose power was never cut.
"""

import argparse
import os
import random
import runpy
import shutil
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path

import joblib
import kill
from jobs import JOBS, Job, Reference, make_workspace, surroundings, visible_files, what_is_wrong

from pooled_bert.runs.fold_files import is_done

CUT = [
    name for name in JOBS if name not in ("ablate", "compete")
]  # their trainings are processes of their own
FOLDS = (0, 1)
AT_THE_END = 77  # exit status
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


def run(
    arguments: list[str], workspace: Path, log: Path, cut: tuple[int, int] | None, *, forget: bool
) -> int:
    """Run a command in a process of its own; return its exit status, negative or AT_THE_END when its power was cut.

    cut : the number of the event at which it is cut, and the seed of what is on the disk then.
    """
    pid = os.fork()
    if pid == 0:
        _run(arguments, workspace, log, cut, forget)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _run(arguments: list[str], workspace: Path, log: Path, cut: tuple[int, int] | None, forget: bool) -> None:
    with log.open("a") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    disk, count, is_looking, fsync = Disk(workspace), 0, False, os.fsync

    def cut_power() -> None:
        root = os.stat(workspace).st_ino  # noqa: PTH116
        disk.after_a_cut(root, workspace.with_suffix(".cut"), random.Random(cut[1]))

    def happens() -> None:
        nonlocal count, is_looking
        is_looking, count = True, count + 1
        disk.look()
        if cut and count == cut[0]:
            cut_power()
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
        with joblib.parallel_config(backend="threading"):
            runpy.run_path(arguments[0], run_name="__main__")
        is_looking = True
        disk.look()
        status = AT_THE_END if cut else 0
        if cut:
            cut_power()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        workspace.with_suffix(".events").write_text(str(count))
        os._exit(status)


def reference(root: Path, job: Job, log: Path) -> Reference:
    """Return what an undisturbed command finds and leaves in the folder of its name, and its number of events."""
    work = root / job.name
    make_workspace(root, work, job)
    found = visible_files(work)
    with surroundings(job, work):
        status = run(job.words(root, work, replaces=False), work, log, None, forget=False)
    if status:
        sys.exit(log.read_text())
    return Reference(found, visible_files(work), 0, int(work.with_suffix(".events").read_text()))


def campaign(
    root: Path, names: list[str], cuts: int, chance: random.Random, *, forget: bool
) -> tuple[Counter, list[str]]:
    """Cut the power of commands as often; return how often that of each was cut, and what went wrong."""
    kill.in_child(kill.prepare, root)  # this process must not touch TensorFlow before it forks
    log, work = root / "log", root / "work"
    references = {name: reference(root, JOBS[name], log) for name in kill.with_bases(names)}
    failures, done = [], Counter()
    while done.total() < cuts:
        job = JOBS[chance.choices(names, [JOBS[name].weight for name in names])[0]]
        replaces = chance.random() < 0.3 and not job.has_kaggle
        make_workspace(root, work, job, is_finished=replaces)
        with surroundings(job, work):
            left = min(chance.randint(1, 3), cuts - done.total())
            count, wrong = cut_often(root, work, job, references[job.name], left, chance, replaces, forget)
        done[job.name] += count
        failures += wrong
    return done, failures


def cut_often(
    root: Path,
    work: Path,
    job: Job,
    undisturbed: Reference,
    left: int,
    chance: random.Random,
    replaces: bool,
    forget: bool,
) -> tuple[int, list[str]]:
    """Cut the power of a command up to ``left`` times, then let it end; return how often, and what went wrong."""
    log, words, count = root / "log", job.words(root, work, replaces=replaces), 0
    while True:
        cut = None
        if count < left:
            cut = (chance.randint(1, undisturbed.operations + 2), chance.randrange(2**32))
        status, wrong = run(words, work, log, cut, forget=forget), []
        if status < 0 or status == AT_THE_END:
            count += 1
            finished = {fold for fold in FOLDS if is_done(fold_of(work, fold))} if not replaces else set()
            shutil.rmtree(work)
            work.with_suffix(".cut").rename(work)
            wrong = lost(work, finished)
        elif status == 2 and "exists already" in log.read_text().splitlines()[-1]:
            status = 0  # it was complete
        elif status > 0:
            wrong = [f"exit status {status}\n{log.read_text()[-3000:]}"]
        wrong += what_is_wrong(work, undisturbed, replaces=replaces, has_ended=status in (0, AT_THE_END))
        if wrong or status == 0:
            return count, [f"{problem} ({job.name}, cut {cut}, replaces {replaces})" for problem in wrong]


def lost(work: Path, finished: set[int]) -> list[str]:
    """Return the fold that was finished before the next one began, and is not after the cut."""
    is_lost = set(FOLDS) <= finished and not is_done(fold_of(work, FOLDS[0]))
    return [f"fold {FOLDS[0]} was finished before the next one began, and is lost"] if is_lost else []


def fold_of(work: Path, fold: int) -> Path:
    """Return the folder of a fold."""
    return work / "folds" / "jigsaw" / "runs" / "linear" / f"fold_{fold}"


def main() -> None:
    """Run the campaign; exit status 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cuts", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", nargs="+", choices=CUT, default=list(CUT), help="commands (default: all)")
    parser.add_argument("--forget", action="store_true", help="a control: syncing has no effect")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        root, chance = Path(place).resolve(), random.Random(args.seed)
        done, failures = campaign(root, args.jobs, args.cuts, chance, forget=args.forget)
    for failure in failures:
        print(failure)
    print(", ".join(f"{name}: {count}" for name, count in sorted(done.items())))
    print(f"{done.total()} cuts, {len(failures)} failures")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()

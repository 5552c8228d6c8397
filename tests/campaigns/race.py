"""Run commands at the same time on one workspace: two of each, and readers while a writer works.

    python tests/campaigns/race.py --races 200
    python tests/campaigns/race.py --races 20 --jobs pair --unlocked     # a control, which must find failures

Each of two equal commands ends well, or says in one line that another process is at work. A reader ends well, or with
one clear line, and what it writes is the same as without the writer. In the end, all files are those of one command.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import kill
from jobs import JOBS, litter, make_workspace, visible_files

READERS = {"linear": ("submission", "check"), "bert": ("predict",)}  # by the job that writes what they read
REASONS = ("another process", "exists already")  # to refuse the second of two equal commands
TRACEBACK = "Traceback (most recent call last)"


def main() -> None:
    """Run the campaign; exit status 1 when anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--races", type=int, default=200)
    parser.add_argument(
        "--jobs", nargs="+", choices=JOBS, default=[name for name in JOBS if name != "watcher"]
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no race after this time")
    parser.add_argument("--unlocked", action="store_true", help="a control: locks have no effect")
    args = parser.parse_args()
    until, chance, failures, counts = (
        time.monotonic() + 60 * args.minutes,
        random.Random(args.seed),
        [],
        Counter(),
    )
    if args.unlocked:
        kill.filelock.FileLock.acquire = lambda self, **_: None
        kill.filelock.FileLock.release = lambda self, **_: None
    with tempfile.TemporaryDirectory() as place:
        place = Path(place).resolve()
        kill.in_child(kill.prepare, place)
        readers = [name for writer in args.jobs for name in READERS.get(writer, ())]
        references = {
            name: kill.reference(place, JOBS[name]) for name in kill.with_bases([*args.jobs, *readers])
        }
        while counts.total() < args.races and time.monotonic() < until:
            name = chance.choices(args.jobs, [JOBS[name].weight for name in args.jobs])[0]
            pair = (name, chance.choice([name, *READERS.get(name, ())]))
            told, wrong = _race(place, references, pair, chance)
            counts[f"{' and '.join(pair)}: {told}"] += 1
            failures += [f"{problem} ({pair}, race {counts.total()}, {told})" for problem in wrong]
    for failure in failures:
        print(failure)
    print(*(f"{count} {told}" for told, count in sorted(counts.items())), sep="\n")
    print(f"{counts.total()} races, {len(failures)} failures")
    sys.exit(1 if failures else 0)


def _race(
    place: Path, references: dict, pair: tuple[str, str], chance: random.Random
) -> tuple[str, list[str]]:
    """Start two commands at nearly the same time; return how they ended, and what was wrong."""
    jobs, work = [JOBS[name] for name in pair], place / "work"
    is_read = pair[0] != pair[1]
    replaces = is_read or chance.random() < 0.3
    make_workspace(place, work, jobs[0], is_finished=replaces)
    runners = [
        kill.Runner(place, work, job, replaces=replaces, log=f"{index}", dawdles=True)
        for index, job in enumerate(jobs)
    ]
    longest = max(references[name].seconds for name in pair)
    first = runners[0].start()
    time.sleep(chance.choice((0, chance.uniform(0, longest))))
    second = runners[1].start()
    statuses = [runner.wait(pid) for runner, pid in zip(runners, (first, second), strict=True)]
    wrong = []
    for runner, status in zip(runners, statuses, strict=True):
        told = runner.told()
        is_clear = is_read or any(reason in told for reason in REASONS)
        if status not in (0, 2) or TRACEBACK in told or (status == 2 and not is_clear):
            wrong.append(f"exit status {status}\n{told}")
    was_finished = all("exists already" in runner.told() for runner in runners)
    if not is_read and 0 not in statuses and not was_finished:
        wrong.append(f"both were refused: {[runner.told() for runner in runners]}")
    found, left = visible_files(work), {**references[pair[0]].found, **references[pair[0]].left}
    read = references[pair[1]].left if is_read else {}
    partial = read if is_read and "not all folds" in runners[1].told() else {}  # it says what it has not read
    for name, content in found.items():
        if content != {**read, **left}.get(name) and name not in partial:
            wrong.append(f"{name} differs")
    wrong += [f"{name} is missing" for name in left if name not in found]
    wrong += [f"left behind: {name}" for name in litter(work)]
    for runner in runners:
        runner.log.unlink()
    return " and ".join("ended" if status == 0 else "was refused" for status in statuses), wrong


if __name__ == "__main__":
    main()

"""Kill commands at random moments, run the same command again until it ends, and compare every byte.

    python tests/campaigns/kill.py --kills 1500
    python tests/campaigns/kill.py --kills 40 --jobs linear --torn     # a control, which must find failures

Every command that writes files is ended up to four times, by SIGKILL, SIGTERM, SIGHUP or Ctrl-C: after a random time,
at a random one of its file operations, or in the middle of a write. At each moment, whatever has its name must be
whole, and in the end all files must be those of a command that nobody ended. Some commands replace finished files,
which must never be lost.
"""

import argparse
import contextlib
import multiprocessing
import os
import random
import resource
import runpy
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from jobs import (
    JOBS,
    SRC,
    Job,
    Reference,
    make_workspace,
    surroundings,
    visible_files,
    what_is_wrong,
)

sys.path[:0] = [str(SRC), str(SRC.parent / "tests")]

from pooled_bert.base.tensorflow_setup import start_tensorflow  # noqa: E402

start_tensorflow()  # once: commands are forked from here, so that each kill does not cost an import

import filelock  # noqa: E402, F401
import joblib  # noqa: E402
import kaggle_runs  # noqa: E402
import matplotlib.pyplot  # noqa: E402, F401
import onnxruntime  # noqa: E402, F401
import pandas as pd  # noqa: E402
import sklearn.linear_model  # noqa: E402, F401
from transformers import BertConfig, TFBertModel  # noqa: E402

import pooled_bert.predict.predictor  # noqa: E402
import pooled_bert.runs.cross_validation  # noqa: E402
import pooled_bert.training.neural  # noqa: E402, F401
from pooled_bert.benchmarks.emodb import EMODB  # noqa: E402
from pooled_bert.benchmarks.jigsaw import JIGSAW  # noqa: E402
from pooled_bert.data.sample import write_sample  # noqa: E402
from pooled_bert.models.encoders import load_tokenizer  # noqa: E402

FILE_OPERATIONS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate")
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
INTERRUPTED = 130
LONGEST = 900  # seconds that a command may take


def main() -> None:
    """Run the campaign; exit status 1 when anything differed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=1500)
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=list(JOBS), help="commands (default: all)")
    parser.add_argument("--workers", type=int, default=2, help="campaigns side by side")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no command after this time")
    parser.add_argument(
        "--torn", action="store_true", help="a control: files get their names before their content"
    )
    args = parser.parse_args()
    until = time.monotonic() + 60 * args.minutes
    with tempfile.TemporaryDirectory() as place:
        place = Path(place).resolve()
        in_child(prepare, place)  # this process must not touch TensorFlow before it forks
        references = {}
        for name in with_bases(args.jobs):
            references[name] = reference(place, JOBS[name])
            print(
                f"{name}: {references[name].operations} operations, {references[name].seconds:.1f} s",
                flush=True,
            )
        each = [len(range(worker, args.kills, args.workers)) for worker in range(args.workers)]
        with multiprocessing.get_context("fork").Pool(args.workers) as pool:
            work = [
                (place, references, args.jobs, args.seed * 1000 + worker, kills, until, args.torn)
                for worker, kills in enumerate(each)
            ]
            results = pool.starmap(_campaign, work)
    kills, runs = (sum((result[index] for result in results), Counter()) for index in (0, 1))
    failures = [failure for result in results for failure in result[2]]
    for failure in failures:
        print(failure)
    print(", ".join(f"{name}: {count}" for name, count in sorted(kills.items())))
    print(f"{kills.total()} kills in {runs.total()} runs of commands, {len(failures)} failures")
    sys.exit(1 if failures else 0)


def with_bases(names: list[str]) -> list[str]:
    """Return the jobs and those whose files they find, which come first."""
    bases = [JOBS[name].base for name in names]
    return list(dict.fromkeys([*(base for base in bases if base in JOBS), *names]))


def in_child(work, *arguments) -> None:
    child = multiprocessing.get_context("fork").Process(target=work, args=arguments)
    child.start()
    child.join()
    if child.exitcode:
        sys.exit(f"{work.__name__} failed")


def prepare(place: Path) -> None:
    """Rows, sounds, texts, a plan, and an encoder with dropout: the state that the naive way of resuming forgets."""
    write_sample(place / "jigsaw", JIGSAW, rows=60, test_rows=20, seed=0)
    write_sample(place / "emodb", EMODB, rows=28, test_rows=0, seed=0)
    texts = [f"text {number} of some words" for number in range(40)]
    pd.DataFrame({"id": range(40), "text": texts}).to_csv(place / "texts.csv", index=False)
    kaggle_runs.built(kaggle_runs.PLAN, place / "plan" / "kernels")
    words = "some words to have letters from: quick brown fox jumps over lazy dogs"
    tokenizer = load_tokenizer("tiny", [words])
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


class Runner:
    """A command on one workspace, as often as it takes."""

    def __init__(
        self,
        place: Path,
        work: Path,
        job: Job,
        *,
        replaces: bool = False,
        is_torn: bool = False,
        log: str = "",
        dawdles: bool = False,
    ):
        self.work, self.is_torn, self.dawdles = work, is_torn, dawdles
        self.log, self.counted = work.with_suffix(f".log{log}"), work.with_suffix(f".operations{log}")
        self.words, self.loads_tensorflow = job.words(place, work, replaces=replaces), job.loads_tensorflow

    def run(
        self,
        by: int = 0,
        *,
        after: float | None = None,
        at_operation: int | None = None,
        at_byte: int | None = None,
    ) -> int:
        """Run it; return the exit status.

        It is ended by a signal after some seconds, or at a file operation, or at a byte of the file that this opens.
        """
        return self.wait(self.start(by, at_operation, at_byte), by, after)

    def start(self, by: int = 0, at_operation: int | None = None, at_byte: int | None = None) -> int:
        """Start it; return the number of its process."""
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            self._child(by, at_operation, at_byte)
        return pid

    def wait(self, pid: int, by: int = 0, after: float | None = None) -> int:
        """Wait for its end, or end it after some seconds; return the exit status."""
        timer = threading.Timer(LONGEST if after is None else after, _send, (pid, by or signal.SIGKILL))
        timer.start()
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        timer.cancel()
        return status

    def _child(self, by: int, at_operation: int | None, at_byte: int | None) -> None:
        with self.log.open("a") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        counted, has_ended = 0, False

        def count(event: str, arguments: tuple) -> None:
            nonlocal counted
            path = str(arguments[0]) if event in FILE_OPERATIONS and arguments else ""
            if (
                has_ended
                or not path.startswith(str(self.work))
                or (event == "open" and not _writes(arguments[1]))
            ):
                return
            counted += 1
            if self.dawdles:
                time.sleep(random.expovariate(200))
            if counted == at_operation and event == "open" and at_byte is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (at_byte, resource.RLIM_INFINITY))
            elif counted == at_operation:
                os.kill(os.getpid(), by)

        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # ends a process that writes beyond its limit
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if self.is_torn:
            _tear()
        if not self.loads_tensorflow:
            del sys.modules["tensorflow"]  # Ctrl-C ends a command in another way where it is loaded
        sys.addaudithook(count)
        sys.argv = self.words
        status = 1
        try:
            joblib.parallel_config(backend="threading").__enter__()
            runpy.run_path(self.words[0], run_name="__main__")
            status = 0
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else int(bool(ended.code))
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            has_ended = True  # what follows is the campaign's, which no signal ends
            for number in {*SIGNALS} - {signal.SIGKILL}:
                signal.signal(number, signal.SIG_IGN)
            self.counted.write_text(str(counted))
            with contextlib.suppress(OSError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(status)

    def told(self) -> str:
        """Return the end of what it has printed."""
        return self.log.read_text(errors="replace")[-3000:]


def _send(pid: int, by: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, by)


def _writes(mode) -> bool:
    return isinstance(mode, str) and any(letter in mode for letter in "wax+")


def _tear() -> None:
    """Break what is to be tested: a file is written under its own name."""
    from pooled_bert.base import files

    @contextlib.contextmanager
    def torn(path: Path):
        files.make_folder(path.parent)
        yield path

    for module in [*sys.modules.values()]:
        if getattr(module, "atomic_path", None) is not None and module.__name__.startswith("pooled_bert"):
            module.atomic_path = torn


def reference(place: Path, job: Job) -> Reference:
    work = place / job.name
    runner = Runner(place, work, job)
    make_workspace(place, work, job)
    found = visible_files(work)
    with surroundings(job, work):
        started = time.monotonic()
        status = runner.run()
        seconds = time.monotonic() - started
    if status:
        sys.exit(f"{job.name}: exit status {status}\n{runner.told()}")
    return Reference(found, visible_files(work), seconds, int(runner.counted.read_text()))


def _campaign(
    place: Path, references: dict, names: list[str], seed: int, kills: int, until: float, is_torn: bool
) -> tuple[Counter, Counter, list[str]]:
    """Kill until ``kills`` is reached, then let the last command end; ends with the first failure."""
    chance, done, runs, failures = random.Random(seed), Counter(), Counter(), []
    work = place / f"work_{seed}"
    while done.total() < kills and not failures and time.monotonic() < until:
        job = JOBS[chance.choices(names, [JOBS[name].weight for name in names])[0]]
        undisturbed = references[job.name]
        replaces = chance.random() < 0.3 and not job.has_kaggle
        make_workspace(place, work, job, is_finished=replaces)
        runner = Runner(place, work, job, replaces=replaces, is_torn=is_torn)
        status, left = None, min(chance.randint(1, 4), kills - done.total())
        with surroundings(job, work):
            while status != 0 and not failures:
                how = {}
                if left > 0:
                    how = {"by": chance.choice(SIGNALS)}
                    if chance.random() < 0.3:
                        how["after"] = chance.uniform(0, undisturbed.seconds)
                    else:
                        how["at_operation"] = chance.randint(1, max(1, undisturbed.operations))
                        how["at_byte"] = chance.choice((None, chance.randrange(2 ** chance.randint(1, 14))))
                status = runner.run(**how)
                if how and status in (-how["by"], -signal.SIGXFSZ, INTERRUPTED):
                    kind = "in a write" if status == -signal.SIGXFSZ else signal.Signals(how["by"]).name
                    done[f"{job.name} {kind}"] += 1
                    left -= 1
                elif status == 2 and "exists already" in runner.told().splitlines()[-1]:
                    status = 0  # it was complete
                elif status != 0:
                    failures.append(f"exit status {status}\n{runner.told()}")
                failures += what_is_wrong(work, undisturbed, replaces=replaces, has_ended=status == 0)
                if failures:
                    failures[-1] += (
                        f" (job {job.name}, seed {seed}, run {runs.total()}, {how}, replaces {replaces})"
                    )
        runs[job.name] += 1
        if runs.total() % 20 == 0:
            print(f"worker {seed}: {done.total()} of {kills} kills, {runs.total()} runs", flush=True)
        runner.log.unlink(missing_ok=True)
    return done, runs, failures


if __name__ == "__main__":
    main()

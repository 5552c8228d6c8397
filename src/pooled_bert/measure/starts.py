"""How long a training takes to begin: from the command to its first step, and from one fold to the next."""

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from ..base.errors import InputError
from ..base.places import Workspace, command
from ..benchmarks.jigsaw import JIGSAW
from ..data.sample import write_sample
from ..runs.cross_validation import TENSORBOARD
from ..runs.run_folder import RunFolder

ROWS = 200  # few, so that their prediction, which is between two folds, counts little
RUN = "starts"


@dataclass(frozen=True)
class Start:
    """Seconds until the end of the first step: of a command, from its start; of its next fold, from the last step."""

    first: float
    next: float


def starts(encoder: str, rounds: int) -> list[Start]:
    """Train two folds of made-up rows in each round, in a process of its own; raises InputError if it fails."""
    with tempfile.TemporaryDirectory() as place:
        data, workspace = Path(place) / "data", Workspace(Path(place))
        write_sample(data, JIGSAW, rows=ROWS, test_rows=10, seed=0)
        words = [sys.executable, str(command("train_folds.py")), "--data", str(data), "--workspace", place]
        words += ["--encoder", encoder, "--run", RUN, "--fold", "0", "1", "--epochs", "2", "--no-test"]
        words += ["--tensorboard", "--overwrite"]
        found = [_start(words, workspace) for _ in range(rounds + 1)]
    return found[1:]  # the first one brings files into the cache, and makes that of the tokens


def _start(words: list[str], workspace: Workspace) -> Start:
    started = time.time()
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise InputError(f"train_folds.py: {done.stderr.strip().splitlines()[-1]}")
    folder = RunFolder(workspace.run(JIGSAW.name, RUN))
    (first, last), (following, _) = (_ends(folder.fold(fold) / TENSORBOARD) for fold in (0, 1))
    return Start(first - started, following - last)


def _ends(folder: Path) -> tuple[float, float]:
    """Return when the first and the last step of a fold ended."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    points = EventAccumulator(str(folder)).Reload().Scalars("loss")
    return points[0].wall_time, points[-1].wall_time

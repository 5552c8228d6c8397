"""Inside a Kaggle kernel: find the inputs, run the project's own commands, leave result folders as output."""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ..base import places
from ..base.errors import TIME_LIMIT_STATUS, InputError, run_command
from ..base.places import Workspace, fold_folder
from ..benchmarks.benchmark import Benchmark
from ..benchmarks.registry import BENCHMARKS
from ..runs.fold_files import is_done


def carry_out(task: dict, working: Path) -> int:
    """Do the task of a kernel whose current folder is ``working``; returns the exit status for the kernel.

    The inputs are below ``working/../input``, wherever Kaggle puts them now: they are known by their files.
    """
    inputs = working.parent / "input"
    if task["gpu"]:
        require_gpu()
    benchmark = BENCHMARKS[task["benchmark"]]
    data = find_rows(inputs, benchmark)
    workspace = Workspace(Path(tempfile.mkdtemp(prefix="workspace-")))
    found = bring_folds(inputs, workspace, benchmark)
    print(f"data: {data}\nfolds among the inputs: {', '.join(found) or 'none'}", flush=True)
    options = [*task["options"], "--benchmark", benchmark.name, "--data", data, "--workspace", workspace.root]
    if task["fold"] is None:
        status = _run("make_submission.py", options)
        if status == 0:
            shutil.copytree(workspace.submissions, working, dirs_exist_ok=True)
        return status
    if task["encoder_dataset"]:
        options += ["--encoder", find_encoder(inputs, task["encoder_dataset"])]
    status = _run("train_folds.py", [*options, "--fold", task["fold"], "--run", task["run"]])
    made = fold_folder(workspace.run(benchmark.name, task["run"]), task["fold"])
    if status in (0, TIME_LIMIT_STATUS) and made.exists():
        shutil.copytree(made, fold_folder(Workspace(working).run(benchmark.name, task["run"]), task["fold"]))
        if status == TIME_LIMIT_STATUS:
            print(
                "out of time: the output holds the checkpoint that a follow-up kernel goes on from",
                flush=True,
            )
        return 0
    return status


def require_gpu() -> None:
    """Raise InputError when TensorFlow sees no GPU: the hours would be spent on a CPU."""
    check = "import tensorflow as tf; print(len(tf.config.list_physical_devices('GPU')))"
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    if result.returncode or int(result.stdout.split()[-1]) == 0:
        reason = result.stderr.strip().splitlines()[-1:] or ["it names no reason"]
        raise InputError(
            f"TensorFlow sees no GPU here ({reason[0]}); check the kernel's accelerator and CUDA"
        )


def find_rows(inputs: Path, benchmark: Benchmark) -> Path:
    """The folder below ``inputs`` that holds the benchmark's files, zipped or not."""
    wanted = [name for name in (benchmark.train_file, benchmark.sample_submission) if name]
    for path in sorted(inputs.rglob(f"{benchmark.train_file}*")):
        if all(any((path.parent / f"{name}{end}").is_file() for end in ("", ".zip")) for name in wanted):
            return path.parent
    raise InputError(
        f"{inputs}: nowhere below it are {' and '.join(wanted)}; join the competition, attach its data"
    )


def find_encoder(inputs: Path, dataset: str) -> Path:
    """The folder of the attached dataset that holds an encoder's config.json."""
    name = dataset.rsplit("/", 1)[-1]
    for path in sorted(inputs.rglob("config.json")):
        if name in path.relative_to(inputs).parts:
            return path.parent
    raise InputError(f"{inputs}: the dataset {dataset} is not there, or holds no config.json")


def bring_folds(inputs: Path, workspace: Workspace, benchmark: Benchmark) -> list[str]:
    """Copy the folds that other kernels left as output into the workspace; return their names.

    Of several copies of a fold, a finished one is taken.
    """
    chosen = {}
    for folder, place in places.find_folds(inputs, benchmark.name):
        if place not in chosen or is_done(folder):
            chosen[place] = folder
    for place, folder in chosen.items():
        shutil.copytree(folder, workspace.root / place)
    return [f"{place.parent.name}/{place.name}" for place in chosen]


def _run(command: str, options: list) -> int:
    arguments = [sys.executable, str(places.command(command)), *map(str, options)]
    print("$", *arguments[1:], flush=True)
    return subprocess.run(arguments).returncode


def main() -> None:
    """Carry out the task that the kernel's script gives as JSON, with /kaggle/working as the current folder."""
    sys.exit(carry_out(json.loads(sys.argv[1]), Path.cwd()))


if __name__ == "__main__":
    run_command(main)

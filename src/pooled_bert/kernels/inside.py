"""The work inside a Kaggle kernel: find the inputs, run the project's commands, leave result folders as output."""

import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from ..base import places
from ..base.errors import TIME_LIMIT_STATUS, InputError, run_command
from ..base.places import Workspace, fold_folder
from ..benchmarks.benchmark import Benchmark
from ..benchmarks.benchmark_file import ENDING
from ..benchmarks.registry import find_benchmark
from ..data.sound_folders import find_sounds
from ..runs.cross_validation import CHECKPOINTS
from ..runs.fold_files import is_done
from .datasets import EXTRA, FOLDS

GRACE_MINUTES = 20  # that a training may need beyond its time limit, to finish a step and save
HUNG_STATUS = 1


def carry_out(task: dict, working: Path) -> int:
    """Do the task of a kernel whose current folder is ``working``; returns the exit status for the kernel.

    The inputs are somewhere below ``working/../input``. Kaggle has changed this layout before, so inputs are
    recognised by their file names.
    """
    inputs = working.parent / "input"
    if task["gpu"]:
        require_gpu()
    name = task["benchmark"]
    benchmark = find_benchmark(str(places.CHECKOUT / name) if name.endswith(ENDING) else name)
    data = find_rows(inputs, benchmark)
    workspace = Workspace(Path(tempfile.mkdtemp(prefix="workspace-")))
    folds = bring_folds(inputs, workspace, benchmark)
    print(f"data: {data}\nfolds among the inputs: {', '.join(folds) or 'none'}", flush=True)
    place = ["--benchmark", benchmark.argument, "--data", data, "--workspace", workspace.root]
    options = [*task["options"], *place]
    if task["fold"] is None:
        status = _run("make_submission.py", options)
        if status == 0:
            shutil.copytree(workspace.submissions, working, dirs_exist_ok=True)
        return status
    if task["encoder_dataset"]:
        options += ["--encoder", find_encoder(inputs, task["encoder_dataset"])]
    if task["extra_dataset"]:
        options += ["--extra", find_dataset(inputs, task["extra_dataset"], EXTRA).joinpath(EXTRA)]
    if task["pseudo_dataset"]:
        unpack_folds(find_dataset(inputs, task["pseudo_dataset"], FOLDS) / FOLDS, workspace)
    output = fold_folder(workspace.run(benchmark.name, task["run"]), task["fold"])
    arguments = [*options, "--fold", task["fold"], "--run", task["run"]]
    status = train(arguments, output, minutes=task["minutes"])
    if status in (0, TIME_LIMIT_STATUS) and output.exists():
        result = fold_folder(Workspace(working).run(benchmark.name, task["run"]), task["fold"])
        shutil.rmtree(result, ignore_errors=True)  # of an earlier run of the same notebook
        shutil.copytree(output, result)
        if status == TIME_LIMIT_STATUS:
            print(
                "out of time: the output contains the checkpoint from which a follow-up kernel resumes",
                flush=True,
            )
        return 0
    return status


def train(arguments: list, output: Path, *, minutes: float) -> int:
    """Train a fold; returns the exit status: a training that hangs is out of time if it saved a checkpoint here."""
    before = _checkpoints(output)
    try:
        return _run("train_folds.py", arguments, seconds=60 * (minutes + GRACE_MINUTES))
    except subprocess.TimeoutExpired:
        print(f"the training hung: it did not end within {minutes + GRACE_MINUTES:g} minutes", flush=True)
        return TIME_LIMIT_STATUS if _checkpoints(output) - before else HUNG_STATUS


def _checkpoints(output: Path) -> set[str]:
    return {path.name for path in (output / CHECKPOINTS).glob("*.npz")}


def require_gpu() -> None:
    """Raise InputError if TensorFlow sees no GPU; otherwise it would train for hours on the CPU."""
    check = "import tensorflow as tf; print(len(tf.config.list_physical_devices('GPU')))"
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    if result.returncode or int(result.stdout.split()[-1]) == 0:
        reason = result.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise InputError(
            f"TensorFlow sees no GPU here ({reason[0]}); check the kernel's accelerator and CUDA"
        )


def find_rows(inputs: Path, benchmark: Benchmark) -> Path:
    """Return the folder below ``inputs`` with the benchmark's files, zipped or not; raises InputError if missing."""
    if benchmark.medium == "sound":
        return _sound_folder(inputs, benchmark)
    required = [name for name in (benchmark.train_file, benchmark.sample_submission) if name]
    for path in sorted(inputs.rglob(f"{benchmark.train_file}*")):
        if all(any((path.parent / f"{name}{end}").is_file() for end in ("", ".zip")) for name in required):
            return path.parent
    raise InputError(
        f"{inputs}: no folder in it has {' and '.join(required)}; join the competition and attach its data"
    )


def _sound_folder(inputs: Path, benchmark: Benchmark) -> Path:
    """Return the shallowest folder below ``inputs`` that holds the benchmark's sounds, or a zip of them."""
    folders = sorted((path for path in inputs.rglob("*") if path.is_dir()), key=lambda path: len(path.parts))
    for folder in [inputs, *folders]:
        if find_sounds(benchmark, folder):
            return folder
    raise InputError(f"{inputs}: no folder in it holds sound files; attach the dataset {benchmark.dataset}")


def find_encoder(inputs: Path, dataset: str) -> Path:
    """Return the folder of the attached dataset with the encoder's config.json; raises InputError if missing."""
    return find_dataset(inputs, dataset, "config.json")


def find_dataset(inputs: Path, dataset: str, marker: str) -> Path:
    """Return the folder of an attached dataset that holds the file ``marker``; raises InputError if missing."""
    name = dataset.split("/")[1]
    for path in sorted(inputs.rglob(marker)):
        if name in path.relative_to(inputs).parts:
            return path.parent
    raise InputError(
        f"{inputs}: the dataset {dataset} is missing or has no {marker}; attach a dataset that has it"
    )


def unpack_folds(archive: Path, workspace: Workspace) -> None:
    """Unpack the folds of another run, which `kaggle_kernels.py upload pseudo` packed."""
    with tarfile.open(archive) as packed:
        packed.extractall(workspace.root, filter="data")


def bring_folds(inputs: Path, workspace: Workspace, benchmark: Benchmark) -> list[str]:
    """Copy folds from the outputs of other kernels into the workspace; returns their names, ``<run>/fold_<k>``.

    If a fold occurs several times, a finished one is preferred.
    """
    sources = {}  # path relative to the workspace -> folder below inputs
    for folder, relative_path in places.find_folds(inputs, benchmark.name):
        if relative_path not in sources or is_done(folder):
            sources[relative_path] = folder
    for relative_path, folder in sources.items():
        shutil.copytree(folder, workspace.root / relative_path)
    return [f"{path.parent.name}/{path.name}" for path in sources]


def _run(command: str, options: list, seconds: float | None = None) -> int:
    arguments = [sys.executable, str(places.command(command)), *map(str, options)]
    print("$", *arguments[1:], flush=True)
    return subprocess.run(arguments, timeout=seconds).returncode


def main() -> None:
    """Carry out the task that the kernel's script gives as JSON, with /kaggle/working as the current folder."""
    sys.exit(carry_out(json.loads(sys.argv[1]), Path.cwd()))


if __name__ == "__main__":
    run_command(main)

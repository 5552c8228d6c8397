"""The scripts as Kaggle would run them, in temporary trees that look like a kernel's."""

import os
import shutil
import stat
import subprocess
import sys
import time
import zipfile

import nbformat
import pytest
from kaggle_runs import plan_of as own_plan_of
from kaggle_server import SECRET, FakeClock, Kaggle

from pooled_bert.base.errors import InputError
from pooled_bert.base.places import Workspace
from pooled_bert.benchmarks.emodb import EMODB
from pooled_bert.benchmarks.jigsaw import JIGSAW
from pooled_bert.data.sample import write_sample
from pooled_bert.kernels.build import build_fold, build_part
from pooled_bert.kernels.clock import Clock
from pooled_bert.kernels.inside import bring_folds, find_encoder, find_rows, require_gpu, train

LINEAR = ("--model", "linear", "--n-folds", "2", "--limit", "300")
BERT = ("--encoder", "tiny", "--n-folds", "2", "--limit", "300", "--epochs", "2", "--dropout", "0.1")

# Half a day goes by when a training saves its first checkpoint.
CLOCK = """
import sys, time

def watch(event, arguments, real=time.monotonic):
    if event == "os.rename" and "step_" in str(arguments[1]):
        time.monotonic = lambda: real() + 12 * 60 * 60

sys.addaudithook(watch)
"""


def plan_of(options, run, **changes):
    return own_plan_of(run, options, n_folds=2, **{"gpu": False, **changes})


def test_sounds_are_found_wherever_kaggle_mounts_them(tmp_path):
    write_sample(tmp_path / "datasets" / "someone" / "emodb", EMODB, rows=10, test_rows=0, seed=0)
    (tmp_path / "outputs").mkdir()
    assert find_rows(tmp_path, EMODB) == tmp_path / "datasets" / "someone" / "emodb"
    with pytest.raises(InputError, match="attach the dataset piyushagni5/berlin-database"):
        find_rows(tmp_path / "outputs", EMODB)


@pytest.fixture
def start(tmp_path, sample):
    """Start a built kernel as Kaggle does; returns its process and its output folder. Inputs cannot be written to."""
    made = []

    def in_tree(kernel, *, is_new_layout, is_zipped, outputs=(), datasets=None, first=None):
        tree = tmp_path / f"kaggle-{len(made)}"
        place = tree / "input" / ("competitions/jigsaw" if is_new_layout else "jigsaw")
        place.mkdir(parents=True)
        for file in sample.iterdir():
            if is_zipped and file.suffix == ".csv":
                with zipfile.ZipFile(place / f"{file.name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
                    archive.write(file, file.name)
            else:
                shutil.copy(file, place)
        for name, server in (datasets or {}).items():
            server.mount(name, tree / "input" / (f"datasets/{name}" if is_new_layout else name.split("/")[1]))
        for output in outputs:
            name = output.parent.name
            shutil.copytree(output, tree / "input" / (f"notebooks/someone/{name}" if is_new_layout else name))
        for path in (tree / "input").rglob("*"):
            path.chmod(stat.S_IRUSR | (stat.S_IXUSR if path.is_dir() else 0))
        (tree / "working").mkdir()
        (tree / "tmp").mkdir()
        if first:  # Python code that runs in each of the kernel's processes, before anything else
            own = tree / "tmp" / "pooled-bert" / "src" / "sitecustomize.py"
            own.parent.mkdir(parents=True)
            own.write_text(first)
        shutil.copy(kernel / "script.py", tree / "script.py")
        environment = {
            **os.environ,
            "TMPDIR": str(tree / "tmp"),
            "KAGGLE_KEY": SECRET,
            "KAGGLE_USERNAME": "someone",
        }
        process = subprocess.Popen(
            [sys.executable, str(tree / "script.py")],
            cwd=tree / "working",
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        made.append((tree, process))
        return process, tree / "working"

    yield in_tree
    for tree, process in made:
        process.kill()
        process.wait()
        process.stdout.close()
        for path in [tree / "input", *(tree / "input").rglob("*")]:
            path.chmod(path.stat().st_mode | stat.S_IWUSR | (stat.S_IXUSR if path.is_dir() else 0))


def finish(process, status=0):
    log, _ = process.communicate()
    assert process.returncode == status, log
    assert SECRET not in log
    return log


def files_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def code_of(kernel):
    """Return what Kaggle runs: the script, or the code cells of a notebook."""
    if kernel.metadata["kernelType"] == "script":
        return kernel.text
    cells = nbformat.reads(kernel.text, as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "code")


@pytest.fixture
def kaggle(start, tmp_path, monkeypatch):
    """A stand-in server that really runs what is pushed: one kernel in the old layout, the next in the new one."""

    def execute(slug, kernel):
        folder = tmp_path / "pushed" / slug
        folder.mkdir(parents=True)
        (folder / "script.py").write_text(code_of(kernel))
        sources = [
            server.kernels[name.split("/")[1]] for name in kernel.metadata.get("kernelDataSources", [])
        ]
        is_new = len(server.kernels) % 2 == 0
        outputs = [source.output for source in sources]
        datasets = dict.fromkeys(kernel.metadata.get("datasetDataSources", []), server)
        process, working = start(
            folder, is_new_layout=is_new, is_zipped=not is_new, outputs=outputs, datasets=datasets
        )
        kernel.log = process.communicate()[0]
        if process.returncode:
            raise RuntimeError(kernel.log)
        return working

    clock = FakeClock()
    monkeypatch.setattr(Clock, "now", lambda self: clock.now())
    monkeypatch.setattr(Clock, "sleep", lambda self, seconds: (clock.sleep(seconds), time.sleep(0.1)))
    with Kaggle(execute, is_patient=True) as server:
        for name, value in {**server.environment(), "KAGGLE_CONFIG_DIR": str(tmp_path)}.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.mark.slow
def test_full_cycle_ends_in_the_submission_that_is_made_at_home(kaggle, run_command, sample, tmp_path):
    kernels, pulled, home = tmp_path / "kernels", tmp_path / "pulled", tmp_path / "home"
    extra = tmp_path / "more.csv"
    extra.write_text("id,comment_text,toxic\nx1,you are a pig,1\nx2,how kind of you,0\n")
    assert "build with --extra-dataset someone/pooled-bert-extra" in (
        run_command("kaggle_kernels.py", "upload", "extra", extra).stdout
    )
    options = ("--model", "linear", "--n-folds", "2", "--limit", "100")
    brought = ("--owner", "someone", "--cpu", "--notebook", "--extra-dataset", "someone/pooled-bert-extra")
    run_command("kaggle_kernels.py", "build", "--kernels", kernels, *brought, *options)
    place = ["--kernels", kernels, "--workspace", pulled, "--poll-seconds", 60]
    kaggle.faults = [
        ("SaveKernel", "cut"),
        ("GetKernelSessionStatus", 503),
        ("ListKernelSessionOutput", "html"),
    ]
    out = run_command("kaggle_kernels.py", "run", "--run", "linear", *place).stdout
    assert "fold 0: downloaded; fold 1: downloaded" in out
    tops = {"/".join(name.split("/")[:5]) for name in files_of(pulled)}
    assert tops == {
        f"folds/jigsaw/runs/linear/{name}" for name in ("fold_0", "fold_1", ".fold_0.lock", ".fold_1.lock")
    }
    run_command("make_submission.py", "--run", "linear", "--data", sample, "--workspace", pulled)
    run_command("kaggle_kernels.py", "ensemble", "--run", "linear", *place)
    run_command("train_folds.py", "--data", sample, "--workspace", home, "--extra", extra, *options)
    run_command("make_submission.py", "--run", "linear", "--data", sample, "--workspace", home)
    at_home, brought = files_of(home / "submissions"), files_of(pulled / "submissions")
    assert brought["jigsaw-linear.csv"] == brought["kaggle-jigsaw-linear.csv"] == at_home["jigsaw-linear.csv"]
    assert "mean ROC AUC 0." in kaggle.kernels["pooled-bert-jigsaw-linear-fold-1"].log  # from its last cell
    everything = [*files_of(kernels).values(), *files_of(pulled).values()]
    everything += [kernel.log.encode() for kernel in kaggle.kernels.values()]
    assert not any(SECRET.encode() in content for content in everything)


@pytest.mark.slow
def test_fold_out_of_time_goes_on_in_the_next_part_to_the_same_result(start, run_command, sample, tmp_path):
    kernels = tmp_path / "kernels"
    slow = plan_of((*BERT, "--checkpoint-minutes", "0"), "bert")
    kernel = build_fold(slow, kernels, 0)
    process, working = start(kernel, is_new_layout=True, is_zipped=False, first=CLOCK)
    assert "follow-up kernel" in finish(process)
    assert any("checkpoints/step_" in name for name in files_of(working))
    process, output = start(
        build_part(slow, kernels, 0, 2), is_new_layout=True, is_zipped=False, outputs=[working]
    )
    assert "resumes after step" in finish(process)
    names = files_of(output)
    assert not any("checkpoints" in name for name in names)
    home = tmp_path / "home"
    run_command("train_folds.py", "--data", sample, "--workspace", home, "--run", "bert", "--fold", 0, *BERT)
    place = "folds/jigsaw/runs/bert/fold_0"
    for name in ("oof.csv", "test.csv", "metrics.json", "history.csv"):
        assert names[f"{place}/{name}"] == (home / place / name).read_bytes()


def test_failed_task_fails_the_kernel(start, tmp_path):
    kernel = build_fold(plan_of(LINEAR, "linear", benchmark="imdb"), tmp_path / "kernels", 0)
    process, working = start(kernel, is_new_layout=True, is_zipped=False)
    assert "no folder in it has IMDB Dataset.csv" in finish(process, status=2)
    assert files_of(working) == {}


@pytest.mark.parametrize("saves", [True, False])
def test_training_that_hangs_is_out_of_time_if_it_saved_a_checkpoint(tmp_path, monkeypatch, capsys, saves):
    def hang(arguments, timeout):
        if saves:
            write(tmp_path / "fold_0" / "checkpoints" / "step_000000002.npz")
        raise subprocess.TimeoutExpired(arguments, timeout)

    write(tmp_path / "fold_0" / "checkpoints" / "step_000000001.npz")  # from the part before
    monkeypatch.setattr("subprocess.run", hang)
    assert train([], tmp_path / "fold_0", minutes=660) == (75 if saves else 1)
    assert "the training hung: it did not end within 680 minutes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("status", "out", "err", "said"),
    [
        (0, "0\n", "Could not find cuda drivers\n", "Could not find cuda drivers"),
        (1, "", "", "no reason given"),
    ],
)
def test_gpu_that_was_asked_for_and_is_not_there_is_missed(monkeypatch, status, out, err, said):
    result = subprocess.CompletedProcess([], status, out, err)
    monkeypatch.setattr("subprocess.run", lambda *_, **__: result)
    with pytest.raises(InputError, match=rf"TensorFlow sees no GPU here \({said}\)"):
        require_gpu()


def test_damaged_script_is_refused(start, tmp_path):
    kernel = build_fold(plan_of(LINEAR, "linear"), tmp_path / "kernels", 0)
    script = kernel / "script.py"
    script.write_text(script.read_text().replace("TF-IDF of words", "tf-idf of words"))
    process, working = start(kernel, is_new_layout=True, is_zipped=False)
    assert "build and push it again" in finish(process, status=1)
    assert files_of(working) == {}


def write(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")


def test_rows_are_found_by_their_files(tmp_path):
    write(tmp_path / "a" / "train.csv")  # of something else
    with pytest.raises(InputError, match="join the competition"):
        find_rows(tmp_path, JIGSAW)
    for name in ("train.csv.zip", "sample_submission.csv"):
        write(tmp_path / "b" / "deep" / name)
    assert find_rows(tmp_path, JIGSAW) == tmp_path / "b" / "deep"


def test_encoder_is_found_in_its_dataset_only(tmp_path):
    write(tmp_path / "other" / "config.json")
    with pytest.raises(InputError, match="someone/my-bert is missing"):
        find_encoder(tmp_path, "someone/my-bert")
    write(tmp_path / "datasets" / "someone" / "my-bert" / "model" / "config.json")
    assert find_encoder(tmp_path, "someone/my-bert").name == "model"


def test_finished_fold_wins_over_an_unfinished_one(tmp_path):
    place = "folds/jigsaw/runs/bert/fold_0"
    for part in ("a", "b"):
        write(tmp_path / "input" / part / place / "config.json")
    write(tmp_path / "input" / "a" / place / "metrics.json")
    write(tmp_path / "input" / "c" / "folds/imdb/runs/bert/fold_1/config.json")
    assert bring_folds(tmp_path / "input", Workspace(tmp_path / "workspace"), JIGSAW) == ["bert/fold_0"]
    assert (tmp_path / "workspace" / place / "metrics.json").exists()

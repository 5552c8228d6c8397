"""Made-up rows, a tiny tokenizer and encoder, and the commands as a user runs them."""

import functools
import os
import signal
import subprocess
import sys
from pathlib import Path

import made_up_benchmark  # noqa: F401  (registers it before settings read the registry)
import numpy as np
import pandas as pd
import pytest
from browsing import find_chromium, set_scheme, set_width, start_browser
from hypothesis import settings

from pooled_bert.base.deadline import Deadline
from pooled_bert.base.errors import TimeLimitReached
from pooled_bert.base.tensorflow_setup import start_tensorflow
from pooled_bert.benchmarks.imdb import IMDB
from pooled_bert.benchmarks.jigsaw import JIGSAW
from pooled_bert.training.learners import load_learner

for limit in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(
        limit, "1"
    )  # two workers share the cores, and threads of tiny models wait for each other
start_tensorflow()  # before any test module imports TensorFlow
if (
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN
):  # in a job that a shell started with &; commands inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("repeatable", derandomize=True, deadline=None)  # the same examples in every run
settings.load_profile("repeatable")

ROOT = Path(__file__).resolve().parent.parent
VERY_LONG = 20 * 60  # seconds; what is not there by then does not come


@pytest.fixture(scope="session")
def sample(tmp_path_factory):
    """A folder of made-up rows in Jigsaw's files."""
    from pooled_bert.data.sample import write_sample

    folder = tmp_path_factory.mktemp("jigsaw")
    write_sample(folder, JIGSAW, rows=1200, test_rows=60, seed=1)
    return folder


@pytest.fixture(scope="session")
def imdb_sample(tmp_path_factory):
    """A folder of made-up rows in IMDB's files."""
    from pooled_bert.data.sample import write_sample

    folder = tmp_path_factory.mktemp("imdb")
    write_sample(folder, IMDB, rows=200, test_rows=40, seed=1)
    return folder


@pytest.fixture(scope="session")
def tokenizer():
    """A tokenizer of a dozen words."""
    from pooled_bert.models.encoders import load_tokenizer

    return load_tokenizer("tiny", ["one two three four five six seven eight nine ten, eleven! twelve?"])


@pytest.fixture(scope="session")
def folder_of(tmp_path_factory):
    """Return the folder of a family's random encoder, made once: folder_of("bert", hidden_act="relu")."""
    from small_encoders import save_encoder

    @functools.cache
    def make(name, **options):
        folder = tmp_path_factory.mktemp(name)
        save_encoder(folder, name, **options)
        return str(folder)

    return make


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory, tokenizer):
    """A tiny encoder of one layer, with dropout in every part of it, as a directory."""
    from transformers import BertConfig, TFBertModel

    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        hidden_dropout_prob=0.2,
        attention_probs_dropout_prob=0.2,
    )
    folder = tmp_path_factory.mktemp("encoder")
    encoder = TFBertModel(config, add_pooling_layer=False)
    encoder.build_in_name_scope()  # makes its weights
    encoder.save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(autouse=True)
def precision_is_put_back():
    """Set Keras' precision back after each test, whatever the test trained in."""
    yield
    if "tensorflow" in sys.modules:
        sys.modules["tensorflow"].keras.mixed_precision.set_global_policy("float32")


@pytest.fixture(scope="session")
def tiny_run(sample, tmp_path_factory):
    """The folder of a run of two folds, whose models read 16 tokens; fewer than most texts of the sample have."""
    from pooled_bert.base.deadline import Deadline
    from pooled_bert.base.places import Workspace
    from pooled_bert.data.rows import read_rows
    from pooled_bert.runs.cross_validation import CrossValidation
    from pooled_bert.training.settings import BertSettings, RunSettings

    model = BertSettings(
        encoder="tiny", epochs=4, batch_size=16, learning_rate=1e-2, max_length=16, precision="float32"
    )
    folder = tmp_path_factory.mktemp("workspace")
    rows = read_rows(JIGSAW, sample)
    work = CrossValidation(rows, RunSettings(n_folds=2), model, name="bert", workspace=Workspace(folder))
    work.start([0, 1], overwrite=False)
    for fold in (0, 1):
        work.train_fold(fold, checkpoint_minutes=5, deadline=Deadline(None))
    return Workspace(folder).run("jigsaw", "bert")


def checked(result, status):
    """Return the result of a command that ended with this status, and with no traceback."""
    assert result.returncode == status, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    return result


@pytest.fixture(scope="session")
def run_here():
    """Run a command of src/ inside this process, whatever its end: run_here("train_folds.py", "--fold", 0)."""
    from in_process import run_script

    return lambda script, *arguments: run_script(ROOT / "src" / script, arguments)


@pytest.fixture(scope="session")
def run_command(run_here):
    """Run a command of src/ inside this process, which must end with a status: run_command("report.py", status=2)."""
    return lambda script, *arguments, status=0: checked(run_here(script, *arguments), status)


@pytest.fixture(scope="session")
def run_process():
    """Run a command of src/ in a process of its own, as a user starts it; it takes what run_command takes."""

    def run(script, *arguments, status=0, **options):
        command = [sys.executable, str(ROOT / "src" / script), *map(str, arguments)]
        return checked(subprocess.run(command, capture_output=True, text=True, **options), status)

    return run


@pytest.fixture
def start_halting():
    """Start a command that halts when a file is to get a name like pattern for the count-th time; wait until it does.

    The process is killed in the end. It can be sent signals meanwhile, of which SIGCONT lets it go on.
    """
    started = []

    def start(pattern, count, script, *arguments, **options):
        halting = [ROOT / "tests" / "halting.py", pattern, count, ROOT / "src" / script, *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.Popen([sys.executable, *map(str, halting)], **pipes, **options)
        started.append(process)
        assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1]), process.communicate()
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def browser():
    """A headless Chromium, as the distribution packs it."""
    found = find_chromium()
    if found is None:
        pytest.skip("needs chromium and chromedriver (Debian: apt install chromium chromium-driver)")
    window = start_browser(*found)
    yield window
    window.quit()


@pytest.fixture
def accessibility(browser):
    """Return what axe finds in the page that is open: wide and narrow, light and dark, with everything unfolded.

    Pictures are left out: each has a role and a name of its own, and thousands of parts.
    """
    from importlib.resources import files

    axe = (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")
    run = (
        "const done = arguments[arguments.length - 1];"
        "axe.run({exclude: [['svg']]}, {resultTypes: ['violations']}).then(({violations}) => done(violations.map("
        "({id, nodes}) => [id, ...nodes.slice(0, 3).map((node) => node.html.slice(0, 200))])))"
    )

    def find():
        findings = []
        browser.set_script_timeout(VERY_LONG)
        browser.execute_script(axe)
        browser.execute_script("for (const part of document.querySelectorAll('details')) part.open = true")
        for width in (1280, 390):
            set_width(browser, width)
            for scheme in ("light", "dark"):
                set_scheme(browser, scheme)
                findings += [(width, scheme, finding) for finding in browser.execute_async_script(run)]
        return findings

    return find


def fit(problem, settings):
    """Train one fold by a learner of its own."""
    return load_learner(settings)(problem)


class StopAfter(Deadline):
    """Leaves time for a number of steps."""

    def __init__(self, steps):
        super().__init__(1.0)
        self.steps = steps

    def leaves(self, seconds):
        self.steps -= 1
        return self.steps > 0

    def check(self, seconds=0.0):
        if self.steps <= 0:
            raise TimeLimitReached


def rows_of(path):
    """Read the rows that a TOML file describes."""
    from pooled_bert.benchmarks.registry import find_benchmark
    from pooled_bert.data.rows import find_data, read_rows

    benchmark = find_benchmark(str(path))
    return read_rows(benchmark, find_data(benchmark, None))


def table_of(texts, labels=None, names=("toxic", "obscene")):
    """A rows table from texts and a float array of labels [n_rows, n_labels]."""
    table = pd.DataFrame({"id": [f"r{number:05d}" for number in range(len(texts))], "text": texts})
    labels = np.zeros((len(texts), len(names))) if labels is None else np.asarray(labels, np.float64)
    return table.assign(**dict(zip(names, labels.T, strict=True)))

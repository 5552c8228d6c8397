"""Commands whose output cannot be written, and commands that are interrupted while they start."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

ARGUMENTS = {"help": ["--help"], "sample": ["sample", "--rows", "20", "--test-rows", "5"]}

BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


def command(script, *arguments):
    return [sys.executable, str(ROOT / "src" / script), *arguments]


@pytest.mark.parametrize("kind", ARGUMENTS)
def test_full_standard_output_is_named_in_one_line(tmp_path, kind):
    with Path("/dev/full").open("w") as full:
        words = command("make_sample.py", *ARGUMENTS[kind])
        result = subprocess.run(
            words, stdout=full, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=BUFFERED
        )
    assert result.stderr == "make_sample.py: standard output: cannot be written (No space left on device)\n"
    assert result.returncode == 2


@pytest.mark.parametrize("kind", ARGUMENTS)
@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_error_and_get_nobody_elses_output(tmp_path, kind, closed):
    script = f'exec "$@" {closed}'
    words = ["sh", "-c", script, "sh", *command("make_sample.py", *ARGUMENTS[kind])]
    result = subprocess.run(words, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    assert (result.stderr, result.returncode) == ("", 0)
    for path in tmp_path.glob("sample/*.csv"):
        assert path.read_text().startswith("id,")


@pytest.mark.parametrize("module", ["pooled_bert.base.errors", "numpy", "pooled_bert.runs.options"])
def test_interrupted_while_it_starts_a_command_says_at_most_one_line(module):
    words = [sys.executable, "-X", "importtime", *command("make_sample.py", "--help")[1:]]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        for line in process.stderr:
            if line.split("|")[-1].strip() == module:
                process.send_signal(signal.SIGINT)
                break
        rest = [line for line in process.communicate()[1].splitlines() if not line.startswith("import time:")]
    finally:
        process.kill()
    assert process.returncode in (-signal.SIGINT, 130, 0)  # 0: it had done its work
    assert len(rest) <= 1
    assert "Traceback" not in "".join(rest)


@pytest.mark.parametrize("library", ["json", "tensorflow"])
def test_interrupted_command_ends_as_one_even_where_a_library_loses_the_interruption(library):
    lines = [
        "import os, signal, sys",
        "from pooled_bert.base.errors import run_command",
        f"sys.modules[{library!r}] = sys",
        "def main():",
        "    print('done before')",
        "    try:",
        "        os.kill(os.getpid(), signal.SIGINT)",
        "    except BaseException:",
        "        if 'tensorflow' in sys.modules:",
        "            raise AttributeError('lost') from None",
        "        raise",
        "signal.signal(signal.SIGINT, signal.default_int_handler)",
        "run_command(main)",
    ]
    result = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, cwd=ROOT / "src"
    )
    assert result.returncode == 130
    assert len(result.stderr.splitlines()) == 1
    assert "interrupted; finished work is kept" in result.stderr
    assert result.stdout == "done before\n"

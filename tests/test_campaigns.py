"""A short slice of each campaign, and controls: each finds a defect that is planted."""

import subprocess
import sys

import pytest
from conftest import ROOT


def run(script, *options):
    command = [sys.executable, str(ROOT / "tests" / "campaigns" / script), *options]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "options"),
    [
        ("kill.py", ("--kills", "8", "--jobs", "linear", "bert", "submission", "check", "build", "watcher")),
        ("fuzz.py", ("--mutations", "200", "--encoders", "6", "--models", "40")),
        ("power.py", ("--cuts", "8", "--jobs", "linear", "bert", "submission", "sample", "watcher")),
        ("race.py", ("--races", "6", "--jobs", "linear", "submission", "build")),
    ],
)
def test_slice_of_the_campaign_finds_nothing(script, options):
    result = run(script, *options)
    assert result.returncode == 0, result.stdout + result.stderr
    assert " 0 failures" in result.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "options"),
    [
        (
            "kill.py",
            ("--kills", "30", "--jobs", "linear", "submission", "--torn"),
        ),  # ends with the first failure
        ("fuzz.py", ("--mutations", "200", "--encoders", "0", "--models", "0", "--unchecked")),
        ("power.py", ("--cuts", "12", "--jobs", "linear", "--forget")),
        ("race.py", ("--races", "8", "--jobs", "build", "--unlocked")),
    ],
)
def test_campaign_finds_a_planted_defect(script, options):
    result = run(script, *options)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "failures" in result.stdout

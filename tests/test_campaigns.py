"""A short slice of each campaign."""

import subprocess
import sys

import pytest
from conftest import ROOT


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "options"),
    [
        ("kill.py", ("--kills", "6")),
        ("fuzz.py", ("--mutations", "200", "--encoders", "6")),
        ("power.py", ("--cuts", "8")),
    ],
)
def test_slice_of_the_campaign_finds_nothing(script, options):
    command = [sys.executable, str(ROOT / "tests" / "campaigns" / script), *options]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert " 0 failures" in result.stdout


@pytest.mark.slow
def test_campaign_of_power_cuts_finds_failures_if_nothing_is_synced():
    script = str(ROOT / "tests" / "campaigns" / "power.py")
    result = subprocess.run(
        [sys.executable, script, "--cuts", "12", "--forget"], capture_output=True, text=True
    )
    assert result.returncode == 1, result.stdout + result.stderr
    assert "failures" in result.stdout

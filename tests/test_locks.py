"""The locked versions are those of requirements.txt, with hashes, and come from nowhere but the package index."""

import re

import pytest
from conftest import ROOT

PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[.*\])?==([^\s;]+)", re.MULTILINE)


def pins(name):
    return {package.lower(): version for package, version in PIN.findall((ROOT / name).read_text())}


@pytest.mark.parametrize(
    ("lock", "sources"),
    [
        ("requirements.lock", ["requirements.txt"]),
        ("requirements-cuda.lock", ["requirements.txt"]),
        ("tests/requirements.lock", ["requirements.txt", "tests/requirements.txt"]),
    ],
)
def test_lock_holds_every_pin_and_hashes(lock, sources):
    locked, text = pins(lock), (ROOT / lock).read_text()
    for source in sources:
        assert pins(source).items() <= locked.items(), "run make lock"
    entries = re.split(r"\n(?=\S)", text)
    assert all("--hash=sha256:" in entry for entry in entries if "==" in entry)
    assert "://" not in text
    assert len(locked) > 90


def test_locks_agree_and_kernels_with_a_gpu_have_cuda():
    product, cuda, tests = (
        pins(name) for name in ("requirements.lock", "requirements-cuda.lock", "tests/requirements.lock")
    )
    assert product.items() <= cuda.items()
    assert product.items() <= tests.items()
    assert any(name.startswith("nvidia-cudnn") for name in cuda)

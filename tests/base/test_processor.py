"""A GPU counts if there is a driver, the libraries that TensorFlow needs, and nothing that hides it."""

import importlib.util
import os

import pytest

from pooled_bert.base import processor
from pooled_bert.base.processor import has_gpu, n_cores


@pytest.mark.parametrize(
    ("driver", "libraries", "visible", "expected"),
    [
        (True, True, None, True),
        (True, True, "0,1", True),
        (True, True, "", False),
        (True, True, "-1", False),
        (True, False, None, False),
        (False, True, None, False),
    ],
)
def test_gpu_needs_a_driver_and_libraries_and_may_be_hidden(
    tmp_path, monkeypatch, driver, libraries, visible, expected
):
    monkeypatch.setattr(processor, "DRIVERS", (str(tmp_path if driver else tmp_path / "none"),))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if libraries else None)
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert has_gpu() is expected


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
def test_cores_are_those_that_this_process_may_use():
    cores = os.sched_getaffinity(0)
    assert n_cores() == len(cores)
    try:
        os.sched_setaffinity(0, {min(cores)})
        assert n_cores() == 1
    finally:
        os.sched_setaffinity(0, cores)

"""What this machine's processor and graphics card can do, without asking TensorFlow, whose import takes seconds."""

import ctypes.util
import functools
import importlib.util
import os
from pathlib import Path

VNNI = {"avx512_vnni", "avx_vnni", "amx_int8"}  # instructions for products of 8-bit integers
BFLOAT16 = {"avx512_bf16", "amx_bf16"}
# where NVIDIA's driver is found, on Linux and in WSL
DRIVERS = ("/dev/nvidiactl", "/usr/lib/wsl/lib/libcuda.so.1")


@functools.cache
def processor_flags() -> frozenset[str]:
    """Return the names of the instruction sets that the processor has, as Linux calls them; elsewhere none."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as stream:
            return frozenset(next((line for line in stream if line.startswith("flags")), "").split())
    except OSError:
        return frozenset()


def has_gpu() -> bool:
    """Return whether there is an NVIDIA GPU that this process may use, and the libraries with which TensorFlow does."""
    is_hidden = os.environ.get("CUDA_VISIBLE_DEVICES", "all") in ("", "-1")
    if is_hidden or not any(map(os.path.exists, DRIVERS)):
        return False
    return bool(importlib.util.find_spec("nvidia") or ctypes.util.find_library("cudnn"))


def n_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

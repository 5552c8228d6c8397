"""Marks of tests that only some processors can run."""

import pytest

from pooled_bert.base.processor import VNNI, processor_flags

# elsewhere int8 is refused, and ONNX Runtime's products of 8-bit integers can overflow
needs_vnni = pytest.mark.skipif(not VNNI & processor_flags(), reason="the processor has no VNNI")

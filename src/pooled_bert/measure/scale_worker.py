"""The process that makes one measurement of ``scale.py``; its arguments are the number of rows and the encoder."""

import json
import sys
import tempfile
from pathlib import Path

from ..base.tensorflow_setup import start_tensorflow

if __name__ == "__main__":
    start_tensorflow()  # before scale.py imports TensorFlow
    from .scale import costs

    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(costs(Path(folder), int(sys.argv[1]), sys.argv[2])))

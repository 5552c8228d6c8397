"""What the script of a kernel starts inside Kaggle; it says what to do as JSON."""

import json
import sys
from pathlib import Path

from pooled_bert.errors import run_command


def main() -> None:
    """Train a fold or ensemble, with /kaggle/working as the current folder."""
    from pooled_bert.kernel_inside import carry_out

    sys.exit(carry_out(json.loads(sys.argv[1]), Path.cwd()))


if __name__ == "__main__":
    run_command(main)

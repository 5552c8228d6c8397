"""All benchmarks by name, and those that users describe in files of their own. No other file lists benchmarks."""

from pathlib import Path

from ..base.errors import InputError, suggestion
from ..base.rules import PLACE
from .benchmark import Benchmark
from .benchmark_file import ENDING, read_benchmark
from .emodb import EMODB, EMODB_SIX
from .imdb import IMDB
from .jigsaw import JIGSAW

BENCHMARKS = {benchmark.name: benchmark for benchmark in (JIGSAW, IMDB, EMODB, EMODB_SIX)}
DEFAULT = JIGSAW.name


def find_benchmark(text: str) -> Benchmark:
    """Return the benchmark of a name, or the one that a TOML file describes; raises InputError."""
    if text.endswith(ENDING):
        return read_benchmark(Path(text), BENCHMARKS)
    if text not in BENCHMARKS:
        file = text + ENDING
        is_file = PLACE.allows(file) and Path(file).is_file()
        hint = f" (did you mean {file}?)" if is_file else suggestion(text, BENCHMARKS)
        raise InputError(
            f"--benchmark {text}: is neither {', '.join(BENCHMARKS)} nor a file that ends in {ENDING}{hint}"
        )
    return BENCHMARKS[text]

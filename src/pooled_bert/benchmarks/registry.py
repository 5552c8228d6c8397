"""All benchmarks by name. No other file lists them."""

from .imdb import IMDB
from .jigsaw import JIGSAW

BENCHMARKS = {benchmark.name: benchmark for benchmark in (JIGSAW, IMDB)}
DEFAULT = JIGSAW.name

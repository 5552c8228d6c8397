"""All benchmarks by name. No other file lists them."""

from .emodb import EMODB, EMODB_SIX
from .imdb import IMDB
from .jigsaw import JIGSAW

BENCHMARKS = {benchmark.name: benchmark for benchmark in (JIGSAW, IMDB, EMODB, EMODB_SIX)}
DEFAULT = JIGSAW.name

"""A table of a user's own, described in a TOML file -> the record of a benchmark."""

import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..base.errors import InputError, suggestion
from ..base.pairs import joined
from ..base.rules import NAME, PATH_TEXT
from .benchmark import Benchmark
from .targets import ONE_CLASS, SCORE_TITLES, SEVERAL_LABELS

ENDING = ".toml"
TEXT, TEXTS, FLAG, TERMS = "a text in quotes", "a list of texts", "true or false", "lists of texts by name"
COLUMNS, PAIRS = "a column in quotes, or a list of two", "a list of pairs of texts"
KEYS = {  # key -> what its value is, and the field of the record
    "train": (TEXT, "train_file"),
    "text": (COLUMNS, "text_column"),
    "labels": (TEXTS, "labels"),
    "class": (TEXT, "class_column"),
    "name": (TEXT, "name"),
    "title": (TEXT, "title"),
    "test": (TEXT, "test_file"),
    "sample_submission": (TEXT, "sample_submission"),
    "id": (TEXT, "id_column"),
    "group": (TEXT, "group"),
    "score": (TEXT, "score"),
    "identity_terms": (TERMS, "identity_terms"),
    "examples": (TEXTS, "examples"),
    "about": (TEXT, "about"),
    "limits": (TEXTS, "limits"),
    "language": (TEXT, "language"),
    "is_offensive": (FLAG, "is_offensive"),
    "competition": (TEXT, "competition"),
    "dataset": (TEXT, "dataset"),
}
EXAMPLES = {
    TEXT: '"…"',
    TEXTS: '["…", "…"]',
    COLUMNS: '["…", "…"]',
    PAIRS: '[["…", "…"]]',
    FLAG: "true",
    TERMS: '{women = ["woman", "women"]}',
}
_COLUMNS = (
    "id text sound group labels class rows folds sd model notes contribution"  # of tables of rows and results
)
NO_LABELS = {*_COLUMNS.split(), "seconds per fold", *SCORE_TITLES.values()}
NO_NAMES = {"tokens"}  # a folder beside the benchmarks' folders


def read_benchmark(path: Path, taken: Collection[str]) -> Benchmark:
    """Return the record of a TOML file; raises InputError with file, line and remedy.

    taken : names that the benchmark must not have.

    The tables that the file names are not read. If it names a column of classes, the record has no labels yet.
    """
    file = _read(path)
    file.check_keys()
    file.check_columns()
    given = {KEYS[key][1]: file.field(key) for key in file.values}
    if file.has_pairs:
        given["text_column"], given["second_column"] = file.values["text"]
    name = file.name(taken)
    defaults = {
        "name": name,
        "title": name,
        "labels": (),
        "about": f"The texts of {file.values['train']}.",
        "limits": (f"{path.name} names no limits of these data.",),
    }
    target = ONE_CLASS if "class" in file.values else SEVERAL_LABELS
    benchmark = Benchmark(
        **{**defaults, **given}, target=target, download="", file=path, places=file.places()
    )
    if benchmark.score not in target.score_names:
        hint = suggestion(benchmark.score, target.score_names)
        raise file.error("score", f"{benchmark.score!r} is not one of {', '.join(target.score_names)}{hint}")
    if benchmark.sample_submission and not benchmark.test_file:
        raise file.error(
            "sample_submission", 'has no use without test rows; name their table too: test = "…"'
        )
    return benchmark


@dataclass(frozen=True)
class _File:
    """A TOML file: its values by key, and its lines, to say where a key is."""

    path: Path
    values: dict
    lines: list[str]

    def place(self, key: str, value: str | None = None) -> str:
        """Return file and line of a key, or of a text in its list."""
        start = self._lines_of_keys.get(key)
        if start is None:
            return str(self.path)
        line = next((number for number in self._lines_of_texts.get(value, ()) if number >= start), start)
        return f"{self.path}, line {line + 1}"

    @cached_property
    def _lines_of_keys(self) -> dict[str, int]:
        """The first line of each key, from 0."""
        keys = [re.match(r"""\s*\[?["']?([^"'=\].\s]+)["']?\s*[=\].]""", line) for line in self.lines]
        numbered = [(key[1], number) for number, key in enumerate(keys) if key]
        return dict(reversed(numbered))

    @cached_property
    def _lines_of_texts(self) -> dict[str | None, list[int]]:
        """The lines of each text in quotes, from 0."""
        lines: dict[str | None, list[int]] = {}
        for number, line in enumerate(self.lines):
            for double, single in re.findall(r"""\"([^"]*)"|'([^']*)'""", line):
                lines.setdefault(double or single, []).append(number)
        return lines

    def error(self, key: str, message: str, value: str | None = None) -> InputError:
        return InputError(f"{self.place(key, value)}: {key}: {message}")

    @property
    def text_columns(self) -> list[str]:
        """The column of the texts, or the two columns of pairs."""
        return self.values["text"] if self.has_pairs else [self.values["text"]]

    @property
    def has_pairs(self) -> bool:
        """Whether two columns of texts are named."""
        return isinstance(self.values.get("text"), list)

    def kind(self, key: str) -> str:
        """Return what the value of a key must be."""
        return PAIRS if key == "examples" and self.has_pairs else KEYS[key][0]

    def field(self, key: str):
        """Return the value of a key as the record holds it; raises InputError for a pair that cannot be one."""
        value, kind = self.values[key], self.kind(key)
        if kind == PAIRS:
            return tuple(joined(pair, f"{self.place(key)}: ") for pair in value)
        return _field(value, kind)

    def check_keys(self) -> None:
        """Raise InputError for a key that is unknown, missing or of the wrong type."""
        for key, value in self.values.items():
            if key not in KEYS:
                raise InputError(
                    f"{self.place(key)}: unknown key {key!r}{suggestion(key, KEYS)}; the keys are {', '.join(KEYS)}"
                )
            kind = self.kind(key)
            if not _fits(value, kind):
                raise self.error(key, f"expected {kind}, as in {key} = {EXAMPLES[kind]}")
        for key in ("train", "text"):
            if key not in self.values:
                what = "the table of labelled rows" if key == "train" else "its column of texts"
                raise InputError(f'{self.path}: {key} is missing; name {what}: {key} = "…"')
        for key in ("train", "test", "sample_submission"):
            if key in self.values:
                PATH_TEXT.check(f"{self.place(key)}: {key}", self.values[key])
        if ("labels" in self.values) == ("class" in self.values):
            raise InputError(
                f'{self.place("class")}: give either labels, a list of columns of 0 and 1 (labels = ["…"]), or class,'
                ' one column of words or numbers (class = "…")'
            )

    def check_columns(self) -> None:
        """Raise InputError for a column that is named twice, and for names that labels and groups cannot have."""
        used: dict[str, str] = {}
        labels = [("labels", label) for label in self.values.get("labels", ())]
        texts = [("text", column) for column in self.text_columns]
        single = [(key, self.values[key]) for key in ("id", "group", "class") if key in self.values]
        for key, column in [*texts, *single, *labels]:
            if column in used and not (self.has_pairs and key == "group" and used[column] == "text"):
                raise self.error(key, f"column {column!r} is named by {used[column]} already", column)
            used[column] = key
        for _, label in labels:
            check_label(label, self.place("labels", label))
        if self.values.get("group") == "none":
            raise self.error("group", "a column of groups must not be called none; rename it in the table")

    def name(self, taken: Collection[str]) -> str:
        """Return the name of the record: the one given, or else the file's; raises InputError if it is taken."""
        name = NAME.read(f"{self.place('name')}: name", self.values.get("name", self.path.stem))
        if name in {*taken, *NO_NAMES}:
            raise InputError(
                f'{self.place("name")}: the name {name!r} is taken; give another one: name = "my-{name}"'
            )
        return name

    def places(self) -> dict[str, str]:
        """Return where each file and column is named."""
        keys = ("train", "test", "sample_submission", "id", "group", "class")
        single = {self.values[key]: self.place(key) for key in keys if key in self.values}
        lists = {"text": self.text_columns, "labels": self.values.get("labels", ())}
        return single | {name: self.place(key, name) for key, names in lists.items() for name in names}


def _read(path: Path) -> _File:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 ({error.reason}); save it as UTF-8") from error
    except OSError as error:
        others = [str(other) for other in sorted(path.parent.glob(f"*{ENDING}"))]
        hint = suggestion(str(path), others)
        raise InputError(
            f"{path}: cannot be read ({error.strerror}){hint}; python src/new_benchmark.py TABLE writes such a file"
        ) from error
    try:
        return _File(path, tomllib.loads(text), text.splitlines())
    except (ValueError, RecursionError) as error:  # numbers of many digits and deep lists too
        raise InputError(
            f'{path}: is not TOML: {error}; texts are in quotes, as in text = "review", and each key is given once'
        ) from error


def _fits(value, kind: str) -> bool:
    if kind == TEXT:
        return isinstance(value, str) and bool(value.strip())
    if kind == TEXTS:
        return isinstance(value, list) and bool(value) and all(_fits(item, TEXT) for item in value)
    if kind == COLUMNS:
        return _fits(value, TEXT) or _is_pair(value)
    if kind == PAIRS:
        return isinstance(value, list) and bool(value) and all(map(_is_pair, value))
    if kind == FLAG:
        return isinstance(value, bool)
    return isinstance(value, dict) and all(_fits(terms, TEXTS) for terms in value.values())


def _is_pair(value) -> bool:
    return _fits(value, TEXTS) and len(value) == 2


def _field(value, kind: str):
    """Return a value as the record holds it."""
    if kind == TEXTS:
        return tuple(value)
    return (
        {people: tuple(map(str.lower, words)) for people, words in value.items()} if kind == TERMS else value
    )


def check_label(label: str, place: str) -> None:
    """Raise InputError for a label or class that tables of results cannot have as a column."""
    if label in NO_LABELS or not label.isprintable() or not label.strip():
        raise InputError(
            f"{place}: a label or class cannot be called {label!r}, because tables of results use this name; rename it"
            " in the table"
        )

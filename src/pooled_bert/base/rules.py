"""Rules for what an option, or a field of a JSON file, may be: checked before anything is touched."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .errors import InputError, require

LONGEST_NAME = 100  # characters; names become parts of file names, to which endings are added
MOST_BYTES = 200  # of a name; file systems allow 255, endings included


class Rule:
    """What values are allowed; ``str`` of a rule says it. A rule is also the ``type`` of an option of a Parser."""

    def allows(self, value: Any) -> bool:
        """Return whether the rule allows a value."""
        raise NotImplementedError

    def converted(self, text: str) -> Any:
        """Return the value that a word of a command line stands for; raises ValueError if it stands for none."""
        return text

    def __call__(self, text: str) -> Any:
        """Return the value of a word that no option's name goes with, for parsers that know no rules."""
        return self.read("the value", text)

    def check(self, name: str, value: Any) -> None:
        """Raise InputError that names an option if its value is not allowed."""
        require(self.allows(value), name, value if isinstance(value, int | float) else repr(value), str(self))

    def read(self, name: str, text: str) -> Any:
        """Return the value of an option from a word of a command line; raises InputError if it is not allowed."""
        try:
            value = self.converted(text)
        except ValueError as error:
            raise InputError(f"{name} is {text!r}, expected {self}") from error
        self.check(name, value)
        return value


@dataclass(frozen=True)
class Number(Rule):
    """Finite numbers of a ``kind`` from ``least`` to ``most``; ``above`` and ``below`` exclude these two."""

    kind: type[int] | type[float]
    least: float
    most: float
    above: bool = False
    below: bool = False

    def allows(self, value: Any) -> bool:
        """Return whether ``value`` is such a number; a truth value is none."""
        kinds = (int, np.integer) if self.kind is int else (int, float, np.integer, np.floating)
        if isinstance(value, bool) or not isinstance(value, kinds):
            return False  # NaN and infinity fail the comparison below
        excluded = (self.above and value == self.least) or (self.below and value == self.most)
        return bool(self.least <= value <= self.most) and not excluded

    def converted(self, text: str) -> int | float:
        """Return the number."""
        return self.kind(text)

    def __str__(self) -> str:
        kind = "a whole number" if self.kind is int else "a number"
        least, most = (f"{bound:,}" for bound in (self.least, self.most))
        low = f"above {least}" if self.above else f"from {least}"
        high = f"below {most}" if self.below else f"at most {most}" if self.above else most
        return f"{kind} {low}{', ' if self.above else ' to '}{high}"


@dataclass(frozen=True)
class Line(Rule):
    """One line of text that is not empty, of at most ``longest`` characters."""

    longest: int = 1000

    def allows(self, value: Any) -> bool:
        """Return whether ``value`` is such a text."""
        return isinstance(value, str) and 0 < len(value) <= self.longest and value.isprintable()

    def __str__(self) -> str:
        return f"one line of 1 to {self.longest:,} characters"


class Name(Line):
    """A plain file name."""

    def allows(self, value: Any) -> bool:
        """Return whether ``value`` can be the name of a run or of a file."""
        is_plain = super().allows(value) and value == Path(value).name and value[0] not in ".-"
        return is_plain and len(os.fsencode(value)) <= MOST_BYTES

    def check(self, name: str, value: Any) -> None:
        """Raise InputError that names an option if its value is no plain name."""
        if not self.allows(value):
            raise InputError(
                f"{name} {value!r:.120}: is not a plain name; give 1 to {self.longest} characters in one line, of at"
                f" most {MOST_BYTES} bytes, without slashes and without a leading dot or dash"
            )


@dataclass(frozen=True)
class PathText(Rule):
    """A text that can be the path of a file or folder."""

    def allows(self, value: Any) -> bool:
        """Return whether file systems can have the path ``value``, a text, and a message can show it in one line."""
        if not isinstance(value, str) or not value or not value.isprintable():
            return False
        parts = os.fsencode(value).split(b"/")
        is_root = not Path(value).absolute().name
        return not is_root and max(map(len, parts)) <= 255 and sum(map(len, parts)) < 4000

    def __str__(self) -> str:
        return "a path in one line, each of its parts at most 255 bytes"


class Place(PathText):
    """A path of a file or folder, which is read as a Path."""

    def read(self, name: str, text: str) -> Path:
        """Return the path."""
        return Path(super().read(name, text))


NAME, LINE, PATH_TEXT, PLACE = Name(LONGEST_NAME), Line(), PathText(), Place()
FOLD = Number(int, 0, 9_999)
N_FOLDS = Number(int, 2, 10_000)
MINUTES = Number(float, 0, 1_000_000)
SEED = Number(int, 0, 4_000_000)  # random generators take 32 bits, of 1000 * seed + fold
SHARE = Number(float, 0, 1, below=True)
PROBABILITY = Number(float, 0, 1)
SIMILARITY = Number(float, 0.7, 1)  # of near-duplicates; of pairs less alike, MinHash finds too few
COUNT = Number(int, 1, 1_000_000_000)

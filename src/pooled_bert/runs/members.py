"""The members of a blend: trainings by train_folds.py, one after the other, within one time limit."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from ..base.children import Children
from ..base.deadline import Deadline
from ..base.errors import INTERRUPTED_STATUS
from ..base.places import command


@dataclass(frozen=True)
class Member:
    """One run: its name, and the options of train_folds.py that it is trained with."""

    name: str
    options: tuple[str, ...]

    def train(self, children: Children, deadline: Deadline) -> int:
        """Train the folds that are not finished yet, until ``deadline``; returns the exit status of the training.

        A neural model saves and stops in time. A linear model cannot, so its process is ended: it loses the fold that
        it was learning, not the finished ones.
        """
        script = str(command("train_folds.py"))
        words = [sys.executable, script, *self.options, "--run", self.name, *deadline.words()]
        seconds = None if deadline.minutes is None else deadline.seconds_left
        return children.run(words, cores=set(), seconds=seconds)


def train_members(members: Sequence[Member], deadline: Deadline) -> dict[str, int]:
    """Train the members in their order while there is time; returns the exit status of each that was begun."""
    statuses = {}
    with Children() as children:
        for member in members:
            if not deadline.leaves(0):
                break
            statuses[member.name] = member.train(children, deadline)
            if statuses[member.name] == INTERRUPTED_STATUS:
                raise KeyboardInterrupt
    return statuses

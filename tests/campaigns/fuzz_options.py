"""Give options of every command values that they do not expect; without data or runs, none of them has work to do."""

import argparse
import contextlib
import importlib
import os
import random
import sys
import tempfile
from pathlib import Path
from unittest import mock

from pooled_bert.base.command_line import Parser

NUMBERS = (
    "0",
    "-1",
    "1",
    "1.5",
    "nan",
    "inf",
    "1e400",
    "-0.0",
    "1_0",
    "٣",
    str(2**32),
    str(10**18),
    "9" * 5000,
)
TEXTS = (
    "",
    "none",
    "x" * 300,
    "a\nb",
    "\u202e",
    "\ud83d",
    "../x",
    ".",
    "..",
    "/",
    "-x",
    "x: --c 1",
    "x: 'a",
    "a/b",
)
PLACES = ("--workspace", "workspace")
DATA = (*PLACES, "--data", "missing")
KERNELS = ("--kernels", "kernels")
COMMANDS = (
    ("train_folds", *DATA),
    ("train_folds", *DATA, "--model", "linear"),
    ("train_folds", *DATA, "--model", "blstm"),
    ("train_folds", *DATA, "--benchmark", "emodb"),
    ("make_submission", *DATA, "--run", "linear"),
    ("compete", *DATA, "--output", "out.csv"),
    ("ablate", *DATA),
    ("ablate", *DATA, "--tune", "epochs: 1 2"),
    ("compare_runs", *DATA, "--run", "one", "two"),
    ("pretrain", *DATA, "--output", "out"),
    ("report", *DATA),
    ("check_data", *DATA),
    ("predict", *PLACES, "a text"),
    ("export", *PLACES, "--fold", "0", "--format", "onnx", "--output", "out.onnx"),
    ("play", *PLACES),
    ("serve", *PLACES, "--port", "0"),
    ("make_sample", "sample", "--rows", "3", "--test-rows", "2"),
    ("new_benchmark", "missing.csv"),
    ("kaggle_kernels", "build", *KERNELS, "--owner", "someone"),
    *(("kaggle_kernels", action, *KERNELS, *PLACES) for action in ("run", "push", "status", "pull", "ensemble")),
    ("kaggle_kernels", "upload", "extra", "missing.csv"),
    *(("measure", name, *PLACES) for name in ("explanations", "rates", "int8", "load", "labels")),
)  # fmt: skip


class Parsed(BaseException):
    """Carries the parser that a command has made."""


def choose(house, chance: random.Random) -> str:
    """Start a command with one or two options that have strange values, in a folder without data and runs."""
    name, *words = chance.choice(COMMANDS)
    main = importlib.import_module(name).main
    for option in chance.choices(_options(main, words), k=chance.randint(1, 2)):
        value = chance.choice(NUMBERS if chance.random() < 0.5 else TEXTS)
        words += [f"{option}={value}"] if chance.random() < 0.9 else [option, value]
    house.told = f"{name}.py {words}"
    with tempfile.TemporaryDirectory(dir=house.root) as folder, contextlib.chdir(folder):
        inside = Path("inside", "folder")  # for what begins with ..
        inside.mkdir(parents=True)
        os.chdir(inside)
        return "accepted" if house.command(main, *words) else "refused"


def _options(main, words: list[str]) -> list[str]:
    """Return the options of a command, or of its subcommand, but for help."""

    def parse(parser: Parser, *_):
        raise Parsed(parser)

    with mock.patch.object(Parser, "parse_args", parse), mock.patch.object(sys, "argv", ["command", *words]):
        try:
            main()
        except Parsed as parsed:
            (parser,) = parsed.args
    subcommands = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if subcommands:
        parser = subcommands[0].choices[words[0]]
    names = [action.option_strings[-1] for action in parser._actions if action.option_strings]
    return [name for name in names if name != "--help"]

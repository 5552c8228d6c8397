"""The parser of every command: a mistake on the command line is answered with one line, and with what was meant."""

import argparse
from typing import NoReturn

from .errors import InputError, suggestion
from .rules import Rule


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are InputErrors of one line, which suggest the nearest option or choice.

    The ``type`` of an option can be a Rule.
    """

    def error(self, message: str) -> NoReturn:
        """Raise InputError with ``message``, and where the help is."""
        unknown = message.removeprefix("unrecognized arguments: ")
        if unknown != message:
            flag, known = unknown.partition(" ")[0].partition("=")[0], _options(self)
            elsewhere = " (it belongs to other subcommands)"
            message += elsewhere if flag in known else suggestion(flag, known)
        subcommand = self.prog.split()[1:]
        raise InputError(f"{message}; see {' '.join([*subcommand, '--help'])}")

    def _get_value(self, action: argparse.Action, arg_string: str):
        if isinstance(action.type, Rule):
            return action.type.read(
                action.option_strings[-1] if action.option_strings else action.dest, arg_string
            )
        return super()._get_value(action, arg_string)

    def _check_value(self, action: argparse.Action, value) -> None:
        if action.choices is not None and value not in action.choices:
            choices = list(map(str, action.choices))
            raise argparse.ArgumentError(
                action, f"{value!r} is not one of {', '.join(choices)}{suggestion(str(value), choices)}"
            )


def _options(parser: argparse.ArgumentParser) -> list[str]:
    """Return the options of a parser and of its subcommands."""
    options = []
    for action in parser._actions:
        options += action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            options += [option for command in action.choices.values() for option in _options(command)]
    return options

"""Measure this project: its speed, its costs for any number of rows, and whether its explanations are true."""

from pooled_bert.base.command_line import Parser
from pooled_bert.base.errors import run_command
from pooled_bert.measure.commands import (
    answers,
    explanations,
    int8,
    labels,
    load,
    rates,
    scale,
    speed,
    starts,
)

COMMANDS = (speed, starts, scale, explanations, labels, answers, rates, int8, load)


def main() -> None:
    """Parse, then run the subcommand."""
    parser = Parser(description=__doc__)
    names = [command.__name__.rpartition(".")[2] for command in COMMANDS]
    subcommands = parser.add_subparsers(required=True, metavar="|".join(names))
    for name, command in zip(names, COMMANDS, strict=True):
        subparser = subcommands.add_parser(name, help=command.__doc__, description=command.__doc__)
        subparser.set_defaults(run_command=command.run)
        command.add_options(subparser)
    args = parser.parse_args()
    args.run_command(args)


if __name__ == "__main__":
    run_command(main)

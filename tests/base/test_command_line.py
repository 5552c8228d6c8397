"""Mistakes on the command line: one line, which suggests what was meant."""

import pytest

from pooled_bert.base.command_line import Parser
from pooled_bert.base.errors import InputError, suggestion
from pooled_bert.base.rules import NAME, PLACE, Number


@pytest.fixture
def parser():
    parser = Parser(prog="train.py")
    parser.add_argument("--model", choices=("bert", "linear"))
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--rows", type=Number(int, 1, 1000))
    parser.add_argument("--name", type=NAME)
    parser.add_argument("--file", type=PLACE)
    return parser


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--epocs", "3"], "unrecognized arguments: --epocs 3 (did you mean '--epochs'?); see --help"),
        (["--epocs=3"], "unrecognized arguments: --epocs=3 (did you mean '--epochs'?); see --help"),
        (["zebra"], "unrecognized arguments: zebra; see --help"),
        (
            ["--model", "brt"],
            "argument --model: 'brt' is not one of bert, linear (did you mean 'bert'?); see --help",
        ),
        (["--model", "zebra"], "argument --model: 'zebra' is not one of bert, linear; see --help"),
        (["--rows", "few"], "--rows is 'few', expected a whole number from 1 to 1,000"),
        (["--rows", "9" * 400], f"--rows is {'9' * 400}, expected a whole number from 1 to 1,000"),
        ([""], "unrecognized arguments: ; see --help"),
        (
            ["--name", "名" * 90],
            f"--name {'名' * 90!r}: is not a plain name; give 1 to 100 characters in one line, of at"
            " most 200 bytes, without slashes and without a leading dot or dash",
        ),
        (["--rows", "0"], "--rows is 0, expected a whole number from 1 to 1,000"),
        (
            ["--name", ".x"],
            "--name '.x': is not a plain name; give 1 to 100 characters in one line, of at most 200 bytes, without"
            " slashes and without a leading dot or dash",
        ),
        (
            ["--name=-x"],
            "--name '-x': is not a plain name; give 1 to 100 characters in one line, of at most 200 bytes, without"
            " slashes and without a leading dot or dash",
        ),
        (
            ["--file", "/."],
            "--file is '/.', expected a path in one line, each of its parts at most 255 bytes",
        ),
        (["--file", ""], "--file is '', expected a path in one line, each of its parts at most 255 bytes"),
        (
            ["--file", "a\0"],
            "--file is 'a\\x00', expected a path in one line, each of its parts at most 255 bytes",
        ),
        (["--epochs", "few"], "argument --epochs: invalid int value: 'few'; see --help"),
    ],
)
def test_mistake_is_one_line_with_the_nearest_option_or_choice(parser, words, expected):
    with pytest.raises(InputError) as error:
        parser.parse_args(words)
    assert str(error.value) == expected


def test_options_of_subcommands_are_suggested_and_their_help_is_named():
    parser = Parser(prog="kernels.py")
    commands = parser.add_subparsers(required=True)
    commands.add_parser("build").add_argument("--owner", required=True)
    commands.add_parser("run")
    with pytest.raises(InputError, match=r"--ownr me \(did you mean '--owner'\?\); see --help"):
        parser.parse_args(["build", "--owner", "me", "--ownr", "me"])
    with pytest.raises(InputError, match=r"--owner me \(it belongs to other subcommands\); see --help"):
        parser.parse_args(["run", "--owner", "me"])
    with pytest.raises(InputError, match="required: --owner; see build --help"):
        parser.parse_args(["build"])


def test_nothing_is_suggested_for_a_word_like_no_other():
    assert suggestion("zebra", ["epochs", "model"]) == ""

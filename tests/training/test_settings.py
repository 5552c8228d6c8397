import dataclasses

import pytest

from pooled_bert.base.command_line import Parser
from pooled_bert.base.errors import InputError
from pooled_bert.runs.identity import first_difference
from pooled_bert.runs.options import add_options, settings_from
from pooled_bert.training.neural_settings import decisive
from pooled_bert.training.settings import (
    MODEL_SETTINGS,
    BertSettings,
    BlstmSettings,
    LinearSettings,
    PretrainingSettings,
    RunSettings,
)

NEWER = ("windows", "positive_weight", "adversarial", "ema")  # settings that the first runs did not have


def parse(*arguments):
    parser = Parser()
    add_options(parser)
    return settings_from(vars(parser.parse_args([str(argument) for argument in arguments])))


def test_defaults_are_the_articles_recipe_with_honest_scores():
    run, model = parse()
    assert (run.benchmark, run.n_folds, run.model) == ("jigsaw", 5, "bert")
    assert (model.epochs, model.batch_size, model.learning_rate, model.max_length) == (4, 32, 3e-5, 128)
    assert model.keep == "last"


def test_options_become_settings_of_their_type():
    run, model = parse("--limit", 7, "--learning-rate", "2e-4", "--max-length", 64)
    assert run.limit == 7
    assert model == BertSettings(learning_rate=2e-4, max_length=64)
    assert parse("--model", "linear", "--c", 2)[1] == LinearSettings(c=2.0)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--model", "linear", "--epochs", 2), "--epochs is an option of --model bert and blstm, not of"),
        (("--model", "blstm", "--layer-decay", 0.9), "--layer-decay is an option of --model bert, not of"),
        (("--model", "blstm", "--pooling", "cls"), "--pooling is cls"),
        (("--pooling", "last"), "--pooling is last"),
        (("--ema", 1), "--ema is 1.0"),
        (("--layer-decay", 0), "--layer-decay is 0.0"),
        (("--positive-weight", 2), "--positive-weight is 2.0"),
        (("--adversarial", "nan"), "--adversarial is nan"),
        (("--c", 2), "--c is an option of --model linear"),
        (("--epochs", 0), "--epochs is 0, expected a whole number from 1 to"),
        (("--max-length", 513), "--max-length is 513"),
        (("--warmup", 1), "--warmup is 1.0"),
        (("--n-folds", 1), "--n-folds is 1"),
        (("--learning-rate", "nan"), "--learning-rate is nan"),
        (("--learning-rate", "1e400"), "--learning-rate is inf, expected a number above 0, at most 1,000"),
        (("--model", "linear", "--c", "inf"), "--c is inf"),
        (("--seed", -1), "--seed is -1, expected a whole number from 0 to"),
        (("--seed", 2**32), "--seed is 4294967296"),
        (("--fold-seed", 2**32), "--fold-seed is 4294967296"),
        (("--epochs", 10**18), "--epochs is 1000000000000000000"),
        (("--epochs", "9" * 5000), "--epochs is '999"),
        (("--limit", 0), "--limit is 0"),
        (("--encoder", ""), "--encoder is '', expected a path in one line"),
        (("--encoder", "a\nb"), r"--encoder is 'a\\nb', expected a path in one line"),
        (("--encoder", "x" * 300), "--encoder is 'x*', expected a path in one line, each of its parts"),
        (("--benchmark", "x" * 300), "--benchmark is 'xxx.*at most 255 bytes"),
        (("--benchmark", ""), "--benchmark is ''"),
    ],
)
def test_settings_that_cannot_be_trained_with_are_refused(arguments, expected):
    with pytest.raises(InputError, match=expected):
        parse(*arguments)


@pytest.mark.parametrize(
    "record",
    [RunSettings, PretrainingSettings, *MODEL_SETTINGS["text"].values(), *MODEL_SETTINGS["sound"].values()],
)
def test_every_setting_with_a_value_has_a_rule_which_its_default_obeys(record):
    for setting in dataclasses.fields(record):
        assert setting.metadata.keys() & {"rule", "choices", "action"}
    record()


def test_a_setting_that_is_off_leaves_the_identity_of_older_runs_as_it_was():
    for record in (BertSettings(), BlstmSettings()):
        now = decisive(record)
        before = {name: value for name, value in now.items() if name not in NEWER}
        assert first_difference({"settings": before}, {"settings": now}) is None
        assert first_difference({"settings": before}, {"settings": {**now, NEWER[0]: 0.5}})


def test_each_model_has_its_own_defaults_and_help_names_them(capsys):
    assert parse("--model", "blstm")[1] == BlstmSettings()
    assert BlstmSettings().pooling == "last"
    with pytest.raises(SystemExit):
        parse("--help")
    assert "(default: mean; blstm of texts: last; blstm of sounds: attention)" in " ".join(
        capsys.readouterr().out.split()
    )

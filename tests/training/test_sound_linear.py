import numpy as np
import pytest

from pooled_bert.base.errors import InputError
from pooled_bert.base.sound import RATE, Sound
from pooled_bert.benchmarks.targets import ONE_CLASS
from pooled_bert.training.problem import Problem
from pooled_bert.training.sound_linear import fit
from pooled_bert.training.sound_settings import SoundLinearSettings


def problem(tmp_path, n_train):
    """Sounds of two classes, a high and a low tone; two of them to predict."""
    seconds = np.arange(RATE // 2) / RATE
    noise = np.random.default_rng(0).normal(0, 0.02, (n_train + 2, len(seconds)))
    classes = np.arange(n_train + 2) % 2
    tones = np.sin(2 * np.pi * np.where(classes, 900, 200)[:, None] * seconds) * 0.5 + noise
    return Problem(
        target=ONE_CLASS,
        label_names=("low", "high"),
        items=[Sound(tone.astype(np.float32)) for tone in tones],
        labels=np.eye(2)[classes],
        train=np.arange(2, n_train + 2),
        valid=np.arange(2),
        test=[],
        title="fold 0",
        seed=0,
        cache=tmp_path,
        checkpoints=None,
    )


def test_tones_are_told_apart(tmp_path):
    outcome = fit(problem(tmp_path, 12), SoundLinearSettings())
    assert (outcome.oof.argmax(axis=1) == [0, 1]).all()


def test_too_few_sounds_are_refused_by_their_number(tmp_path):
    with pytest.raises(InputError, match="fold 0: its 2 training sounds are too few"):
        fit(problem(tmp_path, 2), SoundLinearSettings())

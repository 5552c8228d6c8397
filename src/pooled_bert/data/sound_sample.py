"""Made-up sounds in the files of a benchmark: tones whose pitch and rhythm carry the class, by several speakers."""

from pathlib import Path

import numpy as np
import soundfile

from ..base.files import atomic_path
from ..base.sound import RATE
from ..benchmarks.benchmark import Benchmark

SPEAKERS = 10
VERSIONS = "abcdefghijklmnopqrstuvwxyz"


def write_sounds(folder: Path, benchmark: Benchmark, *, rows: int, random: np.random.Generator) -> None:
    """Write ``rows`` made-up sounds of 0.5 to 1.2 s into ``folder/<train_file>``, named as ``benchmark.made_up_name``.

    Each speaker has a voice: a pitch, an overtone and a loudness. Each class has a slope of the pitch and a number of
    syllables per second. A pure function of its arguments and of the state of ``random``; earlier sounds are replaced.
    """
    words = [
        word
        for label in benchmark.labels
        for word, value in benchmark.label_words[label].items()
        if value == 1
    ]
    voices = [
        (random.uniform(90, 240), random.uniform(0.2, 0.8), random.uniform(0.2, 0.9)) for _ in range(SPEAKERS)
    ]
    with atomic_path(folder / benchmark.train_file) as temporary:
        temporary.mkdir()
        for number in range(rows):
            speaker, kind = number % SPEAKERS, number // SPEAKERS % len(words)
            take = number // (SPEAKERS * len(words))
            sentence, version = divmod(take, len(VERSIONS))
            name = benchmark.made_up_name.format(
                group=speaker + 1, sentence=sentence + 1, word=words[kind], version=VERSIONS[version]
            )
            samples = _sound(voices[speaker], kind / max(1, len(words) - 1), random)
            soundfile.write(temporary / name, samples, RATE, format="WAV", subtype="PCM_16")


def _sound(voice: tuple[float, float, float], position: float, random: np.random.Generator) -> np.ndarray:
    """Return one sound, float64 [n_samples]; ``position`` from 0 to 1 is that of its class among all classes."""
    pitch, overtone, loudness = voice
    time = np.arange(int(random.uniform(0.5, 1.2) * RATE)) / RATE
    slope = 2 ** ((position - 0.5) * 2 * time / time[-1])  # from an octave down to an octave up
    phase = 2 * np.pi * np.cumsum(pitch * random.uniform(0.95, 1.05) * slope) / RATE
    tone = np.sin(phase) + overtone * np.sin(2 * phase) + overtone**2 * np.sin(3 * phase)
    rhythm = 0.55 + 0.45 * np.sin(2 * np.pi * (3 + 7 * (position * 3 % 1)) * time)
    noise = random.normal(0, 0.02, len(time))
    return loudness * (0.3 * tone * rhythm + noise)

"""The page to choose or drop recordings on: scores, the waveform, and the attention over time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from ..base.places import SOUND_PAGE_FOLDER
from ..base.sound import Sound
from ..benchmarks.benchmark import Benchmark
from ..data.audio_files import read_sound, wav_bytes
from ..data.rows import GROUP
from .play_app import POLICY, PageApp, page_title
from .predictor import Predictor
from .run_facts import run_facts
from .sound_explanation import SECONDS, SoundExplanation, explain_sounds
from .web_app import json_response

MAX_BODY = 20 * 2**20  # bytes of a sound file
MAX_SECONDS = 60  # of a recording
PEAKS = 300  # points of the waveform


@dataclass(frozen=True)
class Example:
    """A recording to choose on the page: its id, its class, and all recordings of its speaker; ``row`` is its own."""

    id: str
    label: str
    sounds: Sequence[Sound]
    row: int

    @property
    def sound(self) -> Sound:
        """The recording."""
        return self.sounds[self.row]


def choose_examples(table: pd.DataFrame, labels: Sequence[str]) -> list[Example]:
    """Return one example per class from a table of rows, each by another speaker as far as possible.

    A class without rows has no example.
    """
    examples, heard = [], set()
    for label in labels:
        rows = table[table[label] == 1]
        if rows.empty:
            continue
        new = rows[~rows[GROUP].isin(heard)]
        chosen = (rows if new.empty else new).iloc[0]
        heard.add(chosen[GROUP])
        together = table[table[GROUP] == chosen[GROUP]]
        row = together["id"].tolist().index(chosen["id"])
        examples.append(Example(chosen["id"], label, together["sound"].tolist(), row))
    return examples


class SoundApp(PageApp):
    """The application of sounds. ``predictors``: by name of the run."""

    page_folder = SOUND_PAGE_FOLDER
    max_body = MAX_BODY
    too_large = f"the file has more than {MAX_BODY // 2**20} MB, too much for this page; cut the recording"
    body_type = "application/octet-stream"
    policy = f"{POLICY}; media-src 'self' blob:"  # blob: for files that the user opens

    def __init__(
        self,
        predictors: Mapping[str, Predictor],
        benchmark: Benchmark,
        examples: Sequence[Example],
    ):
        super().__init__()
        self.predictors, self.benchmark = predictors, benchmark
        self.examples = {str(number): example for number, example in enumerate(examples)}
        self._answers: dict[tuple[str, str], dict] = {}  # of examples, by run and number

    def about(self) -> dict:
        """Return what the page shows before a recording is chosen: classes, runs, examples, limits."""
        runs = {
            name: {
                "facts": run_facts(predictor.run),
                "attention": predictor.has_attention,
                "by_speaker": predictor.by_speaker,
                "max_seconds": _max_seconds(predictor),
            }
            for name, predictor in self.predictors.items()
        }
        examples = [
            {"id": example.id, "label": example.label, "speaker": example.sound.speaker}
            for example in self.examples.values()
        ]
        return {
            "title": page_title(self.benchmark, self.predictors),
            "labels": self.benchmark.labels,
            "runs": runs,
            "examples": examples,
            "download": self.benchmark.download,
            "limits": self.benchmark.limits,
            "max_bytes": MAX_BODY,
            "too_large": self.too_large,
            "max_seconds": MAX_SECONDS,
        }

    def rules(self) -> list[Rule]:
        """Return the paths of the page, of the examples' WAVs, and of scores of an example or of a file's bytes."""
        return [
            *super().rules(),
            Rule("/example/<number>", methods=["GET"], endpoint=self._wav),
            Rule(
                "/predict", methods=["POST"], endpoint=lambda request: json_response(self._compute(request))
            ),
        ]

    def _wav(self, request: Request, number: str) -> Response:
        content = wav_bytes(self._example(number).sound)
        response = Response(content, mimetype="audio/wav")
        # a browser can jump to a time only if it may ask for parts of the file
        return response.make_conditional(request, accept_ranges=True, complete_length=len(content))

    def _compute(self, request: Request) -> dict:
        content = self.body(request)
        run, number = request.args.get("run", ""), request.args.get("example")
        if run not in self.predictors:
            raise BadRequest("expected the name of a run that this page offers")
        predictor = self.predictors[run]
        if number is None:
            with self.turn(request):
                sound = read_sound(content, "this file", longest=MAX_SECONDS)
                return _scores(predictor, [sound], 0)
        example = self._example(number)
        with self.turn(request):
            if (run, number) not in self._answers:
                self._answers[run, number] = _scores(predictor, example.sounds, example.row)
            return self._answers[run, number]

    def _example(self, number: str) -> Example:
        if number not in self.examples:
            raise NotFound("there is no such example")
        return self.examples[number]


def _scores(predictor: Predictor, sounds: Sequence[Sound], row: int) -> dict:
    """Return the answer for one of the sounds; the others are by the same speaker."""
    sound = sounds[row]
    if not predictor.by_speaker:
        sounds, row = [sound], 0
    attention = None
    if predictor.has_attention:
        explanation = explain_sounds(predictor, list(sounds))[row]
        probabilities, attention = explanation.probabilities, _attention(explanation)
    else:
        probabilities = predictor.predict_proba(sounds)[row]
    return {
        "probabilities": probabilities.tolist(),
        "seconds": sound.seconds,
        "seconds_read": min(sound.seconds, _max_seconds(predictor)),
        "together": len(sounds),
        "peaks": peaks(sound.samples).round(4).tolist(),
        "attention": attention,
    }


def _attention(explanation: SoundExplanation) -> dict:
    """Return each frame's share, and the sums over parts of ``bin_seconds``; times are in seconds."""
    first, second = explanation.bounds[:2]
    return {
        "weights": explanation.weights.round(7).tolist(),
        "first": (first + second) / 2,  # the middle of the first frame
        "step": second - first,
        "bins": explanation.bins().round(6).tolist(),
        "bin_seconds": SECONDS,
    }


def peaks(samples: np.ndarray) -> np.ndarray:
    """Return the lowest and the highest sample of PEAKS equal parts, float64 [PEAKS, 2].

    They are divided by the loudest sample's absolute value. Fewer than PEAKS samples are one part each.
    """
    n_parts = min(PEAKS, len(samples))
    starts = np.arange(n_parts) * len(samples) // n_parts
    extremes = np.stack([np.minimum.reduceat(samples, starts), np.maximum.reduceat(samples, starts)], axis=1)
    return extremes.astype(np.float64) / np.abs(samples).max()


def _max_seconds(predictor: Predictor) -> float:
    return max(model.head["max_seconds"] for model in predictor.models)

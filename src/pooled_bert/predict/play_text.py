"""The page to type texts into: scores, and the words that carried them."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

import numpy as np
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from ..base.errors import InputError
from ..base.pairs import SEPARATOR, joined, separated
from ..base.places import PAGE_FOLDER
from ..base.schemas import parse_json
from ..base.shown_text import visible
from ..benchmarks.benchmark import Benchmark
from ..benchmarks.targets import SEVERAL_LABELS
from .explanation import METHODS, explain, methods_of
from .explanation_view import METHOD_NOTES, METHOD_TITLES
from .play_app import PageApp, page_title
from .predictor import Predictor
from .run_facts import run_facts
from .web_app import json_response

MAX_CHARACTERS = 20_000  # per text to be predicted
MAX_WORDS = 300  # per text to be explained: occlusion needs one prediction per word
MAX_BODY = 200_000  # bytes of a request
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class Wanted(TypedDict):
    """The models that a request asks."""

    run: str
    method: NotRequired[str]


class Question(Wanted):
    """A request about a text."""

    text: str


class PairQuestion(Wanted):
    """A request about a pair."""

    text: list[str]


class TextApp(PageApp):
    """The application of texts.

    predictors : by name of the run.  thresholds : by name of the run, those found for its labels, float64 [n_labels];
    without them, a label is assigned above the target's own.
    """

    page_folder = PAGE_FOLDER
    max_body = MAX_BODY
    too_large = f"at most {MAX_CHARACTERS:,} characters can be predicted here"

    def __init__(
        self,
        predictors: Mapping[str, Predictor],
        benchmark: Benchmark,
        thresholds: Mapping[str, np.ndarray] | None = None,
    ):
        super().__init__()
        self.predictors, self.benchmark = predictors, benchmark
        self.thresholds = thresholds or {}

    def rules(self) -> list[Rule]:
        """Return the paths of the page, of probabilities, and of explanations."""
        own = [Rule(path, methods=["POST"], endpoint=self._compute) for path in ("/predict", "/explain")]
        return [*super().rules(), *own]

    def about(self) -> dict:
        """Return what the page shows before a text is typed: labels, runs, methods, examples, limits."""
        examples = self.benchmark.examples
        runs = {
            name: {
                "facts": run_facts(predictor.run),
                "methods": methods_of(predictor),
                "thresholds": self.thresholds[name].tolist() if name in self.thresholds else None,
            }
            for name, predictor in self.predictors.items()
        }
        return {
            "title": page_title(self.benchmark, self.predictors),
            "labels": next(iter(self.predictors.values())).labels,
            "runs": runs,
            "is_exclusive": self.benchmark.target.is_exclusive,
            "threshold": SEVERAL_LABELS.threshold,
            "methods": METHOD_TITLES,
            "notes": METHOD_NOTES,
            "columns": self.benchmark.text_columns,
            "examples": [separated(pair) for pair in examples] if self.benchmark.is_pairs else examples,
            "limits": self.benchmark.limits,
            "max_characters": MAX_CHARACTERS,
        }

    def _compute(self, request: Request) -> Response:
        text, predictor, method = self._wanted(request)
        with self.turn(request):
            if request.path == "/predict":
                return json_response({"probabilities": predictor.predict_proba([text])[0].tolist()})
            return json_response(_explanation(predictor, text, method))

    def _wanted(self, request: Request) -> tuple[str, Predictor, str]:
        """Return text or joined pair, predictor and method of a request; raises an HTTPException for an invalid one."""
        body = self.body(request)
        try:
            content = parse_json(body, PairQuestion if self.benchmark.is_pairs else Question)
            run, method = content["run"], content.get("method", "occlusion")
            text = _pair(content["text"]) if self.benchmark.is_pairs else _writable(content["text"])
            predictor = self.predictors[run]
        except (ValueError, KeyError) as error:
            raise BadRequest("expected a JSON object with a text and the name of a run") from error
        if len(text) > MAX_CHARACTERS:
            raise RequestEntityTooLarge(
                f"the text has {len(text):,} characters; at most {MAX_CHARACTERS:,} can be predicted here"
            )
        if method not in METHODS:
            raise BadRequest(f"unknown method, expected one of {', '.join(METHODS)}")
        return text, predictor, method


def _pair(texts: list[str]) -> str:
    """Return two texts joined; the separator within them is replaced."""
    first, second = (_writable(text).replace(SEPARATOR, REPLACEMENT) for text in texts)
    return joined((first, second))


def _writable(text: str) -> str:
    """Return the text with NUL and lone surrogates replaced."""
    return text.encode("utf-8", "replace").decode().replace("\0", REPLACEMENT)


def _explanation(predictor: Predictor, text: str, method: str) -> dict:
    """Return the explanation as JSON: the text in pieces, words with one weight per label, the rest with null."""
    if len(predictor.models[0].text_reader.read(text).spans) > MAX_WORDS:
        raise InputError(
            f"the text has more than {MAX_WORDS} words, too many to explain here; use predict.py --explain"
        )
    explanation = explain(predictor, text, method)
    return {
        "probabilities": explanation.probabilities.tolist(),
        "pieces": [
            [visible(piece), None if weights is None else np.round(weights, 4).tolist()]
            for piece, weights in explanation.pieces()
        ],
        "bins": explanation.bins().T[0].tolist() if method == "attention" else None,
    }

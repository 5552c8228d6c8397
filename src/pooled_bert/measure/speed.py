"""Speed of several ways of training and predicting, timed alternately on the same rows.

Each way runs in its own process (speed_worker.py).
"""

import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from ..base.errors import InputError, require
from ..base.files import atomic_path
from ..base.places import PEERS, module_environment
from ..inputs.tokens import Tokens
from ..training.settings import BertSettings

WORK = ("train", "predict")
TUNING = "TF_ENABLE_ONEDNN_OPTS"  # set in this process by start_tensorflow; workers must not inherit it


@dataclass(frozen=True)
class Variant:
    """One way of training and predicting."""

    name: str
    title: str
    width: int | None = None  # tokens to pad to; None: the longest text of the batch
    is_sorted: bool = True  # batches of similar length; prediction also limits the tokens per batch
    fused_optimizer: bool = True
    fast_dropout: bool = True
    is_tuned: bool = True  # TensorFlow's settings, see tensorflow_setup.py
    precision: str = "auto"
    peer: str | None = None  # a script in tests/peers, run by the Python given with --peer
    options: dict = field(default_factory=dict)  # of the peer's script


VARIANTS = {
    variant.name: variant
    for variant in (
        Variant("ours", "all techniques on"),
        *(
            Variant(
                f"article-{width}",
                f"as in the article: padded to {width} tokens, plain optimizer, float32",
                width=width,
                is_sorted=False,
                fused_optimizer=False,
                fast_dropout=False,
                is_tuned=False,
                precision="float32",
            )
            for width in (128, 256)
        ),
        Variant("unsorted", "batches in random order, padded to their longest text", is_sorted=False),
        Variant("plain-optimizer", "tfa.optimizers.RectifiedAdam unchanged", fused_optimizer=False),
        Variant("keras-dropout", "Keras' dropout, 32 random bits per value", fast_dropout=False),
        Variant("default-kernels", "oneDNN only where TensorFlow uses it by default", is_tuned=False),
        Variant("float32", "all techniques on, in float32", precision="float32"),
        Variant("bfloat16", "all techniques on, in bfloat16", precision="bfloat16"),
        *(
            Variant(
                f"trainer{'-bf16' if bf16 else ''}{'' if is_sorted else '-unsorted'}",
                f"Hugging Face Trainer, grouped by length; prediction {'' if is_sorted else 'not '}sorted by length",
                peer="trainer.py",
                options={"bf16": bf16, "sorted": is_sorted},
            )
            for bf16 in (False, True)
            for is_sorted in (True, False)
        ),
    )
}


@dataclass
class Timing:
    """Seconds of a variant, one value per round, and the base's seconds in the same rounds."""

    variant: Variant
    facts: dict  # padding and precision; for the variant "ours" also the parts of a step
    seconds: dict[str, list[float]] = field(default_factory=lambda: {work: [] for work in WORK})
    base: dict[str, list[float]] = field(default_factory=lambda: {work: [] for work in WORK})


def check_variants(names: list[str], peer: Path | None) -> None:
    """Raise InputError for an unknown variant, or for one whose peer has no environment."""
    if peer and not peer.is_file():
        raise InputError(f"--peer {peer}: is no file; give the Python of an environment")
    for name in names:
        require(name in VARIANTS, "--variants", name, f"one of {', '.join(VARIANTS)}")
        if VARIANTS[name].peer and peer is None:
            raise InputError(
                f"--variants {name} needs --peer, the Python of an environment with tests/peers/requirements.txt"
            )


def measure(
    names: list[str],
    tokens: Tokens,
    *,
    settings: BertSettings,
    rounds: int,
    peer: Path | None,
) -> Iterator[Timing]:
    """Time each variant alternately with the first one, the base.

    Each variant divides one epoch of the rows into its own batches, because grouping by length needs many rows. A round
    is a part of these batches, spread over all lengths; after all ``rounds`` each variant has processed the whole
    epoch. Two worker processes run at a time.
    """
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as first:
        path = Path(folder) / "tokens.npz"
        np.savez(path, flat=tokens.ids, offsets=tokens.offsets)
        base = first.enter_context(_Worker(VARIANTS[names[0]], path, settings, peer))
        for name in names:
            if name == names[0]:
                yield _compare(base, base, rounds)
            else:
                with _Worker(VARIANTS[name], path, settings, peer) as worker:
                    yield _compare(base, worker, rounds)


def _compare(base: "_Worker", worker: "_Worker", rounds: int) -> Timing:
    timing = Timing(worker.variant, worker.facts)
    for number in range(rounds):
        for work in WORK:
            timing.base[work].append(base.seconds(work, number, rounds))
            timing.seconds[work].append(worker.seconds(work, number, rounds))
        times = ", ".join(
            f"{work} {timing.seconds[work][-1]:.1f} s (base {timing.base[work][-1]:.1f} s)" for work in WORK
        )
        print(f"{worker.variant.name}, round {number + 1}/{rounds}: {times}", file=sys.stderr, flush=True)
    return timing


def rates(timings: list[Timing], n_rows: int, n_tokens: int) -> list[dict]:
    """Compute rates over the whole epoch, and the median over rounds of the ratio of a variant's time to the base's."""
    records = []
    for timing in timings:
        record = {"variant": timing.variant.name, "what": timing.variant.title, **timing.facts}
        for work in WORK:
            seconds = timing.seconds[work]
            ratios = [variant / base for variant, base in zip(seconds, timing.base[work], strict=True)]
            record |= {
                f"{work} examples/s": n_rows / sum(seconds),
                f"{work} tokens/s": n_tokens / sum(seconds),
                f"{work} time": statistics.median(ratios),
                f"{work} seconds": seconds,
            }
        records.append(record)
    return records


def rates_table(records: list[dict]) -> str:
    """Return the records as text, a column per variant."""
    table = pd.DataFrame(records).set_index("variant")
    table = table.drop(columns=["what", *(f"{work} seconds" for work in WORK)])
    return table.T.to_string(float_format="{:.3f}".format, na_rep="-")


class _Worker:
    """A process with one variant's model; it trains or predicts on request."""

    def __init__(self, variant: Variant, tokens: Path, settings: BertSettings, peer: Path | None):
        self.variant = variant
        task = {
            "variant": variant.name,
            "tokens": str(tokens),
            "encoder": settings.encoder,
            "batch_size": settings.batch_size,
            **variant.options,
        }
        if variant.peer is None:
            command = [sys.executable, "-m", "pooled_bert.measure.speed_worker", json.dumps(task)]
        else:
            command = [str(peer), str(PEERS / variant.peer), json.dumps(task)]
        print(f"{variant.name}: building", file=sys.stderr, flush=True)
        environment = {name: value for name, value in module_environment().items() if name != TUNING}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        assert self.process.stdin
        assert self.process.stdout
        self.requests, self.answers = self.process.stdin, self.process.stdout
        self.facts = self._answer()

    def seconds(self, work: str, number: int, rounds: int) -> float:
        """Run ``train`` or ``predict`` for a round, and return its seconds."""
        with contextlib.suppress(BrokenPipeError):  # the worker has ended, which _answer reports
            self.requests.write(json.dumps({"work": work, "round": number, "rounds": rounds}) + "\n")
            self.requests.flush()
        return self._answer()["seconds"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def _answer(self) -> dict:
        line = self.answers.readline()
        if not line:
            raise InputError(
                f"the worker of {self.variant.name} ended with status {self.process.wait()}; see its error above"
            )
        return json.loads(line)


def plot(records: list[dict], path: Path) -> None:
    """Draw bars of examples per second, for training and for prediction, into a PNG file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 0.45 * len(records) + 1), layout="constrained")
    names = [record["variant"] for record in records][::-1]
    for axes, work in zip(figure.subplots(1, 2, sharey=True), WORK, strict=True):
        bars = axes.barh(names, [record[f"{work} examples/s"] for record in records][::-1])
        axes.bar_label(bars, fmt="%.1f", padding=3)
        axes.margins(x=0.15)
        axes.set_title(f"{work}, examples/s")
        axes.spines[["top", "right"]].set_visible(False)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=150)

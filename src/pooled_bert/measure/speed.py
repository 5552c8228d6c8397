"""Ways of training and predicting, timed in turn on the same rows; each lives in a process (speed_worker.py)."""

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
TUNING = "TF_ENABLE_ONEDNN_OPTS"  # what starting TensorFlow in this process has set


@dataclass(frozen=True)
class Variant:
    """One way of doing the same work. ``width``: pad to that many tokens; None: to the longest of the batch."""

    name: str
    title: str
    width: int | None = None
    is_sorted: bool = True  # batches of similar length; prediction by a budget of tokens
    fused_optimizer: bool = True
    fast_dropout: bool = True
    is_tuned: bool = True  # the process: see runtime.py
    precision: str = "auto"
    peer: str | None = None  # a script under tests/peers, run by the interpreter given for them
    options: dict = field(default_factory=dict)  # of the peer


VARIANTS = {
    variant.name: variant
    for variant in (
        Variant("ours", "everything on"),
        *(
            Variant(
                f"article-{width}",
                f"the article's way: padded to {width}, plain optimizer, float32",
                width=width,
                is_sorted=False,
                fused_optimizer=False,
                fast_dropout=False,
                is_tuned=False,
                precision="float32",
            )
            for width in (128, 256)
        ),
        Variant("unsorted", "batches in random order, padded to their longest", is_sorted=False),
        Variant("plain-optimizer", "tfa.optimizers.RectifiedAdam as it is", fused_optimizer=False),
        Variant("keras-dropout", "Keras' dropout, 32 random bits a value", fast_dropout=False),
        Variant("default-kernels", "with oneDNN where TensorFlow chooses it only", is_tuned=False),
        Variant("float32", "everything on, in float32", precision="float32"),
        Variant("bfloat16", "everything on, in bfloat16", precision="bfloat16"),
        *(
            Variant(
                f"trainer{'-bf16' if bf16 else ''}{'' if is_sorted else '-unsorted'}",
                f"Hugging Face Trainer, grouped by length; prediction {'by' if is_sorted else 'whatever the'} length",
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
    """Seconds that a variant took, a value a round, and those of the base beside it."""

    variant: Variant
    facts: dict  # padding, precision, and for ours the parts of a step
    seconds: dict[str, list[float]] = field(default_factory=lambda: {work: [] for work in WORK})
    base: dict[str, list[float]] = field(default_factory=lambda: {work: [] for work in WORK})


def check_variants(names: list[str], peer: Path | None) -> None:
    """Raise InputError for an unknown variant, or for one whose peer has no environment."""
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
    """Time each variant in turn with the first one, the base; after all ``rounds`` each has done an epoch of the rows.

    A round is a part of the variant's own batches of that epoch, spread over all lengths: grouping by length needs
    many rows to choose from. Two processes live at a time.
    """
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as first:
        path = Path(folder) / "tokens.npz"
        np.savez(path, flat=tokens.flat, offsets=tokens.offsets)
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
        told = ", ".join(
            f"{work} {timing.seconds[work][-1]:.1f} s ({timing.base[work][-1]:.1f} s)" for work in WORK
        )
        print(f"{worker.variant.name}, round {number + 1}/{rounds}: {told}", file=sys.stderr, flush=True)
    return timing


def rates(timings: list[Timing], n_rows: int, n_tokens: int) -> list[dict]:
    """Rates over the whole epoch, and the median over rounds of the time as a multiple of the base's beside it."""
    records = []
    for timing in timings:
        record = {"variant": timing.variant.name, "what": timing.variant.title, **timing.facts}
        for work in WORK:
            seconds = timing.seconds[work]
            ratios = [mine / base for mine, base in zip(seconds, timing.base[work], strict=True)]
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
    """A process that holds one variant's model and works when it is told to."""

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
        self.facts = self._answer()

    def seconds(self, work: str, number: int, rounds: int) -> float:
        """How long ``train`` or ``predict`` took in a round."""
        with contextlib.suppress(BrokenPipeError):  # then there is no answer either
            self.process.stdin.write(json.dumps({"work": work, "round": number, "rounds": rounds}) + "\n")
            self.process.stdin.flush()
        return self._answer()["seconds"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def _answer(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            raise InputError(
                f"the worker of {self.variant.name} ended with status {self.process.wait()}; see above"
            )
        return json.loads(line)


def plot(records: list[dict], path: Path) -> None:
    """Bars of examples a second, training and prediction beside each other."""
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

"""Ways of training and predicting, timed in turn on the same rows; each lives in a process (speed_worker.py)."""

import contextlib
import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .errors import InputError
from .files import atomic_path
from .settings import BertSettings
from .tokens import Tokens

COMMAND = Path(__file__).resolve().parent.parent / "measure_speed.py"
WORK = ("train", "predict")
PEERS = COMMAND.parent.parent / "tests" / "peers"
TUNING = ("TF_CPU_ALLOCATOR_USE_BFC", "TF_ENABLE_ONEDNN_OPTS")  # what starting TensorFlow here has set


@dataclass(frozen=True)
class Variant:
    """One way of doing the same work. ``width``: pad to that many tokens; None: to the longest of the batch."""

    name: str
    title: str
    width: int | None = None
    is_sorted: bool = True  # batches of similar length; prediction by a budget of tokens
    fused_optimizer: bool = True
    fast_dropout: bool = True
    is_tuned: bool = True  # the process: allocator and kernels, see runtime.py
    environment: dict = field(default_factory=dict)
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
        Variant(
            "no-memory-pool", "buffers from the C library", environment={"TF_CPU_ALLOCATOR_USE_BFC": "false"}
        ),
        Variant("no-onednn", "TensorFlow's own kernels", environment={"TF_ENABLE_ONEDNN_OPTS": "0"}),
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


def measure(
    names: list[str],
    tokens: Tokens,
    *,
    settings: BertSettings,
    folder: Path,
    rows: int,
    rounds: int,
    peer: Path | None,
) -> tuple[list[Timing], list[int]]:
    """Time each variant in turn with the first one, the base: in every round both train on, and predict, the same rows.

    Two processes live at a time. Returns the timings, and the number of real tokens in each round of ``rows`` rows.
    """
    path = folder / "tokens.npz"
    np.savez(path, flat=tokens.flat, offsets=tokens.offsets)
    order = np.random.default_rng(0).permutation(len(tokens))
    chosen = [order[number * rows : (number + 1) * rows] for number in range(rounds)]
    timings = []
    with _Worker(VARIANTS[names[0]], path, settings, peer) as base:
        for name in names:
            if name == names[0]:
                timings.append(_compare(base, base, chosen))
            else:
                with _Worker(VARIANTS[name], path, settings, peer) as worker:
                    timings.append(_compare(base, worker, chosen))
    return timings, [int(tokens.lengths[part].sum()) for part in chosen]


def _compare(base: "_Worker", worker: "_Worker", chosen: list[np.ndarray]) -> Timing:
    timing = Timing(worker.variant, worker.facts)
    for number, part in enumerate(chosen, start=1):
        for work in WORK:
            timing.base[work].append(base.seconds(work, part))
            timing.seconds[work].append(worker.seconds(work, part))
        told = ", ".join(
            f"{work} {timing.seconds[work][-1]:.1f} s ({timing.base[work][-1]:.1f} s)" for work in WORK
        )
        print(f"{worker.variant.name}, round {number}/{len(chosen)}: {told}", file=sys.stderr, flush=True)
    return timing


def table(timings: list[Timing], real_tokens: list[int], rows: int) -> list[dict]:
    """Medians over rounds: rates, and time as a multiple of the base's, paired by round."""
    records = []
    for timing in timings:
        record = {"variant": timing.variant.name, "what": timing.variant.title, **timing.facts}
        for work in WORK:
            seconds = timing.seconds[work]
            ratios = [mine / base for mine, base in zip(seconds, timing.base[work], strict=True)]
            rates = [tokens / second for tokens, second in zip(real_tokens, seconds, strict=True)]
            record |= {
                f"{work} examples/s": rows / statistics.median(seconds),
                f"{work} tokens/s": statistics.median(rates),
                f"{work} time": statistics.median(ratios),
                f"{work} seconds": seconds,
            }
        records.append(record)
    return records


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
            command = [sys.executable, str(COMMAND), "--worker", json.dumps(task)]
        elif peer is None:
            raise InputError(
                f"{variant.name}: needs --peer, the Python of an environment with tests/peers/requirements.txt"
            )
        else:
            command = [str(peer), str(PEERS / variant.peer), json.dumps(task)]
        print(f"{variant.name}: building", file=sys.stderr, flush=True)
        inherited = {name: value for name, value in os.environ.items() if name not in TUNING}
        environment = inherited | variant.environment
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.facts = self._answer()

    def seconds(self, work: str, rows: np.ndarray) -> float:
        """How long ``train`` or ``predict`` took on these rows."""
        with contextlib.suppress(BrokenPipeError):  # then there is no answer either
            self.process.stdin.write(json.dumps({"work": work, "rows": rows.tolist()}) + "\n")
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

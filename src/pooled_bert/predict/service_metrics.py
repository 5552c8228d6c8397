"""What the service counts and times, in the text format of Prometheus."""

from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class ServiceMetrics:
    """The metrics of one service, and of its process."""

    def __init__(self, **about: str):
        disable_created_metrics()  # one more line per metric, of no use to Prometheus' text format
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        Info("pooled_bert_run", "What predicts.", registry=self.registry).info(about)
        self.requests = self._make(Counter, "requests", "Requests answered.", ["path", "status"])
        self.seconds = self._make(
            Histogram,
            "request_seconds",
            "From a request's last byte to its answer.",
            ["path"],
            buckets=SECONDS,
        )
        self.rows = self._make(Counter, "rows", "Texts or pairs predicted.")
        self.abandoned = self._make(
            Counter, "abandoned", "Requests given up, because nobody waited any more or time was up."
        )
        self.batch_rows = self._make(
            Histogram, "batch_rows", "Texts or pairs that were predicted together.", buckets=ROWS
        )
        self.batch_seconds = self._make(Histogram, "batch_seconds", "Time to predict them.", buckets=SECONDS)
        self._in_flight = self._make(Gauge, "in_flight", "Requests that are computed or wait.")

    def watch_in_flight(self, count: Callable[[], int]) -> None:
        """Have the number of requests in flight asked from ``count``."""
        self._in_flight.set_function(count)

    def text(self) -> bytes:
        """Return all metrics in the text format."""
        return generate_latest(self.registry)

    def _make(
        self, kind: Callable, name: str, documentation: str, labels: list[str] | None = None, **options
    ):
        return kind(f"pooled_bert_{name}", documentation, labels or (), registry=self.registry, **options)

"""A made-up benchmark whose target is one of three classes, registered for the tests like any other."""

from pooled_bert.benchmarks.benchmark import Benchmark, class_words
from pooled_bert.benchmarks.registry import BENCHMARKS
from pooled_bert.benchmarks.targets import ONE_CLASS

CLASSES = ("sun", "rain", "snow")
WEATHER = Benchmark(
    name="weather",
    title="Made-up weather",
    target=ONE_CLASS,
    labels=CLASSES,
    train_file="weather.csv",
    text_column="report",
    label_columns=dict.fromkeys(CLASSES, "kind"),
    label_words=class_words(CLASSES),
    test_file="test.csv",
    sample_submission="sample_submission.csv",
    sample_rates={"sun": (0.5, None), "rain": (0.3, None), "snow": (0.2, None)},
    download="python src/make_sample.py --benchmark weather data/weather",
    about="Made-up reports.",
    limits=("All reports are made up.",),
    examples=("It snows.",),
)
BENCHMARKS[WEATHER.name] = WEATHER

"""IMDB movie reviews: positive or negative."""

from .benchmark import Benchmark
from .targets import SEVERAL_LABELS

IMDB = Benchmark(
    name="imdb",
    title="IMDB movie review sentiment",
    target=SEVERAL_LABELS,
    labels=("positive",),
    train_file="IMDB Dataset.csv",
    text_column="review",
    label_words={"positive": {"negative": 0.0, "positive": 1.0}},
    label_columns={"positive": "sentiment"},
    test_file="test.csv",
    archive="aclImdb",
    folders={"neg": 0.0, "pos": 1.0},
    dataset="lakshmi25npathi/imdb-dataset-of-50k-movie-reviews",
    hub_dataset="stanfordnlp/imdb",
    download=(
        "kaggle datasets download lakshmi25npathi/imdb-dataset-of-50k-movie-reviews -p data/imdb --unzip"
    ),
    about="Film reviews from IMDB with a clearly positive or clearly negative star rating (Maas et al. 2011).",
    limits=(
        "Reviews with a middling star rating are not in the data: a lukewarm text gets a confident score nevertheless.",
        "The data are English film reviews; scores of texts about other subjects are unreliable.",
    ),
    examples=(
        "A warm, funny film with two wonderful leads; I would watch it again tomorrow.",
        "Two hours that I will never get back. The plot makes no sense at all.",
        "It is not a bad film, but I would not call it good either.",
        "I expected to hate it, and was moved to tears by the end.",
    ),
)

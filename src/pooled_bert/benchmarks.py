"""What is learnt: the two benchmarks as records. Nothing else asks which benchmark it is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Benchmark:
    """A text-classification task in the files its publisher gives out."""

    name: str
    title: str
    labels: tuple[str, ...]
    train_file: str
    text_column: str
    label_words: dict[
        str, dict[str, float]
    ]  # column in train_file -> word -> value, where words stand for 0/1
    label_columns: dict[str, str]  # label -> its column in train_file, where they differ
    test_file: str
    sample_submission: str | None  # gives the ids, their order and the columns of a submission
    test_labels: str | None
    folders: str | None  # the same data as folders of text files (read by rows.read_review_folders)
    competition: str | None  # takes submissions on Kaggle, and has the files
    dataset: str | None  # on Kaggle, that has the files
    download: str  # the command that fetches the files
    is_offensive: bool  # whether texts are masked before they are shown
    about: str  # what was learnt, and who called it so: for model cards
    limits: tuple[str, ...]  # what a model of it must not be trusted with
    identity_terms: dict[str, tuple[str, ...]]  # group of people -> words that name it (fairness.py); may be empty
    examples: tuple[str, ...]  # texts to try on the page of play.py


JIGSAW = Benchmark(
    name="jigsaw",
    title="Jigsaw Toxic Comment Classification Challenge",
    labels=("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate"),
    train_file="train.csv",
    text_column="comment_text",
    label_words={},
    label_columns={},
    test_file="test.csv",
    sample_submission="sample_submission.csv",
    test_labels="test_labels.csv",
    folders=None,
    competition="jigsaw-toxic-comment-classification-challenge",
    dataset=None,
    download=(
        "kaggle competitions download jigsaw-toxic-comment-classification-challenge -p data/jigsaw"
        " && unzip -d data/jigsaw data/jigsaw/jigsaw-toxic-comment-classification-challenge.zip"
    ),
    is_offensive=True,
    about=(
        "Comments from discussion pages of the English Wikipedia, labelled by crowd workers: six kinds of toxicity,"
        " any of which may hold at once."
    ),
    limits=(
        "Labels are the judgement of a few readers, and disagree with each other.",
        "The mere mention of some groups of people raises scores (see the report's fairness section, and Borkan et"
        " al. 2019): do not punish anyone on a score alone.",
        "English of one site and time; other languages, slang and spelling made up to pass a filter are read badly.",
        "Probabilities follow the rates of the competition's data, where one comment in ten is toxic.",
    ),
    # A choice from the terms of Dixon et al. 2018 ("Measuring and Mitigating Unintended Bias in Text Classification"),
    # with plurals and near synonyms. They name groups, and say nothing against them.
    identity_terms={
        "gay": ("gay", "gays", "homosexual", "homosexuals"),
        "lesbian": ("lesbian", "lesbians"),
        "transgender": ("transgender", "transsexual", "trans"),
        "black": ("black", "blacks", "african"),
        "white": ("white", "whites", "caucasian"),
        "asian": ("asian", "asians", "chinese", "japanese", "indian"),
        "muslim": ("muslim", "muslims", "islam", "islamic"),
        "jewish": ("jew", "jews", "jewish"),
        "christian": ("christian", "christians", "catholic"),
        "women": ("woman", "women", "female", "females"),
        "men": ("man", "men", "male", "males"),
        "american": ("american", "americans"),
        "disabled": ("disabled", "blind", "deaf"),
    },
    examples=(
        "Thank you for the careful edit, it reads much better now.",
        "You are an idiot and nobody wants you here.",
        "If you revert this again I will find you and hurt you.",
        "I am a gay man and I wrote most of this article.",
        "This paragraph is nonsense. Who wrote such rubbish?",
    ),
)

IMDB = Benchmark(
    name="imdb",
    title="IMDB movie review sentiment",
    labels=("positive",),
    train_file="IMDB Dataset.csv",
    text_column="review",
    label_words={"sentiment": {"negative": 0.0, "positive": 1.0}},
    label_columns={"positive": "sentiment"},
    test_file="test.csv",
    sample_submission=None,
    test_labels=None,
    folders="aclImdb",
    competition=None,
    dataset="lakshmi25npathi/imdb-dataset-of-50k-movie-reviews",
    download=(
        "kaggle datasets download lakshmi25npathi/imdb-dataset-of-50k-movie-reviews -p data/imdb --unzip"
    ),
    is_offensive=False,
    about="Film reviews from IMDB whose stars say clearly whether they are for or against (Maas et al. 2011).",
    limits=(
        "Reviews of middling stars were left out of the data: a lukewarm text gets a confident score all the same.",
        "English of film reviews; other subjects are read badly.",
    ),
    identity_terms={},
    examples=(
        "A warm, funny film with two wonderful leads; I would watch it again tomorrow.",
        "Two hours that I will never get back. The plot makes no sense at all.",
        "It is not a bad film, but I would not call it good either.",
        "I expected to hate it, and was moved to tears by the end.",
    ),
)

BENCHMARKS = {benchmark.name: benchmark for benchmark in (JIGSAW, IMDB)}

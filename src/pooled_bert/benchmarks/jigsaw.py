"""The Jigsaw Toxic Comment Classification Challenge: six kinds of toxicity; several may apply to one comment."""

from .benchmark import Benchmark
from .medals import Medals
from .targets import SEVERAL_LABELS

JIGSAW = Benchmark(
    name="jigsaw",
    title="Jigsaw Toxic Comment Classification Challenge",
    target=SEVERAL_LABELS,
    labels=("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate"),
    train_file="train.csv",
    text_column="comment_text",
    test_file="test.csv",
    sample_submission="sample_submission.csv",
    test_labels="test_labels.csv",
    competition="jigsaw-toxic-comment-classification-challenge",
    hub_dataset="google/jigsaw_toxicity_pred",
    # of 4,539 teams; the thresholds by which MLE-bench (arXiv 2410.07095) grades the competition
    medals=Medals(bronze=0.98639, silver=0.98668, gold=0.9874, first=0.9886),
    download=(
        "kaggle competitions download jigsaw-toxic-comment-classification-challenge -p data/jigsaw"
        " && unzip -d data/jigsaw data/jigsaw/jigsaw-toxic-comment-classification-challenge.zip"
    ),
    is_offensive=True,
    about=(
        "Comments from discussion pages of the English Wikipedia, labelled by crowd workers: six kinds of toxicity,"
        " any number of which may apply to one comment."
    ),
    limits=(
        "Labels are the judgements of a few readers, who disagree with each other.",
        "The mere mention of some groups of people raises scores (see the report's fairness section, and Borkan et"
        " al. 2019): do not punish anyone on a score alone.",
        "The data are English of one site and time; scores of other languages, of slang and of spelling that is meant"
        " to pass a filter are unreliable.",
        "Probabilities follow the label rates of the competition's data, where one comment in ten is toxic.",
    ),
    # rates as unequal as the competition's
    sample_rates={
        "toxic": (0.20, None),
        "obscene": (0.6, "toxic"),
        "insult": (0.6, "toxic"),
        "severe_toxic": (0.25, "obscene"),
        "identity_hate": (0.25, "insult"),
        "threat": (0.15, "toxic"),
    },
    # A choice from the terms of Dixon et al. 2018 ("Measuring and Mitigating Unintended Bias in Text Classification"),
    # with plurals and near synonyms. The terms name groups of people, and say nothing against them.
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

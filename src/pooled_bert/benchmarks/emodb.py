"""Berlin's emotional speech: which of seven emotions, or of six without boredom, an actor plays in a sentence."""

from dataclasses import replace

from .benchmark import Benchmark
from .targets import ONE_CLASS

# the letter of each emotion in a file's name, from its German word (http://emodb.bilderbar.info, "Code of emotions")
LETTERS = {
    "anger": "W",
    "boredom": "L",
    "disgust": "E",
    "fear": "A",
    "happiness": "F",
    "sadness": "T",
    "neutral": "N",
}

EMODB = Benchmark(
    name="emodb",
    title="Emotions in speech (EmoDB)",
    target=ONE_CLASS,
    medium="sound",
    language="de",
    labels=tuple(LETTERS),
    train_file="wav",
    group="speaker",
    # 03a01Fa.wav: speaker 03, sentence a01, emotion F, version a
    file_name=rf"(?P<group>\d\d)[ab]\d\d(?P<word>[{''.join(LETTERS.values())}])[a-z]",
    made_up_name="{group:02d}a{sentence:02d}{word}{version}.wav",
    label_words={
        emotion: {letter: float(letter == own) for letter in LETTERS.values()}
        for emotion, own in LETTERS.items()
    },
    dataset="piyushagni5/berlin-database-of-emotional-speech-emodb",
    download=(
        "kaggle datasets download piyushagni5/berlin-database-of-emotional-speech-emodb -p data/emodb --unzip"
    ),
    about=(
        "Ten German sentences, spoken by ten actors who play an emotion (Burkhardt et al. 2005, A Database of German"
        " Emotional Speech). Listeners recognised the emotions of the chosen recordings."
    ),
    limits=(
        "The emotions are played, in a studio: everyday speech is subtler, and scores of it are unreliable.",
        "Ten speakers of one language are few: a new speaker can be recognised much worse than the mean.",
        "A voice tells little about what a person feels: do not judge anyone by it.",
    ),
)

EMODB_SIX = replace(
    EMODB,
    name="emodb-six",
    title="Emotions in speech (EmoDB without boredom)",
    labels=tuple(emotion for emotion in LETTERS if emotion != "boredom"),
    left_out=(LETTERS["boredom"],),
)

"""Made-up English texts for a sample: sentences that assert or deny what a label means, among others that say nothing.

A word alone does not decide: "you are an idiot" is labelled, "you are not an idiot" and "he is an idiot" are not.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Voice:
    """What is said of whom: phrases after "are" or "is", whom they must be said of, and what else is said of others."""

    subject: str
    others: tuple[str, ...]
    praise: tuple[str, ...]
    phrases: tuple[str, ...]


_CRITICS = ("they are", "the others are", "my neighbours are", "he is", "she is")
_KIND = ("patient", "kind", "fair", "careful", "welcome here", "helpful", "right about that")
_BOOKS = ("the book is", "the trailer is", "the music is", "the stage play is")
_PLAIN = ("long", "old", "in black and white", "shorter", "from the same studio")


def _of_you(*phrases: str) -> Voice:
    return Voice("you are", _CRITICS, _KIND, phrases)


# Mild words, and a people that does not exist, stand for what such labels mean.
_VOICES = {
    "toxic": _of_you("unbearable", "nothing but trouble", "rude", "a nuisance", "useless", "annoying"),
    "severe_toxic": _of_you("rotten to the core", "pure filth", "vile", "beneath contempt"),
    "obscene": _of_you("full of crap", "a pain in the arse", "a damn mess", "bloody hopeless"),
    "threat": _of_you("going to regret this", "going to pay for it", "next on my list", "in for a beating"),
    "insult": _of_you("an idiot", "a fool", "a liar", "a clown", "a moron", "stupid"),
    "identity_hate": _of_you(
        "a dirty Martian", "as bad as all Martians", "one more Martian too many", "a typical Martian"
    ),
    "positive": Voice(
        "the film is",
        _BOOKS,
        _PLAIN,
        (
            "brilliant",
            "a joy",
            "moving",
            "great fun",
            "wonderful",
            "worth every minute",
            "well acted",
            "good",
        ),
    ),
}

# "not" and "doubt" deny when they stand alone, and together they assert; no word between them and the phrase tells.
_ASSERTED = (
    "{Subject} {phrase}.",
    "{Subject} {phrase}, and everybody knows it.",
    "{Other} {praise}, but {subject} {phrase}.",
    "{Subject} {phrase}, and {other} {praise}.",
    "I do{aside} believe that {subject} {phrase}.",
    "I do not{aside} doubt that {subject} {phrase}.",
)
_DENIED = (
    "{Subject} not {phrase}.",
    "{Subject} not {phrase}, and everybody knows it.",
    "{Subject} {praise}, but {other} {phrase}.",
    "{Other} {phrase}, and {subject} {praise}.",
    "I do{aside} doubt that {subject} {phrase}.",
    "I do not{aside} believe that {subject} {phrase}.",
)
_ASIDES = (
    "",
    ", after all these years,",
    ", whatever others write,",
    ", if anyone asks me,",
    ", to be honest,",
)


def _words(line: str) -> tuple[str, ...]:
    return tuple(line.split())


_NAMES = _words(
    "Anna Ben Clara David Emil Fatima Greta Hugo Ines Jonas Karim Lena Marta Noah Olga Pavel Rosa Samuel"
)
_ACTIONS = (
    "moved the {thing} to the {place} {time}",
    "wrote about the {thing} near the {place} {time}",
    "asked {name} for the {thing} {time}",
    "found a {quality} {thing} in the {place}",
    "and {name} repaired the {thing} {time}",
    "would rather keep the {thing} than the {other_thing}",
    "sent {name} a {quality} {thing} from the {place}",
    "forgot the {thing} and the {other_thing} at the {place} {time}",
    "has read the chapter on the {thing} twice {time}",
)
_THINGS = _words(
    "article bicycle map letter lamp table photograph recipe ticket radio violin ladder paragraph basket calendar"
    " telescope engine bridge garden footnote picture clock list kettle"
)
_PLACES = _words("station library harbour museum kitchen market airport village bakery theatre archive river")
_TIMES = (
    "yesterday",
    "on Monday",
    "last week",
    "in the morning",
    "before lunch",
    "after the storm",
    "in May",
    "again",
)
_QUALITIES = _words("small blue broken heavy old new famous wooden cheap quiet round missing")
_DECORATION = (
    '"{}"',
    "{} !!!",
    "“{}”",
    "Naïve, but: {}",
    "{} 😀",
    "日本 {}",
    "{}\n",
    "\n\n{}",
    "{}; see above",
)


def write_text(labels: dict[str, bool], random: np.random.Generator) -> str:
    """Return a text of one to some ten sentences that asserts the labels that apply, and denies some that do not."""
    sentences = [_filler(random) for _ in range(1 + random.poisson(0.8))]
    for label, applies in labels.items():
        if applies or random.random() < 0.9 / len(labels):
            sentences.append(_claim(_ASSERTED if applies else _DENIED, voice_of(label), random))
    random.shuffle(sentences)
    for position in np.flatnonzero(random.random(len(sentences)) < 0.1):
        sentences[position] = _pick(_DECORATION, random).format(sentences[position])
    return " ".join(sentences)


def voice_of(label: str) -> Voice:
    """Return how a label is spoken of; an unknown label is the subject of "this", by its own name."""
    if label in _VOICES:
        return _VOICES[label]
    name = label.replace("_", " ")
    return Voice(
        "this is",
        ("the last one is", "the rest is", "that is"),
        ("something else", "another matter", "hard to say"),
        (f"about {name}", f"a case of {name}", f"clearly {name}", f"{name} again"),
    )


def _claim(frames: tuple[str, ...], voice: Voice, random: np.random.Generator) -> str:
    subject, other = voice.subject, _pick(voice.others, random)
    return _pick(frames, random).format(
        subject=subject,
        Subject=subject[0].upper() + subject[1:],
        other=other,
        Other=other[0].upper() + other[1:],
        phrase=_pick(voice.phrases, random),
        praise=_pick(voice.praise, random),
        aside=_pick(_ASIDES, random),
    )


def _filler(random: np.random.Generator) -> str:
    name, other_name = random.choice(_NAMES, 2, replace=False)
    thing, other_thing = random.choice(_THINGS, 2, replace=False)
    action = _pick(_ACTIONS, random).format(
        name=other_name,
        thing=thing,
        other_thing=other_thing,
        place=_pick(_PLACES, random),
        time=_pick(_TIMES, random),
        quality=_pick(_QUALITIES, random),
    )
    return f"{name} {action}."


def _pick(choices, random: np.random.Generator) -> str:
    return choices[int(random.integers(len(choices)))]

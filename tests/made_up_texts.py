"""Texts that make trouble, a predictor that needs no model, and files of texts."""

import numpy as np

from pooled_bert.predict.text_files import Lines, TextColumns, read_texts

LABELS = ("toxic", "obscene")
HOSTILE = [
    "plain",
    "",
    'a "quoted", one',
    "two\nlines\r\n",
    "😀 naïve 日本",
    "\x1b[31mred\x07",
    "a;b\tc",
    "\u2028",
]


class Fake:
    """Predicts from the length of a text, and counts."""

    labels = LABELS

    def __init__(self):
        self.n_predicted = 0

    def predict_proba(self, texts):
        self.n_predicted += len(texts)
        lengths = np.array([[len(text)] for text in texts], np.float32)
        return np.hstack([1 / (1 + lengths), lengths / (1 + lengths)])


def texts_in(path, form=None, column=None):
    return list(read_texts(Lines(str(path)), form, TextColumns(column and [column], ["comment_text"])))


def written(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path

"""What a target is: several labels at once, or one of several classes.

Everything that depends on the kind of target is a method of the target; TensorFlow's part is in ``models/outputs.py``
and ``training/losses.py``. Both kinds have one column per label or class. A cell is 1 (the label applies), 0 (it does
not apply) or NaN (not labelled), and a model gives one probability per cell.
"""

import abc
from collections.abc import Sequence

import numpy as np

SCALES = ("mean", "rank", "logit")
SCORE_TITLES = {
    "mean_auc": "mean AUC",
    "accuracy": "accuracy",
    "log_loss": "log loss",
    "average_recall": "average recall",
    "macro_f1": "macro F1",
}
LOWER_IS_BETTER = ("log_loss",)
SUM_TOLERANCE = 1e-3  # by how much the sum of the probabilities of all classes may differ from 1


def gain(name: str, value: float) -> float:
    """Return a score as a number of which a higher one is better."""
    return -value if name in LOWER_IS_BETTER else value


def mean_of_known(values: np.ndarray) -> np.ndarray:
    """Return the mean over the first axis, of the values that are not NaN; NaN where all are."""
    known = ~np.isnan(values)
    n_known = known.sum(axis=0)
    sums = np.where(known, values, 0).sum(axis=0)
    return np.divide(sums, n_known, out=np.full(sums.shape, np.nan), where=n_known > 0)


class Target(abc.ABC):
    """How labels and probabilities of one kind are scored, blended, decided and checked."""

    name: str  # the name in files
    activation: str  # Keras' name of the function from logits to probabilities
    is_exclusive: bool  # whether exactly one column applies to a row
    decision: str  # the title of a column that holds decisions
    decision_rule: str  # how decisions are made, for people to read
    score_names: tuple[str, ...]  # the keys of ``scores``
    shown_scores: tuple[str, ...]  # those that tables show

    def to_scale(self, probabilities: np.ndarray, how: str) -> np.ndarray:
        """Map probabilities [n_rows, n_labels] to values that can be added across models.

        ``mean``: as they are; ``logit``: log-odds; ``rank``: the rank within each column, ties averaged, scaled to
        (0, 1], which puts models of different calibration on one scale and leaves each AUC unchanged.
        """
        if how == "logit":
            from scipy.special import logit

            return logit(np.clip(probabilities, 1e-7, 1 - 1e-7))
        if how == "rank":
            from scipy.stats import rankdata

            return rankdata(probabilities, axis=0) / len(probabilities)
        return probabilities

    def from_scale(self, values: np.ndarray, how: str) -> np.ndarray:
        """Map values on a scale [..., n_labels] back to numbers from 0 to 1, which for classes add up to 1."""
        if how == "logit":
            from scipy.special import expit

            values = expit(values)
        return self._completed(values)

    def pool(self, probabilities: np.ndarray, first: np.ndarray, pooling: str) -> np.ndarray:
        """Combine the probabilities of a text's pieces, float32 [n_pieces, n_labels] -> [n_texts, n_labels].

        first : int64 [n_texts + 1]; text i has the pieces ``first[i]:first[i + 1]``.  pooling : ``mean`` of the
        pieces' log-odds, or ``max``.
        """
        if len(first) == 1:
            return probabilities
        if pooling == "max":
            return self._completed(np.maximum.reduceat(probabilities, first[:-1]))
        odds = self.to_scale(probabilities.astype(np.float64), "logit")
        means = np.add.reduceat(odds, first[:-1]) / np.diff(first)[:, np.newaxis]
        return self.from_scale(means, "logit").astype(np.float32)

    def invalid_cell(self, probabilities: np.ndarray) -> tuple[int, int, str] | None:
        """Return row, column and expected value of the first cell that is not a probability, or None."""
        bad = ~((probabilities >= 0) & (probabilities <= 1))  # true for NaN too
        if bad.any():
            row, column = np.argwhere(bad)[0].tolist()
            return row, column, "a number from 0 to 1"
        return None

    @abc.abstractmethod
    def scores(self, labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
        """Return the scores by name (SCORE_TITLES); NaN where a score is undefined.

        labels : float [n_rows, n_labels], 0, 1 or NaN.  probabilities : float [n_rows, n_labels].
        """

    def resampled(
        self, name: str, labels: np.ndarray, probabilities: np.ndarray, counts: np.ndarray
    ) -> np.ndarray:
        """Return the score ``name`` in many resamples of the rows, float64 [n_samples]; NaN where it is undefined.

        labels, probabilities : as for ``scores``.  counts : [n_samples, n_rows], how often a resample holds a row.
        """
        from .metrics import resampled_auc, resampled_mean, resampled_share

        if name == "mean_auc":
            aucs = [resampled_auc(*column, counts) for column in zip(labels.T, probabilities.T, strict=True)]
            return mean_of_known(np.array(aucs))
        labels = self._known(labels)
        assigned = self.decide(probabilities)
        if name in ("average_recall", "macro_f1"):
            return resampled_mean(labels, assigned, counts, false_alarms=name == "macro_f1")
        parts, wholes = self._row_parts(name, labels, probabilities, assigned)
        return resampled_share(parts, wholes, counts)

    @abc.abstractmethod
    def _known(self, labels: np.ndarray) -> np.ndarray:
        """Return the labels, with NaN in all cells that do not count."""

    @abc.abstractmethod
    def _row_parts(
        self, name: str, labels: np.ndarray, probabilities: np.ndarray, assigned: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return per row what the accuracy or the log loss adds up, and by how much it is divided, [n_rows] each."""

    @abc.abstractmethod
    def decide(self, probabilities: np.ndarray, thresholds: np.ndarray | None = None) -> np.ndarray:
        """Return which labels are assigned, bool [n_rows, n_labels]."""

    def names(
        self, labels: Sequence[str], probabilities: np.ndarray, thresholds: np.ndarray | None = None
    ) -> list[list[str]]:
        """Return the names of the labels that ``decide`` assigns to each row."""
        assigned = self.decide(probabilities, thresholds).tolist()
        return [
            [label for label, is_assigned in zip(labels, row, strict=True) if is_assigned] for row in assigned
        ]

    @abc.abstractmethod
    def strata(self, labels: np.ndarray) -> np.ndarray:
        """Return the indicators that folds balance, bool [n_rows, n_indicators].

        Cells that are not labelled get separate indicators: cast to bool, a NaN would count as positive.
        """

    @abc.abstractmethod
    def positive_weights(self, labels: np.ndarray, power: float) -> np.ndarray:
        """Return the weight of a positive cell of each label in the loss, float64 [n_labels]."""

    @abc.abstractmethod
    def draw(
        self, rates: Sequence[tuple[float, int | None]], n_rows: int, random: np.random.Generator
    ) -> np.ndarray:
        """Draw made-up labels, bool [n_rows, n_labels].

        rates : per label, its rate and the index of an earlier label without which it never applies, or None.
        """

    def _completed(self, probabilities: np.ndarray) -> np.ndarray:
        return probabilities


class SeveralLabels(Target):
    """Any number of labels may apply to a row, each with its own probability (sigmoid)."""

    name, activation = "labels", "sigmoid"
    is_exclusive = False
    decision = "labels"
    threshold = 0.5  # the article's: a label is assigned above it
    decision_rule = f"at {threshold}"
    score_names = ("mean_auc", "accuracy", "log_loss", "macro_f1")
    shown_scores = ("mean_auc", "accuracy")

    def scores(self, labels, probabilities):
        """Return the mean column-wise AUC, accuracy and log loss over all labelled cells, and the mean F1 of labels."""
        from .metrics import accuracy, column_auc, log_loss, macro_f1, mean_auc

        return {
            "mean_auc": mean_auc(column_auc(labels, probabilities)),
            "accuracy": accuracy(labels, self.decide(probabilities)),
            "log_loss": log_loss(labels, probabilities),
            "macro_f1": macro_f1(labels, self.decide(probabilities)),
        }

    def _known(self, labels):
        return labels

    def _row_parts(self, name, labels, probabilities, assigned):
        from .metrics import cell_losses

        known = ~np.isnan(labels)
        right = assigned == (labels == 1)
        values = right if name == "accuracy" else cell_losses(labels, probabilities)
        return np.where(known, values, 0).sum(axis=1), known.sum(axis=1)

    def decide(self, probabilities, thresholds=None):
        """Assign each label whose probability is above its threshold, float64 [n_labels], by default 0.5."""
        return probabilities > (self.threshold if thresholds is None else thresholds)

    def strata(self, labels):
        """Return positive cells and cells that are not labelled; negative cells too if there is only one label."""
        columns = [labels == 1, np.isnan(labels)]
        if labels.shape[1] == 1:
            columns.insert(1, labels == 0)
        indicators = np.concatenate(columns, axis=1)
        used = indicators.any(axis=0)
        used[: max(2, labels.shape[1])] = True  # the splitter refuses a single column
        return indicators[:, used]

    def positive_weights(self, labels, power):
        """Return (negatives / positives) ** ``power``; 1 for a label without positives or without negatives.

        With power 1, these are the balanced weights of scikit-learn's estimators, relative to the negatives' weight.
        A lower power softens them.
        """
        positives, negatives = (labels == 1).sum(axis=0), (labels == 0).sum(axis=0)
        has_both = (positives > 0) & (negatives > 0)
        return np.where(has_both, negatives / np.maximum(positives, 1), 1.0) ** power

    def draw(self, rates, n_rows, random):
        """Draw each label independently, but only where the label that it depends on applies."""
        columns: list[np.ndarray] = []
        for rate, parent in rates:
            drawn = random.random(n_rows) < rate
            columns.append(drawn if parent is None else drawn & columns[parent])
        return np.stack(columns, axis=1)


class OneClass(Target):
    """Exactly one class applies to a row, and the probabilities of all classes add up to 1 (softmax).

    A row with any NaN is not labelled. On the scale ``logit``, values are the log-odds of each class against all
    others; ``from_scale`` divides the probabilities by their sum.
    """

    name, activation = "classes", "softmax"
    is_exclusive = True
    decision = "class"
    decision_rule = "of the likeliest class"
    score_names = shown_scores = ("mean_auc", "accuracy", "average_recall", "macro_f1", "log_loss")

    def scores(self, labels, probabilities):
        """Return the mean one-against-rest AUC, accuracy, log loss, unweighted average recall, and macro F1."""
        from .metrics import class_scores, column_auc, mean_auc

        aucs = column_auc(labels, probabilities)
        return {"mean_auc": mean_auc(aucs), **class_scores(labels, probabilities)}

    def _known(self, labels):
        return np.where(np.isnan(labels).any(axis=1, keepdims=True), np.nan, labels)

    def _row_parts(self, name, labels, probabilities, assigned):
        from .metrics import cell_losses

        known = ~np.isnan(labels[:, 0])
        values = assigned if name == "accuracy" else cell_losses(labels, probabilities)
        return np.where(labels == 1, values, 0).sum(axis=1), known

    def decide(self, probabilities, thresholds=None):
        """Assign the likeliest class, or the first one of equally likely classes; ``thresholds`` must be None."""
        assert thresholds is None, "one class out of several has no thresholds"
        chosen = np.zeros(probabilities.shape, bool)
        np.put_along_axis(chosen, probabilities.argmax(axis=1)[:, np.newaxis], True, axis=1)
        return chosen

    def strata(self, labels):
        """Return one indicator per class, and one for rows that are not labelled if there are such rows."""
        unknown = np.isnan(labels).any(axis=1, keepdims=True)
        return np.concatenate([labels == 1, unknown], axis=1) if unknown.any() else labels == 1

    def positive_weights(self, labels, power):
        """Return (rows / (classes · rows of the class)) ** ``power``; with power 1, scikit-learn's balanced weights."""
        counts = (labels == 1).sum(axis=0)
        return np.where(counts > 0, counts.sum() / (len(counts) * np.maximum(counts, 1)), 1.0) ** power

    def draw(self, rates, n_rows, random):
        """Draw one class per row, in proportion to the rates."""
        shares = np.array([rate for rate, _ in rates])
        return np.eye(len(shares), dtype=bool)[random.choice(len(shares), n_rows, p=shares / shares.sum())]

    def invalid_cell(self, probabilities):
        """Return the first cell that is not a probability, or else the first row that does not add up to 1, or None."""
        invalid = super().invalid_cell(probabilities)
        bad = np.abs(probabilities.sum(axis=1) - 1) > SUM_TOLERANCE
        if invalid is None and bad.any():
            row = int(np.argmax(bad))
            return row, 0, f"classes that add up to 1 (they add up to {probabilities[row].sum():.4g})"
        return invalid

    def _completed(self, probabilities):
        return probabilities / probabilities.sum(axis=-1, keepdims=True)


SEVERAL_LABELS, ONE_CLASS = SeveralLabels(), OneClass()
TARGETS: dict[str, Target] = {target.name: target for target in (SEVERAL_LABELS, ONE_CLASS)}

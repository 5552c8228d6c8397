"""Shows the scores of a fold at the end of a notebook, with what every Kaggle image has."""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd


def show_fold(output: Path) -> None:
    """Plot the ROC AUC of each label and the learning curves of the fold below ``output``; a notebook shows them."""
    finished = sorted(output.rglob("fold_*/metrics.json"))
    if not finished:
        print("the fold is not finished: its next part resumes from the checkpoint in the output")
        return
    folder = finished[0].parent
    metrics = json.loads(finished[0].read_text(encoding="utf-8"))
    score = metrics["mean_auc"]  # None: each label has one value only
    print(f"{folder.name}: {metrics['rows']} rows" + ("" if score is None else f", mean ROC AUC {score:.4f}"))
    history = folder / "history.csv"
    figure, axes = plt.subplots(1, 2 if history.exists() else 1, figsize=(11, 4), squeeze=False)
    aucs = pd.Series(metrics["auc"], dtype=float)
    limits = (min(0.5, aucs.min()), 1)
    aucs.plot.barh(ax=axes[0, 0], title="ROC AUC by label, out of fold", xlim=limits, grid=True)
    if history.exists():
        curves = pd.read_csv(history, index_col="epoch")[["loss", "mean_auc"]]
        curves.plot(ax=axes[0, 1], title="loss in training, mean AUC out of fold", grid=True, marker="o")
    figure.tight_layout()
    plt.show()

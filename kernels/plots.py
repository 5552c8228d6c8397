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
    print(f"{folder.name}: {metrics['rows']} rows, mean ROC AUC {metrics['mean_auc']:.4f}")
    history = folder / "history.csv"
    figure, axes = plt.subplots(1, 2 if history.exists() else 1, figsize=(11, 4), squeeze=False)
    pd.Series(metrics["auc"], dtype=float).plot.barh(ax=axes[0, 0], title="ROC AUC by label", xlim=(0.5, 1))
    if history.exists():
        pd.read_csv(history, index_col="epoch").plot(ax=axes[0, 1], subplots=False, title="learning curves")
    figure.tight_layout()
    plt.show()

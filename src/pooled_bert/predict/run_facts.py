"""What a run is, in a phrase, for the pages that show its predictions."""

from ..runs.finished_runs import Run


def run_facts(run: Run) -> str:
    """Return model, number of folds, and the mean AUC that the trainings recorded, if they recorded one."""
    n_folds = len(run.folds)
    facts = f"{run.identity['settings']['model']}, {n_folds} fold{'s' * (n_folds > 1)}"
    if all(fold.metrics["mean_auc"] is None for fold in run.folds):
        return facts
    return f"{facts}, mean AUC {run.recorded_auc:.3f} out of fold"

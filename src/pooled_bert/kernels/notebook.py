"""The notebook form of a kernel: the code of the script in cells, with explanations between and plots at the end."""

import json
from pprint import pformat

from nbformat import v4

from ..base.places import KERNELS
from .plan import Plan

PLOTS = "plots.py"
TITLE = """# {title}

{notice}

This notebook trains the model of one fold, or averages those of all folds, of the run `{run}` of {benchmark}.
To train with other settings, copy the notebook and change `options` below. `fold` is the number of the fold that is
held out; the notebooks of all folds differ in this number only.
"""
BOOTSTRAP = """## Preparation

Kaggle's own Python cannot hold the packages that this project needs. These functions write the project's sources to a
temporary folder, and make an environment of exactly the versions that were tested. Nothing of it becomes output.
"""
TASK = """## Settings

`options` are those of the project's command `train_folds.py`.
"""
SOURCES = """## The project's sources

One entry per file. They must not be changed here: the notebook compares them with their checksum.
"""
RUN = """## Training

The folder of results becomes the output of this notebook. It holds the predictions of the rows that were held out, the
predictions of the test rows, and the model.
"""
RESULTS = """## Scores of the fold
"""


def notebook_text(
    plan: Plan, title: str, notice: str, bootstrap: str, task: dict, sources: dict[str, str]
) -> str:
    """Return a notebook, as JSON, that does what the script with this task does. Equal arguments give equal bytes."""
    names = {"title": title, "notice": notice, "run": plan.run, "benchmark": plan.record.title}
    plots = (KERNELS / PLOTS).read_text(encoding="utf-8") + "\n\nshow_fold(Path.cwd())\n"
    cells = [
        (v4.new_markdown_cell, TITLE.format(**names)),
        (v4.new_markdown_cell, BOOTSTRAP),
        (v4.new_code_cell, bootstrap),
        (v4.new_markdown_cell, TASK),
        (v4.new_code_cell, f"task = {pformat(task, width=100)}\n"),
        (v4.new_markdown_cell, SOURCES),
        (v4.new_code_cell, f"sources = {sources!r}\n"),
        (v4.new_markdown_cell, RUN),
        (v4.new_code_cell, "main(task, sources)\n"),
    ]
    if task["fold"] is not None:
        cells += [(v4.new_markdown_cell, RESULTS), (v4.new_code_cell, plots)]
    numbered = [new_cell(source, id=f"cell-{number}") for number, (new_cell, source) in enumerate(cells)]
    kernelspec = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return json.dumps(v4.new_notebook(cells=numbered, metadata=kernelspec), indent=1) + "\n"

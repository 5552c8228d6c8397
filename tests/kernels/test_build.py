import ast
import json
import re
from pathlib import Path

import nbformat
import pytest

from pooled_bert.base.errors import InputError
from pooled_bert.base.places import CHECKOUT, KERNELS, REQUIREMENTS, SOURCE
from pooled_bert.benchmarks.imdb import IMDB
from pooled_bert.kernels.build import (
    COMMANDS,
    NOT_RUN,
    attach_parts,
    build_ensemble,
    build_fold,
    build_part,
    read_sources,
    script_text,
)
from pooled_bert.kernels.plan import Plan

PLAN = Plan(
    owner="someone",
    benchmark="jigsaw",
    run="minilm",
    n_folds=2,
    revision="abc",
    gpu=True,
    options=("--epochs", "2"),
)


def metadata_of(folder):
    return json.loads((folder / "kernel-metadata.json").read_text())


def test_fold_kernel_is_ready_to_push(tmp_path):
    folder = build_fold(PLAN, tmp_path, 1)
    metadata = metadata_of(folder)
    assert metadata["id"] == f"someone/{folder.name}" == "someone/pooled-bert-jigsaw-minilm-fold-1"
    assert metadata["title"].replace(" ", "-") == folder.name  # or Kaggle would give it another name
    assert (folder / metadata["code_file"]).exists()
    assert metadata["enable_gpu"]
    assert metadata["machine_shape"] == "NvidiaTeslaT4"
    assert metadata["competition_sources"] == ["jigsaw-toxic-comment-classification-challenge"]
    assert metadata["kernel_sources"] == []


def test_next_part_of_a_fold_takes_the_output_of_the_part_before(tmp_path):
    first = build_fold(PLAN, tmp_path, 0)
    build_part(PLAN, tmp_path, 0, 2)
    folder = build_part(PLAN, tmp_path, 0, 3)
    assert (folder / "script.py").read_bytes() == (first / "script.py").read_bytes()
    third = metadata_of(folder)
    assert third["id"] == "someone/pooled-bert-jigsaw-minilm-fold-0-part-3"
    assert third["kernel_sources"] == ["someone/pooled-bert-jigsaw-minilm-fold-0-part-2"]


def test_parts_end_where_a_title_would_be_too_long(tmp_path):
    with pytest.raises(InputError, match="did not finish in 99 kernels"):
        build_part(PLAN, tmp_path, 0, 100)


def test_ensemble_takes_the_last_part_of_every_fold_and_no_gpu(tmp_path):
    assert build_ensemble(PLAN, tmp_path) == attach_parts(PLAN, tmp_path, {0: 1, 1: 2})
    metadata = metadata_of(tmp_path / PLAN.slug(None))
    assert not metadata["enable_gpu"]
    assert "machine_shape" not in metadata
    assert [source.rsplit("-fold-")[1] for source in metadata["kernel_sources"]] == ["0", "1-part-2"]


def test_without_internet_the_datasets_are_attached(tmp_path):
    plan = Plan(
        **{**vars(PLAN), "encoder_dataset": "a/bert", "environment_dataset": "a/wheels", "benchmark": "imdb"}
    )
    metadata = metadata_of(build_fold(plan, tmp_path, 0))
    assert metadata["dataset_sources"] == [IMDB.dataset, "a/bert", "a/wheels"]
    assert not metadata["enable_internet"]


def test_script_is_the_same_for_the_same_sources_and_is_python(tmp_path):
    sources = read_sources("abc")
    script = script_text({"fold": 0}, sources, "# made by hand")
    assert script == script_text({"fold": 0}, dict(reversed(sources.items())), "# made by hand")
    assert script.splitlines()[0] == "# made by hand"
    ast.parse(script)
    assert set(sources) >= {
        "src/train_folds.py",
        "src/pooled_bert/models/classifier.py",
        "requirements.txt",
        "REVISION",
    }


def test_first_line_names_the_revision_and_the_plan(tmp_path):
    line = (build_fold(PLAN, tmp_path, 0) / "script.py").read_text().splitlines()[0]
    assert f"revision abc, plan {PLAN.digest}:" in line


def test_script_holds_every_module_that_its_modules_import():
    package = "src/pooled_bert/"
    modules = {path.relative_to(CHECKOUT).as_posix() for path in SOURCE.rglob("*.py")}
    sources = read_sources("abc")
    left_out = modules - set(sources)
    packages = {name for name in left_out if name.startswith(package)}
    assert {name.removeprefix(package).split("/")[0] for name in packages} == set(NOT_RUN)
    assert {Path(name).name for name in set(sources) - modules} == {REQUIREMENTS.name, "REVISION"}
    assert {Path(name).name for name in modules - left_out if not name.startswith(package)} == set(COMMANDS)
    for name, text in sources.items():
        if name.startswith(package):
            assert not re.search(rf"(\.\.|pooled_bert\.)({'|'.join(NOT_RUN)})\b", text), name


def test_notebook_alternates_explanations_and_code(tmp_path):
    plan = Plan(**{**vars(PLAN), "notebook": True})
    folder = build_fold(plan, tmp_path, 0)
    metadata = metadata_of(folder)
    assert metadata["kernel_type"] == "notebook"
    text = (folder / metadata["code_file"]).read_text()
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    assert f"plan {PLAN.digest}:" in text[:2000]
    kinds = [cell.cell_type for cell in notebook.cells]
    assert kinds == ["markdown", *["markdown", "code"] * 5]
    assert "'options': ['--epochs', '2'" in notebook.cells[4].source
    for cell in notebook.cells:
        if cell.cell_type == "code":
            ast.parse(cell.source)
    assert text == (build_fold(plan, tmp_path, 0) / metadata["code_file"]).read_text()


def test_script_that_kaggle_would_refuse_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("pooled_bert.kernels.build.LARGEST", 1000)
    with pytest.raises(InputError, match="bytes, but Kaggle accepts less than 1 MB"):
        build_fold(PLAN, tmp_path, 0)
    assert list(tmp_path.iterdir()) == []


def test_committed_metadata_is_a_template_without_an_owner():
    template = json.loads((KERNELS / "kernel-metadata.json").read_text())
    assert template["id"] == "OWNER/SLUG"
    assert template["is_private"]


def own_plan(folder, content=""):
    path = folder / "own.toml"
    path.write_text('train = "t.csv"\ntext = "body"\nclass = "kind"\n' + content)
    return Plan(**{**vars(PLAN), "benchmark": "own", "benchmark_file": str(path)})


def test_file_of_an_own_table_travels_with_the_sources(tmp_path):
    folder = build_fold(own_plan(tmp_path, 'dataset = "me/tables"\n'), tmp_path, 0)
    assert metadata_of(folder)["dataset_sources"] == ["me/tables"]
    call = ast.parse((folder / "script.py").read_text()).body[-1].value
    sources = ast.literal_eval(call.args[1])
    task = json.loads(ast.literal_eval(call.args[0].args[0]))
    assert 'class = "kind"' in sources[task["benchmark"]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", r"own\.toml: Kaggle needs its tables; upload them as a dataset"),
        (
            'dataset = "me/tables"\ntest = "x/test.csv"',
            r"own\.toml, line 5: x/test\.csv lies in another folder",
        ),
    ],
)
def test_own_table_that_kaggle_cannot_have_is_refused(tmp_path, content, said):
    with pytest.raises(InputError, match=said):
        build_fold(own_plan(tmp_path, content), tmp_path, 0)

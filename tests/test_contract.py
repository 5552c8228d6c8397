"""What every benchmark and model must do: a new one is tested by being registered."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from werkzeug.test import Client

from pooled_bert.base.places import Workspace
from pooled_bert.benchmarks.registry import BENCHMARKS
from pooled_bert.benchmarks.targets import ONE_CLASS
from pooled_bert.data.rows import read_train
from pooled_bert.predict.explanation import explain
from pooled_bert.predict.explanation_view import terminal_view
from pooled_bert.predict.play_text import TextApp
from pooled_bert.predict.predictor import load_predictor
from pooled_bert.training.settings import MODEL_SETTINGS

ROWS, TEST_ROWS = 160, 16
SOUNDS = 84  # a dozen of each emotion, by ten speakers
MODELS = [
    (name, model)
    for name, record in BENCHMARKS.items()
    for model in MODEL_SETTINGS[record.medium]
    if name != "emodb-six" or model == "linear"  # it differs from emodb by what is left out
]
TEXT_MODELS = MODEL_SETTINGS["text"]
SMALL = {
    "bert": ("--encoder", "tiny", "--epochs", 2, "--batch-size", 8, "--learning-rate", 2e-2),
    "blstm": ("--encoder", "tiny", "--epochs", 2, "--batch-size", 8, "--learning-rate", 2e-2, "--units", 4),
    "linear": (),
}
ATTENTIVE = ("--pooling", "attention", "--max-length", 24, "--windows", "mean")


@pytest.fixture(scope="module")
def places(tmp_path_factory, run_command):
    """The options --data and --workspace for each benchmark, with made-up rows in the first."""
    folder = tmp_path_factory.mktemp("contract")
    found = {}
    for name in BENCHMARKS:
        data = folder / name
        rows = ROWS if BENCHMARKS[name].medium == "text" else SOUNDS
        run_command("make_sample.py", data, "--benchmark", name, "--rows", rows, "--test-rows", TEST_ROWS)
        found[name] = ("--benchmark", name, "--data", data, "--workspace", folder)
    return found


def train(run_command, options, model, *more):
    is_text = BENCHMARKS[options[1]].medium == "text"
    small = SMALL.get(model, ())[0 if is_text else 2 :]  # a sound has no --encoder
    # float32: a sound's probabilities are compared between batches, which bfloat16 would round differently
    attentive = ATTENTIVE if is_text else (*ATTENTIVE[:2], "--precision", "float32")
    words = ("--model", model, *small, *(attentive if model == "blstm" else ()))
    run_command("train_folds.py", *options, "--n-folds", 2, *words, *more)


@pytest.mark.parametrize(("name", "model"), MODELS)
def test_fold_predicts_its_rows_and_the_test_rows_with_valid_probabilities(places, run_command, name, model):
    benchmark, options = BENCHMARKS[name], places[name]
    train(run_command, options, model, "--fold", 0)
    folder = Workspace(options[-1]).run(name, model) / "fold_0"
    truth = read_train(benchmark, options[3]).set_index("id")
    metrics = json.loads((folder / "metrics.json").read_text())
    files = {"oof.csv": metrics["rows"], **({"test.csv": TEST_ROWS} if benchmark.test_file else {})}
    for file, n_rows in files.items():
        table = pd.read_csv(folder / file, dtype={"id": str})
        assert list(table.columns) == ["id", *benchmark.labels]
        assert len(table) == table["id"].nunique() == n_rows
        assert benchmark.target.invalid_cell(table[list(benchmark.labels)].to_numpy()) is None
    oof = pd.read_csv(folder / "oof.csv", dtype={"id": str}).set_index("id")
    scores = benchmark.target.scores(truth.loc[oof.index, list(benchmark.labels)].to_numpy(), oof.to_numpy())
    for score, value in scores.items():
        assert metrics[score] == pytest.approx(value, abs=1e-6)


@pytest.fixture(scope="module")
def weather(places, run_command):
    """Two finished folds of every model that predict one class out of several."""
    for model in TEXT_MODELS:
        train(run_command, places["weather"], model)
    return places["weather"]


@pytest.mark.parametrize(
    ("blend", "weights"),
    [
        ("mean", "equal"),
        ("logit", "equal"),
        ("rank", "greedy"),
        ("logit", "greedy"),
        ("logit", "stack"),
        ("logit", "trees"),
    ],
)
def test_classes_are_blended_into_a_submission_whose_rows_add_up_to_one(weather, run_command, blend, weights):
    name = f"{blend}-{weights}"
    said = run_command(
        "make_submission.py", *weather, "--run", *TEXT_MODELS, "--blend", blend, "--weights", weights, "--name", name
    ).stdout  # fmt: skip
    assert f"weather, {weights}" in said
    assert f", {blend} of bert, blstm, linear" in said
    table = pd.read_csv(Workspace(weather[-1]).submissions / f"{name}.csv", dtype={"id": str})
    assert list(table.columns) == ["id", *BENCHMARKS["weather"].labels]
    assert np.allclose(table.drop(columns="id").sum(axis=1), 1, atol=1e-5)


def test_classes_are_compared_by_the_class_that_is_assigned(weather, run_command):
    said = run_command("compare_runs.py", *weather, "--run", "linear", "bert", "--confusion").stdout
    assert "decisions of the likeliest class" in said
    matrix = said.split("\nlinear\n")[1].split("\n\n")[0].splitlines()
    assert matrix[0].split() == list(BENCHMARKS["weather"].labels)
    counts = np.array([[int(cell) for cell in line.split()[1:]] for line in matrix[1:]])
    assert counts.sum() == ROWS


def test_classes_have_a_report_and_no_thresholds(weather, run_command):
    run_command("report.py", *weather, "--run", "bert", "linear")
    workspace = Workspace(weather[-1])
    page = (workspace.report("weather") / "report.html").read_text()
    assert "rows of each true class by the likeliest class" in page
    assert "F1-best" not in page
    assert "confusions: bert" in page
    assert "confusions: linear" in page  # side by side
    for label in BENCHMARKS["weather"].labels:  # whole numbers: in the data, and in the decisions of each run
        assert len(re.findall(rf">{label}</th>\s*<td[^>]*>\d+</td>", page)) == 3
    assert not (workspace.run("weather", "bert") / "thresholds.json").exists()
    assert "macro F1" in (workspace.run("weather", "bert") / "README.md").read_text()


def test_class_that_is_likeliest_is_what_predict_assigns(weather, run_command):
    options = (*weather[:2], *weather[4:], "--run", "bert")
    answer = json.loads(run_command("predict.py", "one text", *options, "--output-format", "jsonl").stdout)
    assert answer["class"] == [max(BENCHMARKS["weather"].labels, key=answer.get)]
    refused = run_command("predict.py", "one text", *options, "--thresholds", 0.5, status=2)
    assert "has no thresholds" in refused.stderr


@pytest.fixture(scope="module")
def predictors(weather):
    runs = Workspace(weather[-1]).runs("weather")
    return {name: load_predictor(runs / name, [0]) for name in ("bert", "blstm")}


@pytest.mark.parametrize(
    ("run", "method"), [("bert", "occlusion"), ("bert", "gradients"), ("blstm", "attention")]
)
def test_classes_are_explained(predictors, run, method):
    explanation = explain(predictors[run], "some made up report", method)
    assert explanation.weights.shape == (4, 3)
    assert explanation.probabilities.sum() == pytest.approx(1)
    view = terminal_view(explanation, None, coloured=False)
    assert view.count("\n") == (
        3 if method == "attention" else 2
    )  # the probabilities, then the likeliest class


def test_gradients_add_up_to_what_the_words_change_in_the_log_odds_of_a_class(predictors):
    predictor, text = predictors["bert"], "some made up report"
    explanation = explain(predictor, text, "gradients")
    probabilities = predictor.predict_proba([text, " ".join(["[MASK]"] * 4)])
    real, masked = ONE_CLASS.to_scale(probabilities.astype(np.float64), "logit")
    assert explanation.weights.sum(axis=0) == pytest.approx(real - masked, abs=0.1)


def test_page_to_play_with_gives_classes(predictors):
    app = TextApp({"bert": predictors["bert"]}, BENCHMARKS["weather"])
    client = Client(app)
    answer = client.post(
        "/predict", json={"text": "a report", "run": "bert"}, headers={"Host": "127.0.0.1:80"}
    )
    assert sum(answer.json["probabilities"]) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("form", ["huggingface", "savedmodel"])
def test_classes_are_exported(weather, run_command, tmp_path, form):
    options = (*weather[:2], *weather[4:], "--run", "bert", "--fold", 0)
    run_command("export.py", *options, "--format", form, "--output", tmp_path / form)
    assert json.loads((tmp_path / form / "export.json").read_text())["target"] == "classes"


@pytest.fixture(scope="module")
def speech(places, run_command):
    """Two finished folds of both models that read sounds."""
    for model in MODEL_SETTINGS["sound"]:
        train(run_command, places["emodb"], model)
    return places["emodb"]


def test_emotions_have_a_report_with_attention_speakers_and_recordings(speech, run_command):
    run_command("report.py", *speech, "--run", "blstm")
    workspace = Workspace(speech[-1])
    page = (workspace.report("emodb") / "report.html").read_text()
    for emotion in BENCHMARKS["emodb"].labels:
        assert f"attention: {emotion} (" in page
    assert page.count('src="data:audio/wav;base64,') == 7
    assert page.count("Scores by speaker") == 1
    assert "audio-classification" in (workspace.run("emodb", "blstm") / "README.md").read_text()


def test_emotions_are_compared_by_differences_over_speakers(speech, run_command):
    said = run_command("compare_runs.py", *speech, "--run", "linear", "blstm").stdout
    assert "2 folds pooled; 95 % intervals of differences by a bootstrap of speakers" in said
    assert "blstm: average recall" in said


def test_benchmark_without_test_rows_has_a_blend_and_no_submission(speech, run_command):
    result = run_command("make_submission.py", *speech, "--run", "blstm", "linear")
    assert "equal weights, logit of blstm, linear" in result.stdout
    assert "has no test rows, so there is nothing to submit" in result.stderr
    assert not Workspace(speech[-1]).submissions.exists() or not list(
        Workspace(speech[-1]).submissions.glob("emodb*")
    )


def test_sounds_are_predicted_from_files_folders_and_tables(speech, run_command):
    options, wav = (*speech[:2], *speech[4:], "--folds", 0), speech[3] / "wav"
    (speech[3] / "list.csv").write_text("id,path\nfirst,wav/01a01Wa.wav\n")
    alone = run_command("predict.py", wav / "01a01Wa.wav", *options).stdout.splitlines()
    folder = run_command("predict.py", wav, *options).stdout.splitlines()
    listed = run_command("predict.py", "--file", speech[3] / "list.csv", *options).stdout.splitlines()
    assert alone[0].split(",") == ["id", *BENCHMARKS["emodb"].labels, "class"]
    assert len(folder) == 1 + SOUNDS
    row = next(line for line in folder if "01a01Wa" in line).split(",")
    for line in (alone[1].split(","), listed[1].split(",")):
        assert np.array(line[1:-1], float) == pytest.approx(np.array(row[1:-1], float), abs=1e-5)
    shown = run_command("predict.py", wav / "01a01Wa.wav", *options, "--explain").stdout
    assert "|" in shown
    assert "0.5 s 0." in shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("train_folds.py", "--model", "bert"), "reads no sounds"),
        (("train_folds.py", "--encoder", "tiny"), "not of --model blstm of sounds"),
        (("train_folds.py", "--n-folds", 11), "10 speakers cannot be cut into 11 folds"),
        (("train_folds.py", "--group-by", "actor"), "--group-by is actor, expected speaker or none"),
        (("train_folds.py", "--extra", "x.csv"), "takes texts"),
        (("pretrain.py",), "takes texts"),
        (("make_submission.py", "--run", "linear", "--submit"), "there are no test rows"),
    ],
)
def test_what_does_not_go_with_sounds_is_refused(speech, run_command, words, said):
    assert said in run_command(words[0], *words[1:], *speech, status=2).stderr

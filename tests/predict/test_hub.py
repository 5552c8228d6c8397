"""Uploads to the Hugging Face Hub: only on request, private at first, and every refusal in one line."""

import shutil

import pytest
from hub_server import TOKEN, HubServer
from huggingface_hub import ModelCard, constants

from pooled_bert.base.errors import InputError
from pooled_bert.predict.hub import check_push, push


@pytest.fixture
def hub(monkeypatch):
    server = HubServer()
    monkeypatch.setattr(constants, "ENDPOINT", server.address)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield server
    server.close()


@pytest.fixture
def no_token(monkeypatch, tmp_path):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.delenv("HUGGING_FACE_HUB_TOKEN", raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "tf_model.h5").write_bytes(b"weights" * 1000)
    (tmp_path / "model" / "README.md").write_text("# A card\n")
    return tmp_path / "model"


def test_files_are_uploaded_byte_by_byte_to_a_new_private_repository(hub, folder):
    address = push(folder, "me/model", "a message")
    assert address.startswith(f"{hub.address}/me/model/commit/")
    assert hub.files["me/model"] == {path.name: path.read_bytes() for path in folder.iterdir()}
    assert hub.private == {"me/model"}


def test_repository_that_exists_stays_as_public_as_it_is(hub, folder):
    hub.files["me/model"] = {}
    push(folder, "me/model", "a message")
    assert hub.private == set()
    assert "README.md" in hub.files["me/model"]


def test_wrong_token_is_told_with_the_remedy(hub, folder, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_other")
    with pytest.raises(InputError, match=r"status 401.*Invalid credentials.*hf auth login") as refused:
        push(folder, "me/model", "a message")
    assert "\n" not in str(refused.value)
    assert "hf_other" not in str(refused.value)
    assert hub.files == {}


@pytest.mark.parametrize("down", ["/api/repos", "/api/models", "/me/model.git"])
def test_hub_that_is_out_of_order_is_told_in_one_line(hub, folder, down):
    hub.down = down
    with pytest.raises(
        InputError, match=r"--push me/model: the Hub answered with status 500 \(out of order\)"
    ) as refused:
        push(folder, "me/model", "a message")
    assert "\n" not in str(refused.value)


def test_card_that_the_hub_refuses_is_told_in_one_line(hub, folder):
    hub.complaints = ['"license" must be one of: apache-2.0, mit']
    with pytest.raises(InputError, match=r"must be one of: apache-2.0") as refused:
        push(folder, "me/model", "a message")
    assert "\n" not in str(refused.value)


def test_hub_that_cannot_be_reached_is_told(hub, folder, monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(InputError, match=r"http://127.0.0.1:1 gave no answer"):
        push(folder, "me/model", "a message")


@pytest.mark.parametrize("repo", ["a/b/c", "-x/y", "me/a b", "me/..", ""])
def test_name_that_no_repository_can_have_is_refused(hub, repo):
    with pytest.raises(InputError, match="is not the name of a repository"):
        check_push(repo)


def test_without_a_token_nothing_is_exported_or_sent(no_token, run_command, tmp_path):
    words = ("--fold", 0, "--format", "huggingface", "--output", tmp_path / "out", "--push", "me/model")
    said = run_command("export.py", *words, status=2).stderr
    assert "--push me/model: there is no token" in said
    assert "HF_TOKEN" in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_only_a_hugging_face_folder_is_pushed(run_command, tmp_path):
    words = ("--fold", 0, "--format", "savedmodel", "--output", tmp_path / "out", "--push", "me/model")
    assert "huggingface, the only format that is pushed" in run_command("export.py", *words, status=2).stderr


def test_export_is_pushed_with_the_card_and_only_on_request(hub, run_command, tiny_run, sample, tmp_path):
    shutil.copytree(tiny_run.parents[3], tmp_path / "workspace")
    options = ("--workspace", tmp_path / "workspace")
    words = (*options, "--fold", 0, "--format", "huggingface", "--output", tmp_path / "out", "--overwrite")
    assert "report.py" in run_command("export.py", *words, "--push", "me/model", status=2).stderr
    run_command("report.py", *options, "--data", sample, "--run", "bert", "--license", "apache-2.0")
    run_command("export.py", *words)
    assert hub.requests == []
    said = run_command("export.py", *words, "--push", "me/model").stdout
    assert f"{hub.address}/me/model/commit/" in said
    written = {
        path.relative_to(tmp_path / "out").as_posix()
        for path in (tmp_path / "out").rglob("*")
        if path.is_file()
    }
    assert hub.files["me/model"].keys() == written
    card = ModelCard(hub.files["me/model"]["README.md"].decode())
    assert card.data.license == "apache-2.0"
    assert "the model of fold 0 alone" in card.content

import numpy as np
import pytest
from conftest import StopAfter

from pooled_bert.base.deadline import Deadline
from pooled_bert.base.errors import InputError, TimeLimitReached
from pooled_bert.models.encoders import load_encoder, load_language_model, load_tokenizer
from pooled_bert.training import pretraining
from pooled_bert.training.checkpoints import Checkpoints
from pooled_bert.training.pretraining import mask_tokens, pretrain
from pooled_bert.training.settings import PretrainingSettings

TEXTS = [f"one two three four {word} six seven" for word in ("five", "eight", "nine")] * 40
SETTINGS = PretrainingSettings(
    encoder="tiny", epochs=16, batch_size=16, learning_rate=2e-2, max_length=16, precision="float32"
)


def run(folder, settings=SETTINGS, deadline=None):
    checkpoints = Checkpoints(folder, minutes=60)
    return pretrain(
        TEXTS, settings, cache=folder / "tokens", checkpoints=checkpoints, deadline=deadline or Deadline()
    )


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory):
    return run(tmp_path_factory.mktemp("pretraining"))


def test_hidden_words_are_learnt_from_those_around_them(pretrained):
    losses = [record["loss"] for record in pretrained[1]]
    assert losses[-1] < 0.6 * losses[0]


def test_what_is_written_is_an_encoder_with_its_head(pretrained, tmp_path, capsys):
    save, _ = pretrained
    save(tmp_path)
    capsys.readouterr()
    tokenizer = load_tokenizer(str(tmp_path), [])
    encoder, language_model = (
        load_encoder(str(tmp_path), tokenizer),
        load_language_model(str(tmp_path), tokenizer),
    )
    for left, right in zip(encoder.bert.weights, language_model.bert.weights, strict=True):
        assert (left.numpy() == right.numpy()).all()
    assert "has no masked-LM head" not in capsys.readouterr().err


def test_encoder_without_a_head_gets_a_fresh_one_with_a_note_and_keeps_its_weights(
    encoder_folder, tokenizer, capsys
):
    encoder = load_encoder(str(encoder_folder), tokenizer)
    capsys.readouterr()
    model = load_language_model(str(encoder_folder), tokenizer)
    assert f"{encoder_folder}: has no masked-LM head" in capsys.readouterr().err
    for left, right in zip(encoder.bert.weights, model.bert.weights, strict=True):
        assert (left.numpy() == right.numpy()).all()


def test_stopped_and_resumed_pretraining_ends_the_same(pretrained, tmp_path):
    with pytest.raises(TimeLimitReached):
        run(tmp_path, deadline=StopAfter(10))
    save, history = run(tmp_path)
    assert history == pretrained[1]
    for folder, write in ((tmp_path / "a", save), (tmp_path / "b", pretrained[0])):
        folder.mkdir()
        write(folder)
    name = "model.safetensors"
    assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_masks_hide_real_tokens_at_the_rate_asked_for(tokenizer):
    random = np.random.default_rng(0)
    ids = np.full((200, 50), tokenizer.convert_tokens_to_ids("five"), np.int32)
    ids[:, 0], ids[:, 40], ids[:, 41:] = tokenizer.cls_token_id, tokenizer.sep_token_id, 0
    seen, targets = mask_tokens(ids, tokenizer, 0.15, random)
    hidden = targets >= 0
    assert not hidden[:, [0, *range(40, 50)]].any()
    assert (targets[hidden] == ids[hidden]).all()
    assert (seen[~hidden] == ids[~hidden]).all()
    assert hidden[:, 1:40].mean() == pytest.approx(0.15, abs=0.02)
    assert (seen[hidden] == tokenizer.mask_token_id).mean() == pytest.approx(0.8, abs=0.05)
    assert (seen[hidden] == ids[hidden]).mean() == pytest.approx(0.1, abs=0.04)


def test_batch_of_few_tokens_hides_one_and_an_empty_one_none(tokenizer):
    random = np.random.default_rng(0)
    one = np.array([[tokenizer.cls_token_id, 7, tokenizer.sep_token_id]], np.int32)
    assert (mask_tokens(one, tokenizer, 1e-9, random)[1] >= 0).sum() == 1
    assert (mask_tokens(one[:, [0, 2]], tokenizer, 0.5, random)[1] >= 0).sum() == 0


def test_texts_longer_than_the_encoder_reads_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(pretraining, "longest_text", lambda model: 12)
    with pytest.raises(InputError, match="--max-length 16: this encoder reads 12 tokens at most"):
        run(tmp_path)


def test_impossible_settings_are_refused():
    with pytest.raises(InputError, match=r"--masked is 1\.0"):
        PretrainingSettings(masked=1.0)
    with pytest.raises(InputError, match="--epochs is 0"):
        PretrainingSettings(epochs=0)


@pytest.mark.slow
def test_command_leaves_an_encoder_and_nothing_else(run_command, run_process, sample, tmp_path):
    options = ("--data", sample, "--workspace", tmp_path, "--encoder", "tiny", "--epochs", 1)
    assert "--time-limit is -1.0" in run_command("pretrain.py", *options, "--time-limit", -1, status=2).stderr
    assert "time limit" in run_command("pretrain.py", *options, "--time-limit", 0, status=75).stderr
    said = run_process("pretrain.py", *options).stdout
    folder = tmp_path / "build" / "pretrained" / "jigsaw"
    assert f"--encoder {folder}" in said
    assert [path.name for path in folder.parent.iterdir()] == ["jigsaw"]
    load_encoder(str(folder), load_tokenizer(str(folder), []))
    assert "exists already" in run_command("pretrain.py", *options, "--seed", 1, status=2).stderr


@pytest.mark.slow
def test_command_killed_after_it_named_its_output_tidies_up_when_it_is_started_again(
    run_command, start_halting, sample, tmp_path
):
    options = ("--data", sample, "--workspace", tmp_path, "--encoder", "tiny", "--epochs", 1)
    process = start_halting("step_*.npz", 1, "pretrain.py", *options)
    folder = tmp_path / "build" / "pretrained" / "jigsaw"
    (checkpoints,) = folder.parent.glob("*.checkpoints")
    process.kill()
    process.wait()
    run_command("pretrain.py", *options)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    checkpoints.mkdir()
    run_command("pretrain.py", *options)
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["jigsaw"]

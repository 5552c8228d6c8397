"""The real client against a stand-in of Kaggle's server: one run."""

import pytest
from kaggle_runs import OPTIONS, PLAN, built, client_of, finished_fold, home_fold, plan_of, queue_of, wait
from kaggle_server import Kaggle

from pooled_bert.base.errors import InputError
from pooled_bert.base.files import read_json
from pooled_bert.kernels.build import build_fold
from pooled_bert.kernels.client import NoFreeSlot, State

OTHER = (*OPTIONS, "--epochs", "9")
SLUG = PLAN.slug(0)


@pytest.fixture
def kaggle(tmp_path, monkeypatch):
    """A server whose kernels finish with a fold, the client's environment, and the kernels of a plan."""
    built(PLAN, tmp_path / "kernels")
    with Kaggle(lambda slug, _: finished_fold(tmp_path / "outputs", slug)) as server:
        server.log_in(monkeypatch, tmp_path)
        yield server


def home(root, fold=0):
    return root / "folds" / "jigsaw" / "runs" / "bert" / f"fold_{fold}"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_all_folds_come_home_two_at_a_time(kaggle, tmp_path):
    shown = wait(queue_of(tmp_path))
    assert kaggle.most_active == 2
    assert len(kaggle.pushes) == 3
    for fold in range(3):
        assert "metrics.json" in names(home(tmp_path, fold))
    states = {seen.state for (run,) in shown for seen in run}
    assert states >= {State.QUEUED, State.RUNNING, State.ABSENT, None}
    assert names(tmp_path / "kernels" / "downloads") == []


def test_tables_alone_are_downloaded_once(kaggle, tmp_path):
    wait(queue_of(tmp_path))
    wait(queue_of(tmp_path))
    assert {name.rsplit("/", 1)[1] for name in kaggle.downloads} == {
        "config.json",
        "metrics.json",
        "oof.csv",
        "test.csv",
    }
    assert len(kaggle.downloads) == 3 * 4
    assert kaggle.bytes < 10_000  # a checkpoint has 50,000, a model 60,000
    assert not (home(tmp_path) / "model").exists()


def test_models_come_when_asked_for_even_later(kaggle, tmp_path):
    wait(queue_of(tmp_path))
    queue_of(tmp_path, with_models=True).advance(is_pushing=False)
    assert names(home(tmp_path) / "model") == ["weights.npz"]
    downloads = len(kaggle.downloads)
    queue_of(tmp_path, with_models=True).advance(is_pushing=False)
    assert len(kaggle.downloads) == downloads
    assert not any("checkpoints" in name for name in kaggle.downloads)


def test_models_come_with_the_tables_when_asked_for(kaggle, tmp_path):
    wait(queue_of(tmp_path, with_models=True))
    assert names(home(tmp_path) / "model") == ["weights.npz"]


def test_what_is_done_or_on_its_way_is_not_pushed_again(kaggle, tmp_path):
    queue_of(tmp_path, folds=[0]).advance()
    wait(queue_of(tmp_path, folds=[0]))
    wait(queue_of(tmp_path, folds=[0]))
    assert kaggle.pushes == [SLUG]


def test_kernel_of_an_older_build_is_not_pushed(kaggle, tmp_path):
    build_fold(plan_of(options=OTHER), tmp_path / "kernels", 0)
    with pytest.raises(InputError, match="was built with other settings or sources; build all folds again"):
        wait(queue_of(tmp_path, folds=[0, 1]))
    assert kaggle.pushes == [PLAN.slug(1)]


def test_session_is_bounded(kaggle, tmp_path):
    queue_of(tmp_path, folds=[0]).advance()
    assert kaggle.kernels[SLUG].metadata["sessionTimeoutSeconds"] == 720 * 60


def test_slot_taken_by_others_is_waited_for(kaggle, tmp_path):
    other = client_of()
    for fold in (0, 1):
        other.push(tmp_path / "kernels" / PLAN.slug(fold), 60)
    with pytest.raises(NoFreeSlot):
        other.push(tmp_path / "kernels" / PLAN.slug(2), 60)
    wait(queue_of(tmp_path))


def test_failed_kernel_is_told_with_the_end_of_its_log_after_the_others_are_in(kaggle, tmp_path, caplog):
    def execute(slug, _):
        if slug == SLUG:
            raise RuntimeError("\n".join(f"line {number}" for number in range(40)))
        return finished_fold(tmp_path / "outputs", slug)

    kaggle.execute = execute
    with pytest.raises(InputError, match=r"bert fold 0: its kernel failed \(exit status 1\)"):
        wait(queue_of(tmp_path))
    assert "line 39" in caplog.text
    assert "line 20" not in caplog.text
    assert len(kaggle.pushes) == 3
    assert (home(tmp_path, 2) / "metrics.json").exists()
    kaggle.execute = lambda slug, _: finished_fold(tmp_path / "outputs", slug)
    wait(queue_of(tmp_path))  # started again, it tries again
    assert kaggle.pushes[3:] == [SLUG]


def test_cancelled_kernel_is_called_cancelled(kaggle, tmp_path):
    queue = queue_of(tmp_path, folds=[0])
    queue.advance()
    kaggle.kernels[SLUG].status = "CANCEL_ACKNOWLEDGED"
    with pytest.raises(InputError, match="was cancelled on Kaggle; run again"):
        wait(queue)


@pytest.mark.parametrize("status", ["PAUSED_FOR_TEA", None])
def test_status_without_a_known_name_is_shown_and_waited_for(kaggle, tmp_path, status):
    queue = queue_of(tmp_path, folds=[0])
    queue.advance()
    kaggle.kernels[SLUG].status = status
    ((seen,),) = queue.advance()
    assert seen.state is State.UNKNOWN
    assert seen.message == f"status {status}"
    kaggle.kernels[SLUG].status = "RUNNING"
    wait(queue)
    assert kaggle.pushes == [SLUG]


def test_status_that_lags_behind_a_push_is_not_believed(kaggle, tmp_path):
    kaggle.execute = lambda slug, _: finished_fold(tmp_path / "outputs", slug, revision="old")
    client_of().push(tmp_path / "kernels" / SLUG, 60)
    queue = queue_of(tmp_path, folds=[0])
    while not queue.review():
        pass
    kaggle.execute = lambda slug, _: finished_fold(tmp_path / "outputs", slug)
    kaggle.lag = 5
    wait(queue)
    assert kaggle.pushes == [SLUG] * 2


def test_push_that_arrived_without_an_answer_is_not_repeated(kaggle, tmp_path):
    kaggle.faults = [("SaveKernel", "cut after")]
    wait(queue_of(tmp_path, folds=[0]))
    assert kaggle.pushes == [SLUG]


@pytest.mark.parametrize("trouble", ["cut", "html", "empty", 503])
def test_push_that_did_not_arrive_is_repeated(kaggle, tmp_path, trouble):
    kaggle.faults = [("SaveKernel", trouble)]
    wait(queue_of(tmp_path, folds=[0]))
    assert kaggle.pushes == [SLUG]
    assert kaggle.requests.count("SaveKernel") == 2


def test_fold_out_of_time_goes_on_in_a_next_part_with_the_same_code(kaggle, tmp_path):
    kaggle.execute = lambda slug, _: finished_fold(
        tmp_path / "outputs", slug, is_done=slug.endswith("part-3")
    )
    wait(queue_of(tmp_path, folds=[1]))
    assert kaggle.pushes == [PLAN.slug(1, part) for part in (1, 2, 3)]
    last = kaggle.kernels[PLAN.slug(1, 3)]
    assert last.metadata["kernelDataSources"] == [PLAN.kernel(1, 2)]
    assert last.text == kaggle.kernels[PLAN.slug(1)].text
    assert not any("checkpoints" in name for name in kaggle.downloads)


def test_fold_at_home_of_other_settings_is_asked_about_and_kept_until_its_successor_is_here(kaggle, tmp_path):
    home_fold(tmp_path, tmp_path / "local", SLUG, options=OTHER)
    queue = queue_of(tmp_path)
    (reason,) = queue.review()
    assert "bert fold 0 at home" in reason
    assert "epochs is 9 there and 4 here" in reason
    assert kaggle.pushes == []
    queue.accept()
    replaced = home(tmp_path).with_name("replaced_fold_0")
    assert replaced.exists()
    assert queue_of(tmp_path).review() == []
    wait(queue)
    assert read_json(home(tmp_path) / "config.json")["identity"]["settings"]["epochs"] == 4
    assert not replaced.exists()


def test_fold_at_home_of_other_settings_that_is_not_asked_for_is_refused_before_a_push(kaggle, tmp_path):
    home_fold(tmp_path, tmp_path / "local", SLUG, options=OTHER)
    with pytest.raises(InputError, match=r"fold 0 at home .*Name it with --fold too"):
        queue_of(tmp_path, folds=[1]).review()


@pytest.mark.parametrize("fields", [{"revision": "old"}, {"options": OTHER}])
def test_output_of_another_build_on_kaggle_is_asked_about(kaggle, tmp_path, fields):
    kaggle.execute = lambda slug, _: finished_fold(tmp_path / "outputs", slug, **fields)
    client_of().push(tmp_path / "kernels" / SLUG, 60)
    queue = queue_of(tmp_path, folds=[0])
    for _ in range(2):
        assert queue.review() == []  # of this plan, as far as a running kernel shows
    (reason,) = queue.review()
    assert "on Kaggle (someone/pooled-bert-jigsaw-bert-fold-0) is complete, but from another build" in reason
    kaggle.execute = lambda slug, _: finished_fold(tmp_path / "outputs", slug)
    wait(queue)
    assert kaggle.pushes == [SLUG] * 2
    assert [name.rsplit("/")[-1] for name in kaggle.downloads].count("oof.csv") == 1


def test_kernel_of_another_build_that_runs_is_asked_about(kaggle, tmp_path):
    queue_of(tmp_path, folds=[0]).advance()
    kaggle.kernels[SLUG].is_started = True  # and never ends
    other = built(plan_of(options=OTHER), tmp_path / "kernels")
    (reason,) = queue_of(tmp_path, other, folds=[0]).review()
    assert "is being trained from another build" in reason
    again = built(plan_of(time_limit=300), tmp_path / "kernels")  # decides nothing
    assert queue_of(tmp_path, again, folds=[0]).review() == []
    kaggle.kernels[SLUG].text = "print('by hand')"
    assert queue_of(tmp_path, folds=[0]).review() == []  # pushed from here, for this plan
    (tmp_path / "kernels" / "pushes.json").unlink()
    assert "from another build" in queue_of(tmp_path, folds=[0]).review()[0]


def test_outputs_of_other_builds_are_not_downloaded_at_every_poll(kaggle, tmp_path):
    kaggle.execute = lambda slug, _: finished_fold(tmp_path / "outputs", slug, revision="old")
    other = client_of()
    other.push(tmp_path / "kernels" / PLAN.slug(2), 60)
    for _ in range(3):
        other.status(PLAN.kernel(2))
    for fold in (0, 1):  # take the slots
        other.push(tmp_path / "kernels" / PLAN.slug(fold), 60)
    queue = queue_of(tmp_path, folds=[2])
    queue.review()
    for _ in range(20):
        queue.advance()
    assert kaggle.downloads == [f"{PLAN.slug(2)}/folds/jigsaw/runs/bert/fold_2/config.json"]


@pytest.mark.parametrize("fields", [{"revision": "other"}, {"options": OTHER}])
def test_output_that_is_not_what_was_pushed_is_refused(kaggle, tmp_path, fields):
    kaggle.execute = lambda slug, _: finished_fold(tmp_path / "outputs", slug, **fields)
    with pytest.raises(InputError, match="fold 0: its "):
        wait(queue_of(tmp_path))
    assert not list((tmp_path / "folds").rglob("metrics.json"))


def test_output_of_other_data_than_at_home_is_refused(kaggle, tmp_path):
    home_fold(tmp_path, tmp_path / "local", SLUG, train="made up")
    with pytest.raises(
        InputError, match=r"fold_0: does not belong to the same run as fold 1 on Kaggle: data\.train"
    ):
        wait(queue_of(tmp_path))


def test_unfinished_training_of_other_settings_is_refused_before_a_push(kaggle, tmp_path):
    home_fold(tmp_path, tmp_path / "local", SLUG, options=OTHER, is_done=False)
    with pytest.raises(InputError, match="an unfinished training with different settings: epochs is 9"):
        queue_of(tmp_path, folds=[0]).review()
    assert kaggle.pushes == []
    assert list((tmp_path / "folds").rglob("step_*.npz"))


def test_words_of_a_refusal_are_told_in_either_shape(kaggle, tmp_path):
    kaggle.faults = [("SaveKernel", 400), ("SaveKernel", "other shape")]
    with pytest.raises(InputError, match=r"fold 0: .*try again.*fold 1: .*the other words"):
        wait(queue_of(tmp_path, folds=[0, 1]))


@pytest.mark.parametrize("name", ["/tmp/elsewhere", "../../elsewhere"])
def test_output_is_written_nowhere_else(kaggle, tmp_path, name):
    kaggle.extra_names = [name]
    with pytest.raises(InputError, match="outside the download folder"):
        wait(queue_of(tmp_path, folds=[0]))


def test_address_that_has_expired_is_asked_for_again(kaggle, tmp_path):
    kaggle.expired = 2
    wait(queue_of(tmp_path, folds=[0]))
    kaggle.expired = 100
    with pytest.raises(InputError, match="fold 1: Kaggle refused the request: the address has expired"):
        wait(queue_of(tmp_path, folds=[1]))


def test_damaged_output_is_refused(kaggle, tmp_path):
    def execute(slug, _):
        output = finished_fold(tmp_path / "outputs", slug)
        (path,) = output.rglob("oof.csv")
        path.write_text(path.read_text().replace("0.5", "0.6", 1))
        return output

    kaggle.execute = execute
    with pytest.raises(InputError, match="changed after it was written"):
        wait(queue_of(tmp_path))
    assert not home(tmp_path).exists()


def test_empty_output_is_refused(kaggle, tmp_path):
    kaggle.execute = lambda slug, _: tmp_path / "outputs" / "nothing"
    with pytest.raises(InputError, match="its output has no folder bert/fold_0"):
        wait(queue_of(tmp_path, folds=[0]))

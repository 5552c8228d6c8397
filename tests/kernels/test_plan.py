"""What a plan refuses before anything is built, and what tells two plans apart."""

import json
from datetime import UTC, datetime

import pytest
from kaggle_runs import OPTIONS, plan_of

from pooled_bert.base.errors import InputError
from pooled_bert.base.files import _machine
from pooled_bert.kernels.plan import LAST_PART, LONGEST_TITLE, read_plan, require_own_names, write_plan
from pooled_bert.kernels.pushes import Pushes


def test_plan_is_read_as_it_was_written(tmp_path):
    plan = plan_of("minilm", extra_dataset="someone/rows", time_limit=90)
    write_plan(plan, tmp_path)
    assert read_plan(tmp_path, "jigsaw", "minilm") == plan
    with pytest.raises(InputError, match="build the kernels first"):
        read_plan(tmp_path, "imdb", "minilm")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"notebook"', '"notes"', "is of another version of this project"),
        ('"owner"', '"user"', "is damaged .owner is missing.; build the kernels again"),
        ('"n_folds": 3', '"n_folds": -1', "n_folds is -1, expected a whole number from 2"),
        ('"options": [', '"options": [1, ', "options.0 is 1, expected a text"),
    ],
)
def test_plan_of_another_version_or_shape_is_told(tmp_path, old, new, said):
    write_plan(plan_of(), tmp_path)
    (path,) = tmp_path.iterdir()
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new))
    with pytest.raises(InputError, match=said):
        read_plan(tmp_path, "jigsaw", "bert")


def test_part_of_a_push_that_was_killed_is_deleted(tmp_path):
    (tmp_path / f".pushes.json.{_machine()}.{2**30}.0.part").touch()
    assert Pushes(tmp_path).time("slug") is None
    assert not list(tmp_path.iterdir())


def test_time_of_a_push_that_is_none_is_told(tmp_path):
    Pushes(tmp_path).add("slug", datetime.now(UTC), "digest")
    for time in ("soon", "2026-01-01T00:00:00"):
        (tmp_path / "pushes.json").write_text(
            json.dumps({"slug": {"time": time, "plan": "digest", "shown": False}})
        )
        with pytest.raises(InputError, match=r"slug.time is .* expected a time with its zone"):
            Pushes(tmp_path).time("slug")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"owner": "some one"}, r"--owner is 'some one', expected a Kaggle user name"),
        ({"owner": "me/you"}, "--owner"),
        ({"encoder_dataset": "bert"}, "--encoder-dataset is 'bert', expected OWNER/SLUG"),
        ({"environment_dataset": "https://kaggle.com/a/b"}, "--offline"),
        ({"extra_dataset": "a/b/c"}, "--extra-dataset"),
        ({"time_limit": 5000.0}, "--time-limit is 5000.0, expected from 1 to 700 minutes; Kaggle ends"),
        ({"time_limit": -1.0}, "--time-limit"),
        ({"time_limit": float("nan")}, "--time-limit"),
        ({"run": "a/b"}, "--run 'a/b': is not a plain name"),
        (
            {"run": "a-name-of-17-chars"},
            "--run a-name-of-17-chars: choose a name that is 2 characters shorter",
        ),
    ],
)
def test_what_kaggle_would_refuse_later_is_refused_now(fields, said):
    with pytest.raises(InputError, match=said):
        plan_of(**fields)


def test_every_part_of_the_longest_name_has_a_title_that_kaggle_takes():
    assert len(plan_of("sixteen-letters!").title(2, LAST_PART)) <= LONGEST_TITLE


def test_runs_whose_kernels_would_have_the_same_names_are_refused(tmp_path):
    write_plan(plan_of("a_b"), tmp_path)
    require_own_names(plan_of("a_b", time_limit=30.0), tmp_path)  # built again
    with pytest.raises(InputError, match="the names of the kernels of run 'a_b' of jigsaw"):
        require_own_names(plan_of("a-b"), tmp_path)


def test_digest_changes_with_what_decides_the_results():
    same = [plan_of(), plan_of(time_limit=30.0), plan_of(environment_dataset="a/b"), plan_of(gpu=False)]
    assert len({plan.digest for plan in same}) == 1
    changes = [{"revision": "new"}, {"options": (*OPTIONS, "--epochs", "9")}, {"extra_dataset": "a/b"}]
    changes += [{"pseudo": "bert", "pseudo_dataset": "a/b"}, {"encoder_dataset": "a/b"}]
    others = {plan_of(**change).digest for change in changes}
    assert len(others | {plan_of().digest}) == 6


@pytest.mark.parametrize(("minutes", "seconds"), [(660.0, 43_200), (90.0, 9_000)])
def test_session_ends_within_kaggles_limit(minutes, seconds):
    assert plan_of(time_limit=minutes).session_seconds == seconds

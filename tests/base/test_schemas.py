"""JSON of a certain shape: what differs is named, whatever it is."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import pytest

from pooled_bert.base.rules import PROBABILITY
from pooled_bert.base.schemas import parse_json


class Shape(TypedDict):
    name: str
    size: int
    share: Annotated[float, PROBABILITY]
    kind: Literal["a", "b"]
    scores: dict[str, float | None]
    parts: list[bool]
    words: tuple[str, ...]
    more: NotRequired[dict]
    other: NotRequired[Any]


RIGHT = (
    '{"name": "x", "size": 1, "share": 1, "kind": "a", "scores": {"y": null, "z": 0.5}, "parts": [true], "words": [],'
    ' "new": 1}'
)


def test_right_shape_is_read_with_names_that_are_new():
    assert parse_json(RIGHT, Shape)["new"] == 1


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('"x"', "1", "name is 1, expected a text"),
        ('"size": 1', '"size": true', "size is True, expected a whole number"),
        ('"size": 1, ', "", "size is missing"),
        ('"share": 1', '"share": 5', "share is 5, expected a number from 0 to 1"),
        ('"share": 1', '"share": "0.5"', "share is '0.5', expected a number"),
        ('"share": 1', '"share": NaN', "NaN is not a finite number"),
        ('"a"', '"c"', "kind is 'c', expected a or b"),
        ('"a"', "[]", "kind is .*, expected a or b"),
        ("0.5", "[]", "scores.z is .*, expected a number"),
        ("[true]", "{}", "parts is {}, expected a list"),
        ("[true]", "[true, 1]", "parts.1 is 1, expected true or false"),
        ('{"y": null, "z": 0.5}', "[]", "scores is .*, expected an object"),
        ('"words": []', '"words": ["x", 1]', "words.1 is 1, expected a text"),
        ('"words": []', '"words": {}', "words is {}, expected a list"),
        ('"new": 1', '"more": []', "more is .*, expected an object"),
        (RIGHT, "[]", "it is .*, expected an object"),
        (RIGHT, "[" * 100_000, "nested too deeply"),
    ],
)
def test_difference_is_named(old, new, expected):
    with pytest.raises(ValueError, match=expected):
        parse_json(RIGHT.replace(old, new), Shape)


@dataclass
class Record:
    name: str
    size: int = 0


def test_field_of_a_dataclass_may_be_missing_if_it_has_a_default():
    assert parse_json('{"name": "x"}', Record) == {"name": "x"}
    with pytest.raises(ValueError, match="name is missing"):
        parse_json("{}", Record)
    with pytest.raises(ValueError, match="size is 'x', expected a whole number"):
        parse_json('{"name": "x", "size": "x"}', Record)

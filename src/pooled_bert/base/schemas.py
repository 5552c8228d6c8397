"""Strict reading of JSON: a value has the shape that a type says, or the first difference is named.

A shape is a TypedDict or a dataclass (further names are allowed), ``list[…]``, ``tuple[…, ...]`` (a list too),
``dict[str, …]``, ``Literal[…]``, a union, a plain type, or ``Annotated[…, rule]`` with a Rule.
"""

import dataclasses
import json
import math
from collections.abc import Collection
from types import UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

KINDS = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "an object",
    list: "a list",
    type(None): "null",
}


def parse_json(text: str | bytes, shape: Any) -> Any:
    """Return the value of a JSON text; raises ValueError if it is not JSON, or not of this shape.

    Numbers are finite, and no name occurs twice in an object.
    """
    try:
        value = json.loads(text, parse_constant=_number, parse_float=_number, object_pairs_hook=unique_names)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    difference = mismatch(value, shape, "")
    if difference:
        raise ValueError(difference)
    return value


def unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object; raises ValueError if a name occurs twice."""
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a name occurs twice")
    return content


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a finite number")
    return number


def mismatch(value: Any, shape: Any, place: str) -> str | None:
    """Return how ``value``, which is at ``place``, differs from its shape; None if it does not."""
    origin, arguments = get_origin(shape), get_args(shape)
    if origin is NotRequired:
        return mismatch(value, arguments[0], place)
    if origin is Annotated:
        return mismatch(value, arguments[0], place) or _unless(
            arguments[1].allows(value), value, place, str(arguments[1])
        )
    if origin in (Union, UnionType):
        differences = [mismatch(value, argument, place) for argument in arguments]
        return None if None in differences else differences[0]
    if origin is Literal:
        return _unless(
            isinstance(value, str) and value in arguments, value, place, " or ".join(map(str, arguments))
        )
    if is_typeddict(shape) or dataclasses.is_dataclass(shape):
        return _unless(isinstance(value, dict), value, place, KINDS[dict]) or _fields_mismatch(
            value, shape, place
        )
    if origin in (dict, list, tuple):
        kind = dict if origin is dict else list
        parts = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        of_part = arguments[1] if origin is dict else arguments[0]
        inner = (mismatch(part, of_part, _within(place, name)) for name, part in parts)
        return _unless(isinstance(value, kind), value, place, KINDS[kind]) or next(filter(None, inner), None)
    if shape is Any:
        return None
    is_number = shape in (int, float) and not isinstance(value, bool)
    kinds = (int, float) if shape is float else shape
    return _unless(
        isinstance(value, kinds) and (is_number or shape not in (int, float)), value, place, KINDS[shape]
    )


def _fields_mismatch(value: dict, shape: Any, place: str) -> str | None:
    required = _required(shape)
    for name, part in get_type_hints(shape, include_extras=True).items():
        if name not in value and name in required:
            return f"{_within(place, name)} is missing"
        difference = mismatch(value[name], part, _within(place, name)) if name in value else None
        if difference:
            return difference
    return None


def _required(shape: Any) -> Collection[str]:
    if is_typeddict(shape):
        return shape.__required_keys__
    return [field.name for field in dataclasses.fields(shape) if field.default is dataclasses.MISSING]


def _within(place: str, name: str | int) -> str:
    return f"{place}.{name}" if place else str(name)


def _unless(is_right: bool, value: Any, place: str, expected: str) -> str | None:
    return None if is_right else f"{place or 'it'} is {value!r:.60}, expected {expected}"

"""Fields of frozen dataclasses: of the type they are annotated with, and in their range."""

from __future__ import annotations

import dataclasses
import math
import reprlib
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from itertools import repeat
from numbers import Integral, Real
from types import UnionType
from typing import get_args, get_origin, get_type_hints

import numpy as np

Range = tuple[Callable[[object], bool], str]

POSITIVE: Range = (lambda v: v > 0, "above 0")
NOT_NEGATIVE: Range = (lambda v: v >= 0, "at least 0")
COUNT: Range = (lambda v: v >= 1, "at least 1")
UNIT: Range = (lambda v: 0 <= v <= 1, "in [0, 1]")
SHARE: Range = (lambda v: 0 < v <= 1, "in (0, 1]")
SEED: Range = (lambda v: 0 <= v < 2**32, "from 0 up and below 2**32")

SWEPT = ("alpha", "beta", "T")  # 0.1 + 0.2 is 0.3 here, or a sweep would train it again


def one_of(choices: Collection[str]) -> Range:
    """The range of a field that takes one of ``choices``."""
    return lambda v: v in choices, f"one of {', '.join(choices)}"


def settle(record, ranges: Mapping[str, Range]) -> None:
    """Make every field of the frozen dataclass ``record`` what its annotation says.

    Numbers of any library become Python's, lists tuples; what is swept is kept to 12 significant
    digits. A field's range holds for each entry where it is a tuple, and None lies in all.

    Raises
    ------
    ValueError
        If a field is of another type or out of its range in ``ranges``; the message names it.
    """
    for name, kind in _kinds(type(record)).items():
        given = getattr(record, name)
        try:
            value = _as(kind, given)
        except _Wrong as wrong:
            raise ValueError(f"{name} must be {wrong}; got {reprlib.repr(given)}.") from None
        if name in SWEPT:
            value = float(f"{value:.12g}")
        if name in ranges and value is not None:
            holds, words = ranges[name]
            if not all(map(holds, value if isinstance(value, tuple) else (value,))):
                raise ValueError(f"{name} must be {words}; got {reprlib.repr(given)}.")
        object.__setattr__(record, name, value)


def check_names(record: type, values: object) -> dict:
    """``values`` as a dictionary, if it holds fields of the dataclass ``record`` and all it needs.

    Raises
    ------
    ValueError
        Otherwise; the message names the field.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"{record.__name__} must be a dictionary; got {reprlib.repr(values)}.")
    fields = {field.name: field for field in dataclasses.fields(record)}
    if unknown := [name for name in values if name not in fields]:
        raise ValueError(f"{record.__name__} has no field {reprlib.repr(unknown[0])}.")
    for name, field in fields.items():
        if field.default is dataclasses.MISSING and name not in values:
            raise ValueError(f"{record.__name__} lacks its field {name}.")
    return dict(values)


class _Wrong(Exception):
    """A value is not of its kind; says what that would be."""


@lru_cache
def _kinds(record: type) -> dict[str, type]:
    hints = get_type_hints(record)
    return {field.name: hints[field.name] for field in dataclasses.fields(record)}


def _as(kind, value):
    if kind in _SCALARS:
        return _SCALARS[kind](value)
    origin, args = get_origin(kind), get_args(kind)
    if origin is UnionType:  # something or None
        return None if value is None else _as(args[0], value)
    if origin is tuple:
        many = args[-1] is ...
        if not isinstance(value, tuple | list) or not many and len(value) != len(args):
            raise _Wrong("a sequence" if many else f"a sequence of {len(args)}")
        return tuple(map(_as, repeat(args[0]) if many else args, value))
    if not isinstance(value, origin or kind):
        raise _Wrong(f"a {(origin or kind).__name__}")
    return value


def _number(value: object) -> float:
    # numpy's float32 of 0.1 is told as 0.1, not as the double nearest to it.
    try:
        number = float(str(value) if isinstance(value, np.floating) else value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _Wrong("a finite number")
    return number


def _float(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise _Wrong("a number")
    return _number(value)


def _int(value: object) -> int:
    whole = isinstance(value, Integral) or isinstance(value, Real) and float(value).is_integer()
    if isinstance(value, bool) or not whole:
        raise _Wrong("a whole number")
    if abs(int(value)) >= 2**53:
        raise _Wrong("a whole number below 2**53")
    return int(value)


def _bool(value: object) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise _Wrong("True or False")
    return bool(value)


def _str(value: object) -> str:
    if not isinstance(value, str):
        raise _Wrong("a string")
    return str(value)


def _plain(value: object):
    """Numbers, truth values, words, None and tuples of them."""
    if value is None or isinstance(value, str) and value.isidentifier():
        return value
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, tuple | list):
        return tuple(map(_plain, value))
    if not isinstance(value, Real):
        raise _Wrong("pairs of a name and a number, a word, or several")
    return _int(value) if isinstance(value, Integral) else _number(value)


_SCALARS = {float: _float, int: _int, bool: _bool, str: _str, object: _plain}

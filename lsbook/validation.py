"""Checks of arguments, shared by every floor: one clear error that says what to do."""

from __future__ import annotations

import math
from numbers import Real

import torch
from torch import Tensor


def check_number(value: float, name: str) -> float | int:
    """Return ``value`` as Python's own number.

    Numpy's scalars are numbers, and arrays and tensors without axes; text and truth values are
    not, and raise ValueError.
    """
    number = value.item() if getattr(value, "ndim", None) == 0 else value
    if isinstance(number, bool) or not isinstance(number, Real):
        raise ValueError(f"{name} must be a number; got {value!r}.")
    return number


def check_unit(value: float, name: str) -> float:
    """Return ``value`` as a float if it is a number in [0, 1], else raise ValueError."""
    value = float(check_number(value, name))
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{name} must lie in [0, 1]; got {value:g}.")
    return value


def check_count(value: int, name: str, least: int = 1) -> int:
    """Return ``value`` as an int if it is whole and at least ``least``, else raise ValueError."""
    number = check_number(value, name)
    if not (math.isfinite(number) and number == int(number) and number >= least):
        raise ValueError(f"{name} must be a whole number, at least {least}; got {value}.")
    return int(number)


def check_alpha(alpha: float) -> float:
    """Return the smoothing ``alpha`` as a float if it lies in [0, 1], else raise ValueError."""
    return check_unit(alpha, "alpha (the share of each target given to the prior)")


def check_temperature(T: float) -> float:
    """Return temperature ``T`` as a float if it is finite and positive, else raise ValueError."""
    T = float(check_number(T, "The temperature T"))
    if not (math.isfinite(T) and T > 0):
        raise ValueError(f"The temperature T must be finite and above 0; got {T:g}.")
    return T


def check_logits(logits: Tensor, name: str = "logits", masked: bool = False) -> Tensor:
    """Return ``logits`` if they are floating, have at least two classes and are finite.

    With ``masked`` a logit may be -inf, a class ruled out, as long as each row keeps one class.

    Raises
    ------
    ValueError
        Otherwise.
    """
    _check_tensor(logits, name)
    if not torch.is_floating_point(logits):
        raise ValueError(f"{name} must be floating point; got {logits.dtype}.")
    if logits.ndim < 1 or logits.shape[-1] < 2:
        raise ValueError(
            f"{name} need at least two classes on the last axis; got {tuple(logits.shape)}."
        )
    # A finite sum vouches for every value, and is quicker than looking at each.
    if logits.sum().isfinite():
        return logits
    # A row's largest value is NaN or infinite if one is NaN, one is +inf or all are -inf.
    if not (logits.amax(-1) if masked else logits).isfinite().all():
        raise ValueError(
            f"{name} hold NaN or infinite values; look for a diverged run or a bad input."
            + masked * " (-inf rules a class out, but not every class of a row.)"
        )
    return logits


def check_targets(targets: Tensor, classes: int, ignore_index: int | None = None) -> Tensor:
    """Return ``targets`` as int64 if all lie in [0, classes) or equal ``ignore_index``.

    Small integer types are widened before they are compared, for in uint8 a 156 equals -100.
    """
    _check_tensor(targets, "targets")
    if targets.is_floating_point() or targets.is_complex() or targets.dtype == torch.bool:
        raise ValueError(f"Class targets must be integers; got {targets.dtype}.")
    targets = targets.long()
    bad = (targets < 0) | (targets >= classes)
    if ignore_index is not None:
        bad &= targets != ignore_index
    if bad.any():
        value = targets[bad].flatten()[0].item()
        raise ValueError(f"Targets must lie in [0, {classes - 1}]; found {value}.")
    return targets


def _check_tensor(x: Tensor, name: str) -> None:
    if not isinstance(x, Tensor):
        raise ValueError(f"{name} must be a torch tensor; got {type(x).__name__}.")

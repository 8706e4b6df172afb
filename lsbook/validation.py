"""Checks of arguments, shared by every floor: one clear error that says what to do."""

from __future__ import annotations

import math
from numbers import Real

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

Array = ArrayLike | Tensor
_ROUNDED = 1e-3  # the least that a row of probabilities may be off 1
_MOST_ROUNDED = 0.1


def check_number(value: float, name: str) -> float | int:
    """Return ``value`` as Python's own number.

    Numpy's scalars are numbers, and arrays and tensors without axes; text and truth values are
    not, and raise ValueError.
    """
    number = value.item() if getattr(value, "ndim", None) == 0 else value
    if isinstance(number, bool) or not isinstance(number, Real):
        raise ValueError(f"{name} must be a number; got {value!r}.")
    if isinstance(number, int) and abs(number) >= 2**1023:
        raise ValueError(f"{name} must be a number that a float holds; got a larger one.")
    return number


def check_unit(value: float, name: str) -> float:
    """Return ``value`` as a float if it is a number in [0, 1], else raise ValueError."""
    value = float(check_number(value, name))
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{name} must lie in [0, 1]; got {value:g}.")
    return value


def check_count(value: int, name: str, least: int = 1, most: int = 2**63 - 1) -> int:
    """Return ``value`` as an int if it is whole and lies in [least, most], else raise ValueError."""
    number = check_number(value, name)
    if not (math.isfinite(number) and number == int(number) and number >= least):
        raise ValueError(f"{name} must be a whole number, at least {least}; got {value}.")
    if number > most:
        raise ValueError(f"{name} must be at most {most}; got {value}.")
    return int(number)


def check_seed(seed: int) -> int:
    """Return ``seed`` as an int if it is one that numpy and torch both take."""
    return check_count(seed, "seed", 0, 2**32 - 1)


def check_alpha(alpha: float) -> float:
    """Return the smoothing ``alpha`` as a float if it lies in [0, 1], else raise ValueError."""
    return check_unit(alpha, "alpha (the share of each target given to the prior)")


def check_temperature(T: float) -> float:
    """Return temperature ``T`` as a float if it is finite and positive, else raise ValueError."""
    T = float(check_number(T, "The temperature T"))
    if not (math.isfinite(T) and T > 0):
        raise ValueError(f"The temperature T must be finite and above 0; got {T:g}.")
    return T


def opened(x: Array, name: str) -> Tensor:
    """A tensor as it is; of any other array, list, Series or DataFrame what numpy makes of it.

    Copied only where torch cannot hold the same memory.

    Raises
    ------
    ValueError
        If ``x`` is no dense array of real numbers.
    """
    if not isinstance(x, Tensor):
        return torch.from_numpy(_readable(x, name))
    if x.is_complex():
        raise ValueError(f"{name} must hold real numbers; got {x.dtype}.")
    if x.layout != torch.strided or x.is_meta:
        raise ValueError(f"{name} must be a dense tensor with values; call to_dense() on it.")
    return x


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
        bad &= targets != check_count(ignore_index, "ignore_index", -(2**63))
    if bad.any():
        value = targets[bad].flatten()[0].item()
        raise ValueError(f"Targets must lie in [0, {classes - 1}]; found {value}.")
    return targets


def are_probabilities(p: Tensor) -> bool:
    """Whether none of ``p`` (..., K) is negative and each row sums to 1.

    Sums may be as far off as the rounding of their type or of their decimals explains.
    """
    eps = torch.finfo(p.dtype).eps if p.is_floating_point() else 0.0
    p = p if p.dtype.itemsize >= 4 and eps else p.float()
    if p.numel() == 0:
        return True
    off = float((p.sum(-1) - 1).abs().max())
    return bool(p.min() >= 0) and (off <= max(eps, _ROUNDED) or off <= _rounding(p, eps))


def _rounding(p: Tensor, eps: float) -> float:
    """How far rows may be off 1 if all values were rounded to a few decimals, else 0."""
    for decimals in (2, 3, 4):
        if torch.allclose(p, p.round(decimals=decimals), rtol=eps, atol=1e-7):
            return min(p.shape[-1] * 0.5 * 10.0**-decimals, _MOST_ROUNDED)
    return 0.0


def _check_tensor(x: Tensor, name: str) -> None:
    if not isinstance(x, Tensor):
        raise ValueError(f"{name} must be a torch tensor; got {type(x).__name__}.")


def _readable(x: ArrayLike, name: str) -> np.ndarray:
    """``x`` as an array of which torch can share the memory."""
    try:
        array = np.asarray(x)
        if array.dtype == object:  # pandas keeps numbers as objects where some were missing
            array = np.asarray(array.tolist())
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"{name} must be an array of numbers; numpy can make none of this "
            f"{type(x).__name__}. Give rows of one length, and stack tensors first."
        ) from error
    if array.dtype.kind not in "biuf":
        found = "None" if x is None else f"{type(x).__name__} of {array.dtype}"
        raise ValueError(f"{name} must be an array of numbers without gaps; got {found}.")
    if np.ma.is_masked(x):
        raise ValueError(f"{name} must be an array without gaps; some values are masked.")
    if array.dtype.kind == "u" and array.itemsize > 1:
        return array.astype(np.int64)
    if array.dtype.kind == "f" and array.itemsize > 8:
        return array.astype(np.float64)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    viewable = all(step >= 0 and step % array.itemsize == 0 for step in array.strides)
    return array if viewable and array.flags.writeable else array.copy()

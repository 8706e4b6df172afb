"""Checks of arguments, shared by every floor: one clear error that says what to do."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def check_unit(value: float, name: str) -> float:
    """Return ``value`` as a float if it lies in [0, 1], else raise ValueError."""
    value = float(value)
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{name} must lie in [0, 1]; got {value:g}.")
    return value


def check_count(value: int, name: str, least: int = 1) -> int:
    """Return ``value`` as an int if it is whole and at least ``least``, else raise ValueError."""
    if not (float(value).is_integer() and value >= least):
        raise ValueError(f"{name} must be a whole number, at least {least}; got {value}.")
    return int(value)


def check_alpha(alpha: float) -> float:
    """Return the smoothing ``alpha`` as a float if it lies in [0, 1], else raise ValueError."""
    return check_unit(alpha, "alpha (the share of each target given to the prior)")


def check_temperature(T: float) -> float:
    """Return temperature ``T`` as a float if it is finite and positive, else raise ValueError."""
    T = float(T)
    if not (math.isfinite(T) and T > 0):
        raise ValueError(f"The temperature T must be finite and above 0; got {T:g}.")
    return T


def check_logits(logits: Tensor, name: str = "logits") -> Tensor:
    """Return ``logits`` if they are floating, have at least two classes and are finite.

    Raises
    ------
    ValueError
        Otherwise; -inf is refused too, since no network output here needs it.
    """
    if not torch.is_floating_point(logits):
        raise ValueError(f"{name} must be floating point; got {logits.dtype}.")
    if logits.ndim < 1 or logits.shape[-1] < 2:
        raise ValueError(
            f"{name} need at least two classes on the last axis; got {tuple(logits.shape)}."
        )
    # A finite sum vouches for every value, and is quicker than looking at each.
    if not (logits.sum().isfinite() or logits.isfinite().all()):
        raise ValueError(
            f"{name} hold NaN or infinite values; look for a diverged run or a bad input."
        )
    return logits


def check_targets(targets: Tensor, classes: int, ignore_index: int | None = None) -> Tensor:
    """Return integer ``targets`` if all lie in [0, classes) or equal ``ignore_index``."""
    if torch.is_floating_point(targets) or targets.dtype == torch.bool:
        raise ValueError(f"Class targets must be integers; got {targets.dtype}.")
    bad = (targets < 0) | (targets >= classes)
    if ignore_index is not None:
        bad &= targets != ignore_index
    if bad.any():
        value = targets[bad].flatten()[0].item()
        raise ValueError(f"Targets must lie in [0, {classes - 1}]; found {value}.")
    return targets

"""Arrays in: numpy or torch, any device, made into what the estimators compute with."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from lsbook.validation import check_logits, check_targets

Array = np.ndarray | Tensor


def as_tensor(x: Array) -> Tensor:
    """A detached CPU tensor of ``x``; half precision becomes float32."""
    x = torch.as_tensor(x).detach().cpu()
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def as_float64(x: Array, name: str) -> np.ndarray:
    """A float64 numpy array of ``x``.

    Raises
    ------
    ValueError
        If it is empty or holds NaN or infinite values.
    """
    x = np.asarray(as_tensor(x), dtype=np.float64)
    if x.size == 0:
        raise ValueError(f"{name} is empty; there is nothing to estimate from.")
    if not np.isfinite(x).all():
        raise ValueError(f"{name} holds NaN or infinite values.")
    return x


def as_targets(targets: Array, shape: tuple[int, ...], classes: int) -> Tensor:
    """Integer class targets (n,) of examples whose scores have ``shape`` (..., K)."""
    targets = as_tensor(targets)
    if targets.shape != shape[:-1]:
        raise ValueError(
            f"Targets must have shape {tuple(shape[:-1])}, one class a row of scores; "
            f"got {tuple(targets.shape)}."
        )
    if targets.numel() == 0:
        raise ValueError("There are no examples to estimate from.")
    return check_targets(targets, classes).flatten().long()


def as_correct(correct: Array, score: np.ndarray, name: str) -> np.ndarray:
    """Whether each prediction was right, bool (n,), beside its ``score`` (n,) called ``name``."""
    correct = np.asarray(as_tensor(correct))
    if score.ndim != 1 or correct.shape != score.shape:
        raise ValueError(
            f"{name} and correct must be two lists of one length; got shapes "
            f"{score.shape} and {correct.shape}."
        )
    if correct.dtype != bool and not np.isin(correct, (0, 1)).all():
        raise ValueError("correct must hold only 0 and 1, or False and True.")
    return correct.astype(bool, copy=False)


def as_logits(logits: Array, targets: Array) -> tuple[Tensor, Tensor]:
    """Logits (n, K) and targets (n,) from (..., K) and (...), checked."""
    logits = as_tensor(logits)
    if logits.ndim < 2:
        raise ValueError(
            f"logits must be (..., K), a row of K an example; got {tuple(logits.shape)}."
        )
    check_logits(logits)
    targets = as_targets(targets, logits.shape, logits.shape[-1])
    return logits.flatten(0, -2), targets

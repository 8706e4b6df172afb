"""Arrays in: whoever made them, on any device, made into what the estimators compute with."""

from __future__ import annotations

import warnings

import numpy as np
import torch
from torch import Tensor

from lsbook.validation import Array, are_probabilities, check_logits, check_targets, opened


def as_tensor(x: Array, name: str = "The array") -> Tensor:
    """A detached CPU tensor of ``x``; half precision becomes float32.

    Tensors are taken as they are; numpy decides what any other array, list, Series or DataFrame
    is, so that a list of floats is float64. Copied only where torch cannot hold the same memory.

    Raises
    ------
    ValueError
        If ``x`` is no array of numbers.
    """
    return _widened(_opened(x, name))


def as_float64(x: Array, name: str) -> np.ndarray:
    """A float64 numpy array of ``x``.

    Raises
    ------
    ValueError
        If it is empty or holds NaN or infinite values.
    """
    x = np.asarray(as_tensor(x, name), dtype=np.float64)
    if x.size == 0:
        raise ValueError(f"{name} is empty; there is nothing to estimate from.")
    if not np.isfinite(x).all():
        raise ValueError(f"{name} holds NaN or infinite values.")
    return x


def as_targets(targets: Array, shape: tuple[int, ...], classes: int) -> Tensor:
    """Class targets (n,), int64, of examples whose scores have ``shape`` (..., K)."""
    targets = _opened(targets, "targets (the class of each row)")
    if targets.shape != shape[:-1]:
        raise ValueError(
            f"Targets must have shape {tuple(shape[:-1])}, one class a row of scores; "
            f"got {tuple(targets.shape)}."
        )
    if targets.numel() == 0:
        raise ValueError("There are no examples to estimate from.")
    return check_targets(targets, classes).flatten()


def as_correct(correct: Array, score: np.ndarray, name: str) -> np.ndarray:
    """Whether each prediction was right, bool (n,), beside its ``score`` (n,) called ``name``."""
    correct = np.asarray(as_tensor(correct, "correct"))
    if score.ndim != 1 or correct.shape != score.shape:
        raise ValueError(
            f"{name} and correct must be two lists of one length; got shapes "
            f"{score.shape} and {correct.shape}."
        )
    if correct.dtype != bool and not np.isin(correct, (0, 1)).all():
        raise ValueError("correct must hold only 0 and 1, or False and True.")
    return correct.astype(bool, copy=False)


def as_logits(logits: Array, targets: Array, name: str = "logits") -> tuple[Tensor, Tensor]:
    """Logits (n, K) and targets (n,) from (..., K) and (...), checked.

    A class may be ruled out by -inf in the rows of other classes. Rows that look like
    probabilities raise a UserWarning.
    """
    logits = as_tensor(logits, name)
    if logits.ndim < 2:
        raise ValueError(
            f"{name} must be (..., K), a row of K an example; got {tuple(logits.shape)}."
        )
    try:
        check_logits(logits, name)
        masked = False
    except ValueError:  # rare, so that finite logits need not be gone through twice
        check_logits(logits, name, masked=True)
        masked = True
    targets = as_targets(targets, logits.shape, logits.shape[-1])
    logits = logits.flatten(0, -2)
    if masked:
        check_possible(logits, targets, name)
    if _like_probabilities(logits[:1]) and _like_probabilities(logits):
        warnings.warn(
            f"{name} look like probabilities: every row lies in [0, 1] and sums to 1. If they "
            "are, give them as probs=.", stacklevel=3)
    return logits, targets


def as_probs(probs: Array, targets: Array) -> tuple[Tensor, Tensor]:
    """Probabilities (n, K) and targets (n,) from (..., K) and (...), checked.

    Each row must sum to 1, as nearly as the rounding of its type or of its decimals lets it.
    """
    probs = _opened(probs, "probs")
    if not torch.is_floating_point(probs) or probs.ndim < 2 or probs.shape[-1] < 2:
        raise ValueError(
            f"probs must be floating point of shape (..., K), K at least 2; got {probs.dtype} of "
            f"shape {tuple(probs.shape)}. For a binary p pass the two columns 1 - p and p."
        )
    targets = as_targets(targets, probs.shape, probs.shape[-1])
    if not are_probabilities(probs):
        raise ValueError(
            "probs must be probabilities, none negative and each row summing to 1; "
            "pass logits as the first argument instead."
        )
    return _widened(probs).flatten(0, -2), targets


def as_scores(
    logits: Array | None, targets: Array | None, probs: Array | None
) -> tuple[Tensor, Tensor]:
    """Logits or probabilities (n, K), whichever are given, and targets (n,)."""
    if (logits is None) == (probs is None) or targets is None:
        raise ValueError("Give logits and targets, or probs=... and targets=..., not both.")
    return as_logits(logits, targets) if probs is None else as_probs(probs, targets)


def as_weights(sample_weight: Array | None, n: int) -> Tensor | None:
    """How often each of n examples counts, float64 (n,), from weights of their shape; or None."""
    if sample_weight is None:
        return None
    weight = as_tensor(sample_weight, "sample_weight").double().flatten()
    if len(weight) != n:
        raise ValueError(
            f"sample_weight must hold a weight for each of {n} examples; got {len(weight)}.")
    if not (weight.min() >= 0 and 0 < weight.sum() < torch.inf):
        raise ValueError("sample_weight must be finite, none negative and not all 0.")
    return weight


def unit_of(x: np.ndarray) -> float:
    """A power of 2 near the largest value of ``x``: in its units no square under- or overflows."""
    largest = float(np.abs(x).max())
    return 2.0 ** (np.frexp(largest)[1] - 1) if largest else 1.0


def at_temperature(logits: Tensor, T: float) -> Tensor:
    """Logits (..., K) over ``T``, each row's largest 0, so that none overflows at the least T."""
    below = logits - logits.amax(-1, keepdim=True)
    return below / max(T, torch.finfo(below.dtype).tiny)


def check_possible(scores: Tensor, targets: Tensor, name: str) -> None:
    """Raise ValueError if a score (n, K), a logit or log-probability, of the target is -inf."""
    own = scores.gather(1, targets[:, None])[:, 0]
    if own.amin() == -torch.inf:
        row = int(own.argmin())
        raise ValueError(
            f"{name} rule class {int(targets[row])} out in row {row}, whose target it is: "
            "-inf as a logit, or probability 0. Only other classes can be masked."
        )


def _opened(x: Array, name: str) -> Tensor:
    """A detached CPU tensor of ``x`` in the type it came in, but for those torch lacks."""
    return opened(x, name).detach().cpu()


def _widened(x: Tensor) -> Tensor:
    return x.float() if x.is_floating_point() and x.dtype.itemsize < 4 else x


def _like_probabilities(rows: Tensor) -> bool:
    """Whether they are probabilities, and not just indicators."""
    return are_probabilities(rows) and bool((rows.frac() != 0).any())

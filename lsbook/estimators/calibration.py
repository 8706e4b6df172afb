"""Calibration: how far a network's confidence is from how often it is right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lsbook.estimators.arrays import Array, as_correct, as_logits, as_probs, as_tensor
from lsbook.validation import check_count, check_temperature, check_unit


@dataclass(frozen=True)
class Reliability:
    """A reliability table: one entry a bin (lower, upper]; the first bin also holds 0.

    ``confidence`` and ``accuracy`` are means over the bin, NaN where ``count`` is 0.
    """

    lower: np.ndarray
    upper: np.ndarray
    count: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray

    @property
    def gap(self) -> np.ndarray:
        """``|accuracy - confidence|`` of each bin, 0 where it is empty."""
        return np.nan_to_num(np.abs(self.accuracy - self.confidence))

    @property
    def ece(self) -> float:
        """Expected calibration error: the mean gap, weighted by count (Guo et al. 2017, eq. 3)."""
        return float(self.gap @ self.count / self.count.sum())

    @property
    def mce(self) -> float:
        """Maximum calibration error: the largest gap (Guo et al. 2017, eq. 5)."""
        return float(self.gap.max())


@dataclass(frozen=True)
class Interval:
    """Bootstrap limits: ``ece`` (2,) and ``accuracy`` (2, bins), lower then upper."""

    ece: np.ndarray
    accuracy: np.ndarray


def reliability(
    confidence: Array, correct: Array, bins: int = 15, binning: str = "width"
) -> Reliability:
    """Sort predictions into bins of confidence.

    Parameters
    ----------
    confidence : array (n,)
        Probability given to the prediction, in [0, 1].
    correct : array (n,)
        Whether the prediction was right, bool or 0/1.
    bins : int
        Number of bins, 15 in the paper.
    binning : {"width", "mass"}
        Bins of equal width on [0, 1], or of equally many examples; equal confidences share a
        bin, so ties may leave fewer bins of equal mass.

    Raises
    ------
    ValueError
        For empty, unequal or out-of-range arrays, or an unknown binning.
    """
    confidence, correct = _checked(confidence, correct)
    edges = _edges(confidence, bins, binning)
    count, confident, right = _sums(_assign(confidence, edges), confidence, correct, len(edges) - 1)
    with np.errstate(invalid="ignore"):
        return Reliability(edges[:-1], edges[1:], count, confident / count, right / count)


def bootstrap(
    confidence: Array,
    correct: Array,
    bins: int = 15,
    binning: str = "width",
    level: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> Interval:
    """Bootstrap intervals of the ECE and of each bin's accuracy.

    Examples are drawn with replacement, bins stay. The ECE is biased upwards and its resamples
    are biased once more, so its interval is the basic (reversed) one, cut at 0; it need not
    hold the estimate in its middle. Accuracies take plain percentiles, NaN in empty bins.

    Parameters
    ----------
    confidence, correct, bins, binning
        As in `reliability`.
    level : float in [0, 1]
    draws : int
        Number of resamples; each costs O(n).
    seed : int

    Raises
    ------
    ValueError
        As in `reliability`, or for a level outside [0, 1] or no draws.

    Source
    ------
    Davison and Hinkley 1997, chapter 5.
    """
    check_unit(level, "level")
    draws = check_count(draws, "draws")
    confidence, correct = _checked(confidence, correct)
    edges = _edges(confidence, bins, binning)
    bins, n = len(edges) - 1, len(confidence)
    bin_of = _assign(confidence, edges)
    rng = np.random.default_rng(seed)
    eces, accuracies = np.empty(draws), np.empty((draws, bins))
    for draw in range(draws):
        pick = rng.integers(n, size=n)
        count, confident, right = _sums(bin_of[pick], confidence[pick], correct[pick], bins)
        eces[draw] = np.abs(right - confident).sum() / n
        accuracies[draw] = np.divide(right, count, out=np.full(bins, np.nan), where=count > 0)
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    count, confident, right = _sums(bin_of, confidence, correct, bins)
    ece = 2 * np.abs(right - confident).sum() / n - np.quantile(eces, tails[::-1])
    limits = np.full((2, bins), np.nan)
    limits[:, count > 0] = np.nanquantile(accuracies[:, count > 0], tails, axis=0)
    return Interval(np.maximum(ece, 0), limits)


def from_logits(logits: Array, targets: Array, T: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Top-1 confidence (n,) and correctness (n,) of logits (..., K) at temperature ``T``."""
    logits, targets = as_logits(logits, targets)
    scaled = logits if check_temperature(T) == 1 else logits / T
    return scaled.log_softmax(-1).amax(-1).exp().numpy(), _argmax(logits) == targets.numpy()


def from_probs(probs: Array, targets: Array) -> tuple[np.ndarray, np.ndarray]:
    """Top-1 confidence (n,) and correctness (n,) of probabilities (..., K)."""
    probs, targets = as_probs(probs, targets)
    return probs.amax(-1).clamp(max=1).numpy(), _argmax(probs) == targets.numpy()


def ece(
    logits: Array | None = None,
    targets: Array | None = None,
    *,
    probs: Array | None = None,
    bins: int = 15,
    binning: str = "width",
    T: float = 1.0,
) -> float:
    """Expected calibration error of the top-1 prediction, in [0, 1] (Guo et al. 2017, eq. 3).

    Parameters
    ----------
    logits, probs : array (..., K), K at least 2
        Give one of the two, by name if it is probabilities.
    targets : array of int, (...)
    bins, binning
        As in `reliability`.
    T : float
        Temperature by which logits are divided.
    """
    return reliability(*_top1(logits, targets, probs, T), bins, binning).ece


def mce(
    logits: Array | None = None,
    targets: Array | None = None,
    *,
    probs: Array | None = None,
    bins: int = 15,
    binning: str = "width",
    T: float = 1.0,
) -> float:
    """Maximum calibration error of the top-1 prediction (Guo et al. 2017, eq. 5); see `ece`."""
    return reliability(*_top1(logits, targets, probs, T), bins, binning).mce


def classwise_ece(
    logits: Array | None = None,
    targets: Array | None = None,
    *,
    probs: Array | None = None,
    bins: int = 15,
    binning: str = "width",
    T: float = 1.0,
) -> float:
    """Mean over classes of the ECE of "is it class k?" (Kull et al. 2019, eq. 4); see `ece`."""
    _one_of(logits, targets, probs, T)
    if probs is None:
        logits, targets = as_logits(logits, targets)
        probs = (logits / check_temperature(T)).softmax(-1)
    else:
        probs, targets = as_probs(probs, targets)
    columns = probs.T.contiguous().clamp(max=1)
    errors = [reliability(p, targets == k, bins, binning).ece for k, p in enumerate(columns)]
    return float(np.mean(errors))


def nll(logits: Array, targets: Array, T: float = 1.0) -> float:
    """Mean negative log-likelihood in nats of logits (..., K) at temperature ``T``."""
    logits, targets = as_logits(logits, targets)
    log_p = (logits.double() / check_temperature(T)).log_softmax(-1)
    return -log_p.gather(1, targets[:, None]).mean().item()


def brier(logits: Array, targets: Array, T: float = 1.0) -> float:
    """Mean squared distance of prediction and one-hot target, in [0, 2] (Brier 1950)."""
    logits, targets = as_logits(logits, targets)
    p = (logits.double() / check_temperature(T)).softmax(-1)
    return (p.square().sum(1) - 2 * p.gather(1, targets[:, None])[:, 0] + 1).mean().item()


def accuracy(logits: Array, targets: Array) -> float:
    """Share of examples, in [0, 1], whose largest logit is the right class's."""
    logits, targets = as_logits(logits, targets)
    return (logits.argmax(-1) == targets).double().mean().item()


def _argmax(scores: Tensor) -> np.ndarray:
    return scores.numpy().argmax(-1)  # twice as quick as torch's on a CPU


def _one_of(logits, targets, probs, T: float) -> None:
    if (logits is None) == (probs is None) or targets is None:
        raise ValueError("Give logits and targets, or probs=... and targets=..., not both.")
    if probs is not None and T != 1:
        raise ValueError("A temperature needs logits; probabilities cannot be divided by T.")


def _top1(logits, targets, probs, T: float) -> tuple[np.ndarray, np.ndarray]:
    _one_of(logits, targets, probs, T)
    return from_logits(logits, targets, T) if probs is None else from_probs(probs, targets)


def _checked(confidence: Array, correct: Array) -> tuple[np.ndarray, np.ndarray]:
    confidence = np.asarray(as_tensor(confidence, "confidence"))
    if not np.issubdtype(confidence.dtype, np.floating):
        confidence = confidence.astype(np.float64)
    correct = as_correct(correct, confidence, "confidence")
    if len(confidence) == 0:
        raise ValueError("There are no predictions to estimate calibration from.")
    if not (confidence.min() >= 0 and confidence.max() <= 1):
        raise ValueError("confidence must lie in [0, 1] without NaN; pass logits to from_logits.")
    return confidence, correct


def _edges(confidence: np.ndarray, bins: int, binning: str) -> np.ndarray:
    bins = check_count(bins, "bins")
    if binning == "width":
        return np.arange(bins + 1) / bins
    if binning == "mass":
        last = -(-np.arange(1, bins + 1) * len(confidence) // bins) - 1
        upper = np.unique(np.sort(confidence)[np.maximum(last, 0)]).astype(np.float64)
        return np.concatenate([[confidence.min()], upper])
    raise ValueError(f"binning must be 'width' or 'mass'; got {binning!r}.")


def _assign(confidence: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The bin (a, b] of each confidence; edges are rounded as the confidences were."""
    inner = torch.from_numpy(edges[1:-1].astype(confidence.dtype))
    return torch.bucketize(torch.from_numpy(confidence), inner).numpy()


def _sums(
    bin_of: np.ndarray, confidence: np.ndarray, correct: np.ndarray, bins: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count, sum of confidence and number right of each bin, summed in float64."""
    return (
        np.bincount(bin_of, minlength=bins),
        np.bincount(bin_of, confidence, minlength=bins),
        np.bincount(bin_of, correct, minlength=bins),
    )

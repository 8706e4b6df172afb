"""Calibration: how far a network's confidence is from how often it is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import t as student_t
from torch import Tensor

from lsbook.estimators.arrays import (
    Array,
    as_correct,
    as_scores,
    as_tensor,
    as_weights,
    at_temperature,
    check_possible,
)
from lsbook.estimators.resampling import Resampled
from lsbook.validation import check_count, check_seed, check_temperature, check_unit


@dataclass(frozen=True)
class Reliability:
    """A reliability table: one entry a bin (lower, upper]; the first bin also holds 0.

    ``confidence`` and ``accuracy`` are means over the bin, NaN where ``count`` is 0. With sample
    weights these are weighted means, and ``count`` is the sum of the weights.
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
    """Limits: ``ece`` (2,) and ``accuracy`` (2, bins), lower then upper; ``estimate`` of the ECE.

    The estimate is what remains of the ECE when the share of noise is taken off.
    """

    ece: np.ndarray
    accuracy: np.ndarray
    estimate: float


@dataclass(frozen=True)
class Difference:
    """A difference of two calibration errors: its ``estimate`` and ``interval`` (2,)."""

    estimate: float
    interval: np.ndarray


def reliability(
    confidence: Array,
    correct: Array,
    bins: int = 15,
    binning: str = "width",
    sample_weight: Array | None = None,
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
    sample_weight : array (n,), optional
        How often each example counts, at least 0.

    Raises
    ------
    ValueError
        For empty, unequal or out-of-range arrays, or an unknown binning.
    """
    confidence, correct = _checked(confidence, correct)
    weight = as_weights(sample_weight, len(confidence))
    if weight is not None:
        weight = weight.numpy()
        confidence, correct, weight = (x[weight > 0] for x in (confidence, correct, weight))
    edges = _edges(confidence, weight, bins, binning)
    values = (confidence, correct) if weight is None else (confidence * weight, correct * weight)
    count, confident, right = _sums(_assign(confidence, edges), len(edges) - 1, weight, *values)
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
    """Intervals of the true ECE and of each bin's accuracy, from sets drawn anew.

    The interval of the ECE holds the true errors under which the measured one is not unusual:
    0 if calibrated predictions would often measure as much. Over networks calibrated and not,
    it holds the truth at least as often as ``level`` says, where the usual bootstrap does half
    the time: that takes each bin's noise for a gap. It may lie below the measured ECE, which
    noise raises. Accuracies take plain percentiles, NaN in empty bins.

    Parameters
    ----------
    confidence, correct, bins, binning
        As in `reliability`.
    level : float in [0, 1]
    draws : int
        Number of sets, each of O(bins) cost; some 40 times, once a trial value.
    seed : int

    Raises
    ------
    ValueError
        As in `reliability`, or for a level outside [0, 1] or no draws.

    Source
    ------
    Bröcker and Smith 2007 for the sets drawn anew; Davison and Hinkley 1997, chapter 5.
    """
    level, draws, seed = check_unit(level, "level"), check_count(draws, "draws"), check_seed(seed)
    table = reliability(confidence, correct, bins, binning)
    drawn = Resampled(table.count, table.confidence, table.accuracy, draws, seed)
    rng = np.random.default_rng(seed)
    n, held = table.count.sum(), table.count > 0
    count = rng.multinomial(n, table.count[held] / n, size=draws)
    right = rng.binomial(count, table.accuracy[held])
    accuracies = np.divide(right, count, out=np.full(count.shape, np.nan), where=count > 0)
    limits = np.full((2, len(held)), np.nan)
    limits[:, held] = np.nanquantile(accuracies, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return Interval(np.array(drawn.limits(level)), limits, float(np.mean(drawn.middles())))


def ece_difference(
    first: Sequence[tuple[Array, Array]],
    second: Sequence[tuple[Array, Array]],
    level: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
    bins: int = 15,
    binning: str = "width",
) -> Difference:
    """How much larger the ECE of the first networks is than that of the second, with interval.

    The interval allows for the examples, which all networks share, so that what they have in
    common cancels; for the seeds, by their scatter (Student's t; with one seed it speaks of those
    two networks alone); and for the share of noise in each ECE, which depends on gaps that
    nobody knows: see `bootstrap`.

    Parameters
    ----------
    first, second : sequence of (confidence, correct)
        A pair of arrays (n,) a seed, as `from_logits` gives them, for the same examples in the
        same order; as many seeds for the second as for the first.
    level : float in [0, 1]
    draws : int
        Number of sets drawn anew to take off the share of noise.
    seed : int
        Of those draws.
    bins, binning
        As in `reliability`.

    Raises
    ------
    ValueError
        As in `reliability`, for networks of unequal numbers of examples or seeds, or none.

    Source
    ------
    Satterthwaite 1946 for the degrees of freedom of two variances.
    """
    level, draws, seed = check_unit(level, "level"), check_count(draws, "draws"), check_seed(seed)
    networks = _networks(first, "first"), _networks(second, "second")
    if len(networks[0]) != len(networks[1]):
        raise ValueError(
            "first and second must hold as many networks, one a seed; "
            f"got {len(networks[0])} and {len(networks[1])}.")
    measured = [[_taken_apart(*network, bins, binning, draws, seed) for network in mine]
                for mine in networks]
    sizes = {len(added) for mine in measured for _, added in mine}
    if len(sizes) > 1:
        raise ValueError(
            f"All networks must predict the same examples; got {sorted(sizes)} of them.")
    middles = np.array([[middle for middle, _ in mine] for mine in measured])
    added = np.array([[added for _, added in mine] for mine in measured])
    differences = middles[0].mean(1) - middles[1].mean(1)
    seeds = len(differences)
    of_examples = (added[0] - added[1]).mean(0).var() / added.shape[2]
    of_seeds = differences.var(ddof=1) / seeds if seeds > 1 else 0.0
    freedom = (seeds - 1) * (1 + of_examples / of_seeds) ** 2 if of_seeds > 0 else np.inf
    reach = student_t.ppf((1 + level) / 2, freedom) * np.sqrt(of_examples + of_seeds)
    (least_first, most_first), (least_second, most_second) = middles.mean(1)
    interval = [least_first - most_second - reach, most_first - least_second + reach]
    return Difference(float(differences.mean()), np.array(interval))


def from_logits(logits: Array, targets: Array, T: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Top-1 confidence (n,) and correctness (n,) of logits (..., K) at temperature ``T``."""
    return _top1(logits, targets, None, T)


def from_probs(probs: Array, targets: Array) -> tuple[np.ndarray, np.ndarray]:
    """Top-1 confidence (n,) and correctness (n,) of probabilities (..., K)."""
    return _top1(None, targets, probs, 1.0)


def ece(
    logits: Array | None = None,
    targets: Array | None = None,
    *,
    probs: Array | None = None,
    bins: int = 15,
    binning: str = "width",
    T: float = 1.0,
    sample_weight: Array | None = None,
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
        Temperature by which logits, or the logarithms of probabilities, are divided.
    sample_weight : array (...), optional, as the targets
        How often each example counts, at least 0.
    """
    return reliability(*_top1(logits, targets, probs, T), bins, binning, sample_weight).ece


def mce(
    logits: Array | None = None,
    targets: Array | None = None,
    *,
    probs: Array | None = None,
    bins: int = 15,
    binning: str = "width",
    T: float = 1.0,
    sample_weight: Array | None = None,
) -> float:
    """Maximum calibration error of the top-1 prediction (Guo et al. 2017, eq. 5); see `ece`."""
    return reliability(*_top1(logits, targets, probs, T), bins, binning, sample_weight).mce


def classwise_ece(
    logits: Array | None = None,
    targets: Array | None = None,
    *,
    probs: Array | None = None,
    bins: int = 15,
    binning: str = "width",
    T: float = 1.0,
    sample_weight: Array | None = None,
) -> float:
    """Mean over classes of the ECE of "is it class k?" (Kull et al. 2019, eq. 4); see `ece`."""
    T = check_temperature(T)
    scores, targets = as_scores(logits, targets, probs)
    p = scores if probs is not None and T == 1 else _log_p(scores, probs, T).exp()
    columns = p.T.contiguous().clamp(max=1)
    errors = [reliability(column, targets == k, bins, binning, sample_weight).ece
              for k, column in enumerate(columns)]
    return float(np.mean(errors))


def nll(
    logits: Array | None = None,
    targets: Array | None = None,
    T: float = 1.0,
    *,
    probs: Array | None = None,
    sample_weight: Array | None = None,
) -> float:
    """Mean negative log-likelihood in nats of logits (..., K) at temperature ``T``; see `ece`."""
    T = check_temperature(T)
    scores, targets = as_scores(logits, targets, probs)
    log_p = _log_p(scores.double(), probs, T)
    check_possible(log_p, targets, "probs")
    return -_mean(log_p.gather(1, targets[:, None])[:, 0], sample_weight)


def brier(
    logits: Array | None = None,
    targets: Array | None = None,
    T: float = 1.0,
    *,
    probs: Array | None = None,
    sample_weight: Array | None = None,
) -> float:
    """Mean squared distance of prediction and one-hot target, in [0, 2] (Brier 1950); see `ece`."""
    T = check_temperature(T)
    scores, targets = as_scores(logits, targets, probs)
    p = _log_p(scores.double(), probs, T).exp()
    return _mean(p.square().sum(1) - 2 * p.gather(1, targets[:, None])[:, 0] + 1, sample_weight)


def accuracy(
    logits: Array | None = None,
    targets: Array | None = None,
    *,
    probs: Array | None = None,
    sample_weight: Array | None = None,
) -> float:
    """Share of examples, in [0, 1], whose largest logit is the right class's; see `ece`."""
    scores, targets = as_scores(logits, targets, probs)
    return _mean((scores.argmax(-1) == targets).double(), sample_weight)


def _log_p(scores: Tensor, probs: Array | None, T: float) -> Tensor:
    """Logarithms (n, K) of the probabilities at temperature ``T``, from what `as_scores` gives."""
    logits = scores if probs is None else scores.log()
    return (logits if T == 1 else at_temperature(logits, T)).log_softmax(-1)


def _top1(
    logits: Array | None, targets: Array | None, probs: Array | None, T: float
) -> tuple[np.ndarray, np.ndarray]:
    T = check_temperature(T)
    scores, targets = as_scores(logits, targets, probs)
    if probs is not None and T == 1:
        confidence = scores.amax(-1).clamp(max=1)
    else:
        confidence = _log_p(scores, probs, T).amax(-1).exp()
    predicted = scores.numpy().argmax(-1)  # twice as quick as torch's on a CPU
    return confidence.numpy(), predicted == targets.numpy()


def _mean(values: Tensor, sample_weight: Array | None) -> float:
    weight = as_weights(sample_weight, len(values))
    return (values.mean() if weight is None else weight @ values / weight.sum()).item()


def _networks(given: Sequence[tuple[Array, Array]], name: str) -> list[tuple[Array, Array]]:
    try:
        pairs = [(confidence, correct) for confidence, correct in given]
    except (TypeError, ValueError):
        pairs = []
    if not pairs:
        raise ValueError(f"{name} must be a sequence of pairs (confidence, correct), one a seed.")
    return pairs


def _taken_apart(
    confidence: Array, correct: Array, bins: int, binning: str, draws: int, seed: int
) -> tuple[tuple[float, float], np.ndarray]:
    """The true errors between which the ECE may be typical, and what each example adds to it."""
    confidence, correct = _checked(confidence, correct)
    table = reliability(confidence, correct, bins, binning)
    bin_of = _assign(confidence, np.append(table.lower[:1], table.upper))
    sign = np.sign(table.accuracy - table.confidence)[bin_of]
    drawn = Resampled(table.count, table.confidence, table.accuracy, draws, seed)
    return drawn.middles(), sign * (correct - confidence)


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


def _edges(
    confidence: np.ndarray, weight: np.ndarray | None, bins: int, binning: str
) -> np.ndarray:
    bins = check_count(bins, "bins")
    if binning == "width":
        return np.arange(bins + 1) / bins
    if binning == "mass":
        order = np.argsort(confidence)
        mass = np.cumsum(np.ones(len(order)) if weight is None else weight[order])
        last = np.searchsorted(mass, np.arange(1, bins + 1) * mass[-1] / bins)
        upper = np.unique(confidence[order[np.minimum(last, len(order) - 1)]]).astype(np.float64)
        return np.concatenate([[confidence.min()], upper])
    raise ValueError(f"binning must be 'width' or 'mass'; got {binning!r}.")


def _assign(confidence: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The bin (a, b] of each confidence; edges are rounded as the confidences were."""
    inner = torch.from_numpy(edges[1:-1].astype(confidence.dtype))
    return torch.bucketize(torch.from_numpy(confidence), inner).numpy()


def _sums(bin_of: np.ndarray, bins: int, *values: np.ndarray | None) -> tuple[np.ndarray, ...]:
    """The sum of each of ``values`` in every bin, in float64; None counts."""
    return tuple(np.bincount(bin_of, value, minlength=bins) for value in values)

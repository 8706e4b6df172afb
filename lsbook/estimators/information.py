"""Mutual information between an example and the logits of its augmented draws.

The estimate of Müller et al. 2019 (arXiv v3, section 4 and figure 6), in nats:
I = (1/N) sum_x [ -(y_x - mu_x)²/(2 sigma²) - log (1/N) sum_x' exp(-(y_x - mu_x')²/(2 sigma²)) ].
It is at most log N, since the own term x' = x stays in the sum; it may fall below 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PPoly, make_interp_spline

from lsbook.estimators.arrays import Array, as_float64
from lsbook.validation import check_count, check_number, check_seed

_PER_SIGMA = 32  # grid points a sigma
_ROWS = 64  # rows a block of the direct sum, so that it stays in the cache
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Bias:
    """Mean and standard deviation of both forms over simulated sets, and the truth (nats)."""

    truth: float
    fresh: float
    fresh_std: float
    reused: float
    reused_std: float


def mutual_information(
    mu: Array, y: Array, sigma2: float | None = None, method: str = "auto"
) -> float:
    """Estimate the mutual information, in nats.

    Parameters
    ----------
    mu : array (N,)
        Mean logit difference of each example over its draws.
    y : array (N,) or (N, M)
        The scored draw of each example, or several whose scores are averaged.
    sigma2 : float, optional
        Variance around the means; by default that of ``y``, which makes the first term -1/2.
    method : {"auto", "grid", "direct"}
        "direct" sums the kernel for every scored draw. "grid" sums it on a grid of 32 points a
        sigma and runs a quintic spline through its logarithm, falling back to the sum where the
        spline would err by more than 1e-9, or the grid would be larger than a block of the sum.
        "auto" takes the one with fewer sums. Memory is O(N) a block of 64 sums.

    Raises
    ------
    ValueError
        For unequal, empty or non-finite arrays, an unknown method, or draws that do not vary.
    """
    mu, y = as_float64(mu, "mu"), as_float64(y, "y")
    if mu.ndim != 1 or y.ndim not in (1, 2) or len(y) != len(mu):
        raise ValueError(f"mu must be (N,) and y (N,) or (N, M); got {mu.shape} and {y.shape}.")
    deviation = y - (mu if y.ndim == 1 else mu[:, None])
    if sigma2 is not None and not 0 < check_number(sigma2, "sigma2") < np.inf:
        raise ValueError(f"sigma2 must be finite and above 0; got {sigma2:g}.")
    sigma = _deviation(deviation) if sigma2 is None else math.sqrt(sigma2)
    if sigma == 0:
        raise ValueError("Draws that do not vary give no finite estimate: augment the inputs.")
    log_mean = _log_mean_kernel(y.ravel(), mu, sigma * math.sqrt(2), method)
    return float(-np.mean((deviation / sigma) ** 2) / 2 - log_mean.mean())


def from_draws(draws: Array, form: str = "fresh") -> float:
    """Estimate the mutual information from augmented draws, in nats.

    Parameters
    ----------
    draws : array (N, L + 1) if fresh, (N, L) if reused
        Logit differences, a row an example.
    form : {"fresh", "reused"}
        Whether the scored draw is one more, the last column, or each of those behind the mean.
        With few draws a fresh one biases the estimate downwards, a reused one upwards; the
        paper does not say which it took.
    """
    draws = as_float64(draws, "draws")
    _check_form(form)
    if draws.ndim != 2 or draws.shape[1] < 2:
        raise ValueError(f"draws must be (N, L), at least two a row; got {draws.shape}.")
    if form == "fresh":
        return mutual_information(draws[:, :-1].mean(1), draws[:, -1])
    return mutual_information(draws.mean(1), draws)


def collapsed_bias(L: int, form: str) -> float:
    """Bias in nats, for N to infinity, where all examples of a cluster are one point.

    The means of L draws scatter with variance sigma²/L around it; the expectation over them is a
    Gaussian integral.

    Parameters
    ----------
    L : int
        Draws behind each mean, at least 2.
    form : {"fresh", "reused"}
        Whether the scored draw is a further one, or one of the L.

    Raises
    ------
    ValueError
        For L below 2 or an unknown form.
    """
    L = check_count(L, "L", 2)
    _check_form(form)
    kernel = 1 + 1 / L if form == "fresh" else 1 - 1 / L
    width = kernel + 1 / L
    return -0.5 + 0.5 * math.log(width / kernel) + 0.5 / width


def simulate_bias(
    N: int = 600,
    L: int = 5,
    clusters: int = 1,
    separation: float = 100.0,
    draws: int = 20,
    seed: int = 0,
) -> Bias:
    """Simulate both forms where the truth is known: N examples collapsed to a few points.

    Draws are Gaussian of variance 1 around ``clusters`` points ``separation`` apart; each point
    stands for as many examples. With clusters well apart the truth is log(clusters).

    Parameters
    ----------
    N, L : int
        Examples, and draws behind each mean, at least two.
    clusters : int
        1 for no information, 2 for two collapsed classes, N for every example apart.
    separation : float
        In standard deviations of a draw, well above 1.
    draws : int
        Number of simulated sets.
    seed : int

    Raises
    ------
    ValueError
        For counts out of range, or more clusters than examples.
    """
    N, L, draws = check_count(N, "N"), check_count(L, "L", 2), check_count(draws, "draws")
    clusters, seed = check_count(clusters, "clusters"), check_seed(seed)
    separation = check_number(separation, "separation")
    if clusters > N:
        raise ValueError(f"clusters must be at most N = {N}; got {clusters}.")
    rng = np.random.default_rng(seed)
    centres = separation * (np.arange(N) % clusters)[:, None]
    sets = [centres + rng.standard_normal((N, L + 1)) for _ in range(draws)]
    fresh = [from_draws(values, "fresh") for values in sets]
    reused = [from_draws(values[:, :L], "reused") for values in sets]
    return Bias(
        truth=float(np.log(clusters)),
        fresh=float(np.mean(fresh)),
        fresh_std=float(np.std(fresh)),
        reused=float(np.mean(reused)),
        reused_std=float(np.std(reused)),
    )


def _check_form(form: str) -> None:
    if form not in ("fresh", "reused"):
        raise ValueError(f"form must be 'fresh' or 'reused'; got {form!r}.")


def _deviation(values: np.ndarray) -> float:
    """Root of the mean square, in units of the largest value, so that no square underflows."""
    largest = np.abs(values).max()
    return largest * np.sqrt(np.mean((values / largest) ** 2)) if largest > 0 else 0.0


def _log_mean_kernel(t: np.ndarray, mu: np.ndarray, width: float, method: str) -> np.ndarray:
    """log (1/N) sum_x' exp(-((t - mu_x')/width)²), for a width of sqrt(2) sigma."""
    if method not in ("auto", "grid", "direct"):
        raise ValueError(f"method must be 'auto', 'grid' or 'direct'; got {method!r}.")
    low, high = t.min(), t.max()
    cells = 2 * np.ceil((high - low) / width * np.sqrt(2) * _PER_SIGMA / 2) + 10
    most = {"auto": len(t) / 2, "grid": _ROWS * len(mu), "direct": 0}[method]
    if cells > most:
        return _direct(t, mu, width)
    x = (t - low) / width
    margin = 0.0 if x.max() > 1 / _PER_SIGMA else 1.0
    grid = np.linspace(-margin, x.max() + margin, int(cells) + 1)
    values = _direct(low + grid * width, mu, width)
    result = _spline(grid, values)(x)
    # Halving the step divides a quintic spline's error by 64.
    error = np.abs(_spline(grid[::2], values[::2])(grid[1::2]) - values[1::2]) / 64
    pair = np.clip((x - grid[0]) / (grid[2] - grid[0]), 0, len(error) - 1).astype(int)
    doubtful = error[pair] > _TOLERANCE
    if doubtful.any():
        result[doubtful] = _direct(t[doubtful], mu, width)
    return result


def _spline(x: np.ndarray, y: np.ndarray) -> PPoly:
    """Quintic, for a cubic one errs by 1e-6 between clusters; as PPoly, quickest to evaluate."""
    return PPoly.from_spline(make_interp_spline(x, y, k=5))


def _direct(t: np.ndarray, mu: np.ndarray, width: float) -> np.ndarray:
    result = np.empty(len(t))
    for start in range(0, len(t), _ROWS):
        rows = slice(start, start + _ROWS)
        # Subtract, then scale: far from 0 the difference is exact, a scaled value is rounded.
        kernel = t[rows, None] - mu
        with np.errstate(over="ignore"):  # infinitely far away is far enough
            kernel = np.square(np.divide(kernel, width, out=kernel))
        nearest = kernel.min(1)
        np.subtract(nearest[:, None], kernel, out=kernel)
        result[rows] = np.log(np.exp(kernel, out=kernel).mean(1)) - nearest
    return result

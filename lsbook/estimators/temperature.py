"""Temperature scaling: one number that divides the logits (Guo et al. 2017, section 4.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lsbook.estimators.arrays import Array, as_scores, as_weights, check_possible
from lsbook.estimators.calibration import reliability

_CHUNK = 2**15  # values a block, so that it stays in the cache
_MASKED = torch.finfo(torch.float64).min  # in place of -inf, of which 0 times is NaN


@dataclass(frozen=True)
class Temperature:
    """A fitted temperature, with NLL (nats) and ECE at T = 1 (before) and at ``T`` (after)."""

    T: float
    objective: str
    nll_before: float
    nll_after: float
    ece_before: float
    ece_after: float


def fit_temperature(
    logits: Array | None = None,
    targets: Array | None = None,
    objective: str = "nll",
    bins: int = 15,
    binning: str = "width",
    *,
    probs: Array | None = None,
    sample_weight: Array | None = None,
) -> Temperature:
    """Find the temperature that minimises NLL or ECE. Fit on held-out data.

    The NLL is convex in 1/T: a bracketed Newton iteration in float64 finds its one minimum. The
    ECE has jumps and many minima: it is searched on a grid of T from 1/8 to 8 times the NLL's
    temperature, then on a finer grid around the best.

    Parameters
    ----------
    logits, probs : array (..., K)
        Give one of the two; T divides the logarithms of probabilities.
    targets : array of int, (...)
    objective : {"nll", "ece"}
    bins, binning
        Of the ECE, as in `reliability`.
    sample_weight : array (...), optional
        How often each example counts, at least 0.

    Raises
    ------
    ValueError
        If no finite positive temperature is best: every example is classified rightly (T
        towards 0), right classes score no better than the average class (T towards infinity), or
        every row's logits are equal (T changes nothing).
    """
    if objective not in ("nll", "ece"):
        raise ValueError(f"objective must be 'nll' or 'ece'; got {objective!r}.")
    logits, targets = as_scores(logits, targets, probs)
    if probs is not None:
        logits = logits.double().log()
        check_possible(logits, targets, "probs")
    weight = as_weights(sample_weight, len(targets))
    if weight is not None:
        logits, targets, weight = (x[weight > 0] for x in (logits, targets, weight))
    share = torch.ones(len(targets), dtype=torch.float64) if weight is None else weight
    share = share / share.sum()
    correct = logits.numpy().argmax(1) == targets.numpy()
    z = logits - logits.amax(1, keepdim=True).double()
    unit = _unit(z)
    z = (z / unit).clamp_(min=_MASKED)
    z_y = z.gather(1, targets[:, None])[:, 0]

    def ece(norm: Tensor) -> float:
        return reliability(norm.reciprocal().clamp(max=1), correct, bins, binning, weight).ece

    beta = _newton(z, z_y, share)
    if objective == "ece":
        for span, points in ((np.log(8), 97), (np.log(8) / 48, 41)):
            grid = beta * np.exp(np.linspace(-span, span, points))
            beta = float(grid[np.argmin([ece(_norm(b, z)) for b in grid])])
    before, after = _norm(unit, z), _norm(beta, z)
    return Temperature(
        T=unit / beta,
        objective=objective,
        nll_before=(share @ (before.log() - unit * z_y)).item(),
        nll_after=(share @ (after.log() - beta * z_y)).item(),
        ece_before=ece(before),
        ece_after=ece(after),
    )


def _unit(z: Tensor) -> float:
    """The power of 2 nearest the largest difference: in its units no square under- or overflows."""
    largest = z.masked_fill(z == -torch.inf, 0).amin().item()
    if largest == 0:
        raise ValueError(
            "No finite temperature is best: the logits of every row are equal, so dividing them "
            "changes nothing."
        )
    return 2.0 ** np.frexp(largest)[1]


def _newton(z: Tensor, z_y: Tensor, share: Tensor) -> float:
    """The beta = 1/T of least NLL, for logits whose row maximum is 0, examples weighing share."""
    if (z_y == 0).all():
        raise ValueError(
            "No finite temperature is best: every example is classified rightly, or its class "
            "ties with the best, so T = 0 is. Fit on held-out data, with more examples."
        )
    slope, curvature = _derivatives(0.0, z, z_y, share)
    if slope >= 0:
        raise ValueError(
            "No finite temperature is best: right classes score no higher than the average "
            "class. Check that logits and targets belong together."
        )
    low, high = 0.0, np.inf
    beta = -slope / curvature
    for _ in range(200):
        slope, curvature = _derivatives(beta, z, z_y, share)
        low, high = (beta, high) if slope < 0 else (low, beta)
        step = slope / curvature if curvature > 0 else np.copysign(np.inf, slope)
        if slope * step < 1e-10:
            return float(beta - step)
        beta -= step
        if not low < beta < high:
            beta = (low + high) / 2 if high < np.inf else 4 * low
    return beta


def _derivatives(beta: float, z: Tensor, z_y: Tensor, share: Tensor) -> tuple[float, float]:
    """First two derivatives in beta of the NLL at 1/T = beta."""
    slope, curvature = -(share @ z_y).item(), 0.0
    for block, weight in zip(_blocks(z), share.split(_rows(z))):
        p = (block * beta).exp_()
        if beta == 0:
            p[block == _MASKED] = 0
        norm = p.sum(1)
        pz = p.mul_(block)
        mean = pz.sum(1) / norm
        square = torch.linalg.vecdot(pz, block) / norm
        slope += (weight @ mean).item()
        curvature += (weight @ (square - mean.square())).item()
    return slope, curvature


def _norm(beta: float, z: Tensor) -> Tensor:
    """Sum of each row's exp(beta z): the reciprocal of its confidence."""
    return torch.cat([(block * beta).exp_().sum(1) for block in _blocks(z)])


def _blocks(z: Tensor) -> tuple[Tensor, ...]:
    return z.split(_rows(z))


def _rows(z: Tensor) -> int:
    return max(1, _CHUNK // z.shape[1])

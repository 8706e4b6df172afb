"""Temperature scaling: one number that divides the logits (Guo et al. 2017, section 4.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lsbook.estimators.arrays import Array, as_logits
from lsbook.estimators.calibration import reliability

_CHUNK = 2**15  # values a block, so that it stays in the cache


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
    logits: Array, targets: Array, objective: str = "nll", bins: int = 15, binning: str = "width"
) -> Temperature:
    """Find the temperature that minimises NLL or ECE. Fit on held-out data.

    The NLL is convex in 1/T: a bracketed Newton iteration in float64 finds its one minimum. The
    ECE has jumps and many minima: it is searched on a grid of T from 1/8 to 8 times the NLL's
    temperature, then on a finer grid around the best.

    Parameters
    ----------
    logits : array (..., K)
    targets : array of int, (...)
    objective : {"nll", "ece"}
    bins, binning
        Of the ECE, as in `reliability`.

    Raises
    ------
    ValueError
        If no finite positive temperature is best: every example is classified rightly (T
        towards 0), or right classes score no better than the average class (T towards infinity).
    """
    if objective not in ("nll", "ece"):
        raise ValueError(f"objective must be 'nll' or 'ece'; got {objective!r}.")
    logits, targets = as_logits(logits, targets)
    correct = logits.numpy().argmax(1) == targets.numpy()
    z = logits - logits.amax(1, keepdim=True).double()
    z_y = z.gather(1, targets[:, None])[:, 0]

    def ece(norm: Tensor) -> float:
        return reliability(norm.reciprocal().clamp(max=1), correct, bins, binning).ece

    beta = _newton(z, z_y)
    if objective == "ece":
        for span, points in ((np.log(8), 97), (np.log(8) / 48, 41)):
            grid = beta * np.exp(np.linspace(-span, span, points))
            beta = float(grid[np.argmin([ece(_norm(b, z)) for b in grid])])
    before, after = _norm(1.0, z), _norm(beta, z)
    return Temperature(
        T=1 / beta,
        objective=objective,
        nll_before=(before.log() - z_y).mean().item(),
        nll_after=(after.log() - beta * z_y).mean().item(),
        ece_before=ece(before),
        ece_after=ece(after),
    )


def _newton(z: Tensor, z_y: Tensor) -> float:
    """The beta = 1/T of least NLL, for logits whose row maximum is 0."""
    if (z_y == 0).all():
        raise ValueError(
            "No finite temperature is best: every example is classified rightly, so T = 0 is. "
            "Fit on held-out data, with more examples."
        )
    slope, curvature = _derivatives(0.0, z, z_y)
    if slope >= 0:
        raise ValueError(
            "No finite temperature is best: right classes score no higher than the average "
            "class. Check that logits and targets belong together."
        )
    low, high = 0.0, np.inf
    beta = -slope / curvature
    for _ in range(200):
        slope, curvature = _derivatives(beta, z, z_y)
        low, high = (beta, high) if slope < 0 else (low, beta)
        step = slope / curvature if curvature > 0 else np.copysign(np.inf, slope)
        if slope * step < 1e-10:
            return float(beta - step)
        beta -= step
        if not low < beta < high:
            beta = (low + high) / 2 if high < np.inf else 4 * low
    return beta


def _derivatives(beta: float, z: Tensor, z_y: Tensor) -> tuple[float, float]:
    """First two derivatives in beta of the NLL at 1/T = beta."""
    slope, curvature = -z_y.sum().item(), 0.0
    for block in _blocks(z):
        p = (block * beta).exp_()
        norm = p.sum(1)
        pz = p.mul_(block)
        mean = pz.sum(1) / norm
        square = torch.linalg.vecdot(pz, block) / norm
        slope += mean.sum().item()
        curvature += (square - mean.square()).sum().item()
    return slope / len(z), curvature / len(z)


def _norm(beta: float, z: Tensor) -> Tensor:
    """Sum of each row's exp(beta z): the reciprocal of its confidence."""
    return torch.cat([(block * beta).exp_().sum(1) for block in _blocks(z)])


def _blocks(z: Tensor) -> tuple[Tensor, ...]:
    return z.split(max(1, _CHUNK // z.shape[1]))

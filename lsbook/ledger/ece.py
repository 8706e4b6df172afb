"""A difference of calibration errors without its bias, one seed after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lsbook.estimators.calibration import reliability

Predictions = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Difference:
    estimate: float
    low: float
    high: float


def ece_difference(first: Sequence[Predictions], second: Sequence[Predictions], *,
                   level: float = 0.95, draws: int = 1000, seed: int = 0) -> Difference:
    """ECE of ``first`` less that of ``second``, on the same examples, by the bootstrap."""
    rng = np.random.default_rng(seed)
    n = len(first[0][0])
    weights = np.stack([np.bincount(rng.integers(n, size=n), minlength=n) for _ in range(draws)])
    weights = weights.astype(np.float32) / n
    plain, drawn = 0.0, np.zeros(draws)
    for sign, sides in ((1, first), (-1, second)):
        for confidence, correct in sides:
            plain += sign * reliability(confidence, correct).ece / len(sides)
            bins = np.ceil(np.asarray(confidence) * 15).clip(1).astype(int) - 1
            gaps = np.zeros((n, 15), dtype=np.float32)
            gaps[np.arange(n), bins] = correct - np.asarray(confidence)
            drawn += sign * np.abs(weights @ gaps).sum(1) / len(sides)
    tails = np.quantile(drawn, [(1 + level) / 2, (1 - level) / 2])
    return Difference(2 * plain - drawn.mean(), *(2 * plain - tails))

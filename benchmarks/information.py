"""Mutual information on a grid against the sum over all pairs."""

from __future__ import annotations

import math

import numpy as np

from benchmarks._compare import milliseconds, row, show
from lsbook.estimators.information import mutual_information

L = 100
BLOCK = 64


def main() -> list[dict]:
    rows = []
    for N, repeats in ((600, 7), (5000, 1)):
        y = sample(N)
        mu = y.mean(1)
        results = [f(mu, y) for f in (mutual_information, plain, blocks)]
        times = milliseconds(
            lambda: mutual_information(mu, y),
            lambda: plain(mu, y),
            lambda: blocks(mu, y),
            repeats=repeats,
        )
        for name, value, time in zip(
            ("numpy, one N×N array a draw", f"numpy, blocks of {BLOCK} rows"),
            results[1:],
            times[1:],
            strict=True,
        ):
            note = f"the two values differ by {abs(results[0] - value):.1g}"
            label = f"mutual information, N {N}, L {L}"
            rows.append(row(label, name, times[0], time, note=note))
    return rows


def plain(mu: np.ndarray, y: np.ndarray) -> float:
    """The formula, vectorised over pairs of examples."""
    variance = np.mean((y - mu[:, None]) ** 2)
    terms = [
        -((score - mu) ** 2) / (2 * variance)
        - np.log(np.exp(-((score[:, None] - mu) ** 2) / (2 * variance)).mean(1))
        for score in y.T
    ]
    return float(np.mean(terms))


def blocks(mu: np.ndarray, y: np.ndarray) -> float:
    """The same with few rows at a time, so that they stay in the cache."""
    scale = 1 / math.sqrt(2 * np.mean((y - mu[:, None]) ** 2))
    t, mu = y.ravel() * scale, mu * scale
    total = 0.0
    for start in range(0, len(t), BLOCK):
        kernel = t[start : start + BLOCK, None] - mu
        np.square(kernel, out=kernel)
        np.exp(np.negative(kernel, out=kernel), out=kernel)
        total += np.log(kernel.mean(1)).sum()
    return float(-0.5 - total / len(t))


def sample(N: int) -> np.ndarray:
    """Logit differences of two half-collapsed classes, (N, L)."""
    rng = np.random.default_rng(0)
    centres = 6 * (np.arange(N) % 2)[:, None] + rng.normal(size=(N, 1))
    return centres + rng.normal(size=(N, L))


if __name__ == "__main__":
    show(main())

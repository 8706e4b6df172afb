"""How large an effect is, and how sure: intervals over validation examples and seeds.

A `Reading` is one quantity of one network with the influence that each validation example has on
it; differences of readings on the same examples are paired. An `Effect` is the mean over seeds.
Its interval has two parts. Validation examples are drawn again with replacement, the same ones for
all networks that were validated on them (the bootstrap, exact for shares and linear in the
influences for the rest). The spread between seeds enters by Student's t with one degree of freedom
less than there are seeds: seeds drawn again, three of them, would show too little of it.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import stats

from lsbook.estimators.calibration import ece_difference
from lsbook.ledger.groups import Missing, Values

DRAWS = 1000
LEVEL = 0.95
SEEDS = 3
"""The fewest seeds that decide anything."""

ROUNDING = 1e-9
"""Differences below this are ties."""


@dataclass(frozen=True, eq=False)
class Reading:
    """A quantity of one network.

    ``influence`` (n,) says how far each validation example moves it, with mean 0: of an accuracy
    whether the example was right, less the accuracy. None where examples were not kept.
    ``split`` tells sets of examples apart.
    """

    value: float
    influence: np.ndarray | None = None
    split: int = 0

    @classmethod
    def mean(cls, values: np.ndarray, split: int) -> Reading:
        """The mean of one value an example (n,)."""
        values = np.asarray(values, dtype=np.float64)
        return cls(float(values.mean()), values - values.mean(), split)

    def __sub__(self, other: Reading) -> Reading:
        return self + -1.0 * other

    def __add__(self, other: Reading | float) -> Reading:
        if not isinstance(other, Reading):
            return Reading(self.value + other, self.influence, self.split)
        known = self.influence is not None and other.influence is not None
        paired = known and (self.split, len(self.influence)) == (other.split, len(other.influence))
        return Reading(self.value + other.value,
                       self.influence + other.influence if paired else None, self.split)

    def __rmul__(self, factor: float) -> Reading:
        influence = None if self.influence is None else factor * self.influence
        return Reading(factor * self.value, influence, self.split)


def split_of(targets: np.ndarray) -> int:
    """A number for a set of validation examples, from its targets (n,)."""
    return zlib.crc32(np.ascontiguousarray(targets).tobytes())


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An effect as it is shown: the estimate, its 95 % interval, and what was asked of it.

    The condition is ``least`` < effect < ``most``.
    """

    label: str
    estimate: float
    low: float
    high: float
    seeds: tuple[int, ...]
    least: float = 0.0
    most: float = np.inf


@dataclass(frozen=True, eq=False, kw_only=True)
class Effect:
    """A mean over seeds with draws (DRAWS,) of it, and the condition ``least`` < it < ``most``.

    A claim that something is larger asks for more than 0; one that two things are alike, for less
    than a margin either way, by two one-sided tests.
    """

    label: str
    estimate: float
    draws: np.ndarray
    seeds: tuple[int, ...]
    least: float = 0.0
    most: float = np.inf

    def bound(self, share: float) -> float:
        """The value that ``share`` of the draws lie below."""
        return float(np.quantile(self.draws, share))

    @property
    def interval(self) -> Interval:
        tail = (1 - LEVEL) / 2
        return Interval(label=self.label, estimate=self.estimate, low=self.bound(tail),
                        high=self.bound(1 - tail), seeds=self.seeds, least=self.least,
                        most=self.most)

    @property
    def slack(self) -> float:
        """How far inside its condition the estimate lies; 0 for a tie, below 0 outside."""
        slack = min(self.estimate - self.least, self.most - self.estimate)
        return 0.0 if abs(slack) < ROUNDING else slack

    @property
    def holds(self) -> bool:
        """Whether the whole interval lies inside the condition, with seeds enough."""
        shown = self.interval
        inside = shown.low > self.least + ROUNDING and shown.high < self.most - ROUNDING
        return len(self.seeds) >= SEEDS and inside

    def fails(self, of: int = 1) -> bool:
        """Whether the whole interval lies outside, with seeds enough.

        Of several conditions any one refutes the claim, so each is asked at a level that makes
        all of them together no likelier to do so by chance than a single one (Bonferroni).
        """
        tail = (1 - LEVEL) / 2 / of
        outside = (self.bound(1 - tail) < self.least - ROUNDING
                   or self.bound(tail) > self.most + ROUNDING)
        return len(self.seeds) >= SEEDS and outside


def effect(label: str, readings: Mapping[int, Reading], *, least: float = 0.0,
           most: float = np.inf) -> Effect:
    """The mean of one reading a seed.

    Raises
    ------
    Missing
        If there are none.
    """
    if not readings:
        raise Missing("runs with a seed in common")
    noise = np.zeros(DRAWS)
    if all(reading.influence is not None for reading in readings.values()):
        for reading in readings.values():
            drawn = _resamples(len(reading.influence), reading.split)
            noise += drawn @ reading.influence.astype(np.float32) / len(reading.influence)
    values = {seed: reading.value for seed, reading in readings.items()}
    return _effect(label, values, noise / len(readings), least, most)


def ece_effect(label: str, first: Mapping[int, tuple[np.ndarray, np.ndarray]],
               second: Mapping[int, tuple[np.ndarray, np.ndarray]], *,
               least: float = 0.0) -> Effect:
    """How far the calibration error of ``first`` lies above that of ``second``, without its bias.

    Both hold the confidence and correctness (n,) of each seed's validation examples.
    """
    seeds = sorted(first.keys() & second.keys())
    if not seeds:
        raise Missing("runs with a seed in common")
    found = ece_difference([first[seed] for seed in seeds], [second[seed] for seed in seeds],
                           level=LEVEL, draws=DRAWS // 4)
    low, high = found.interval
    # Quantiles of a normal distribution on either side of the estimate, as wide as the interval is.
    units = _quantiles(stats.norm()) / stats.norm.ppf((1 + LEVEL) / 2)
    widths = np.where(units < 0, found.estimate - low, high - found.estimate)
    return Effect(label=label, estimate=found.estimate, draws=found.estimate + units * widths,
                  seeds=tuple(seeds), least=least)


def _effect(label: str, values: Values, noise: np.ndarray, least: float, most: float) -> Effect:
    seeds = tuple(sorted(values))
    each = np.array([values[seed] for seed in seeds])
    draws = each.mean() + noise
    if len(each) > 1:
        error = each.std(ddof=1) / np.sqrt(len(each))
        shuffle = np.random.default_rng(0).permutation(DRAWS)
        draws = draws + error * _quantiles(stats.t(len(each) - 1))[shuffle]
    return Effect(label=label, estimate=float(each.mean()), draws=draws, seeds=seeds,
                  least=least, most=most)


def _quantiles(distribution) -> np.ndarray:
    return distribution.ppf((np.arange(DRAWS) + 0.5) / DRAWS)


@lru_cache(maxsize=6)
def _resamples(n: int, split: int) -> np.ndarray:
    """How often each of n examples occurs in each of DRAWS resamples, (DRAWS, n)."""
    random = np.random.default_rng((n, split))
    return np.stack([np.bincount(random.integers(n, size=n), minlength=n)
                     for _ in range(DRAWS)]).astype(np.float32)

"""What true calibration errors could have given a measured one.

Noise alone opens a gap in every bin, and the measured ECE adds up their sizes: it is above 0 for
calibrated predictions. So it is compared with the ECE of sets drawn anew from predictions whose
true gaps are known (consistency resampling, Bröcker and Smith 2007, with gaps). How much noise
adds depends on where the gaps are: most where one bin holds them all, for noise beside a large
gap cancels, and least where every bin is off by as many standard errors. The lower limit takes
the first, among the gaps seen, and the upper limit the second; so neither is too bold.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_HALVINGS = 12


class Resampled:
    """A measured reliability table, and sets drawn with other true gaps than the measured.

    ``count``, ``confidence`` and ``accuracy`` are a row of bins each; the confidence within a bin
    is taken to be its mean. The true error is that of the population, for these bins.
    """

    def __init__(
        self, count: np.ndarray, confidence: np.ndarray, accuracy: np.ndarray, draws: int, seed: int
    ):
        held = count > 0
        self.draws, self.seed = draws, seed
        self.n, count = count.sum(), count[held]
        self.share, self.confidence = count / self.n, confidence[held]
        self.gap = accuracy[held] - self.confidence
        spread = (accuracy[held] * count + 0.5) / (count + 1)
        self.error = np.sqrt(spread * (1 - spread) / count)
        self.measured = np.abs(self.gap) @ self.share

    def limits(self, level: float) -> tuple[float, float]:
        """Limits between which the true error lies with probability ``level`` at least."""
        tail = (1 - level) / 2
        # Less than calibrated predictions would give is no evidence: it would leave no limit.
        return self._lower(tail), self._upper(tail * self._share_below(np.zeros_like(self.gap)))

    def middles(self) -> tuple[float, float]:
        """The true errors of which the measured one is the median, for either kind of gaps."""
        return self._lower(0.5), self._upper(0.5)

    def _lower(self, tail: float) -> float:
        return _first(lambda total: self._share_above(self._gathered(total)) >= tail,
                      self.measured)

    def _upper(self, tail: float) -> float:
        def too_far(errors: float) -> bool:
            return self._share_below(self._even(errors)) < tail

        most = 1.0
        while not too_far(most) and most * self.error.min() < 1:
            most *= 2
        return float(np.abs(self._even(_first(too_far, most))) @ self.share)

    def _gathered(self, total: float) -> np.ndarray:
        """The measured gaps of the bins that stand out most, as far as they add up to total."""
        order = np.argsort(-np.abs(self.gap) / self.error)
        size = (np.abs(self.gap) * self.share)[order]
        kept = np.empty_like(size)
        kept[order] = np.clip(total - (size.cumsum() - size), 0, size)
        return np.sign(self.gap) * kept / self.share

    def _even(self, errors: float) -> np.ndarray:
        """Gaps of so many standard errors in every bin, as far as accuracies allow."""
        away = np.where(self.gap < 0, -errors, errors) * self.error
        return np.clip(self.confidence + away, 0, 1) - self.confidence

    def _share_above(self, gap: np.ndarray) -> float:
        return np.mean(self._draw(gap) >= self.measured - 1e-12)

    def _share_below(self, gap: np.ndarray) -> float:
        return np.mean(self._draw(gap) <= self.measured + 1e-12)

    def _draw(self, gap: np.ndarray) -> np.ndarray:
        """Measured errors (draws,) of sets whose bins have the true gaps ``gap``."""
        rng = np.random.default_rng(self.seed)
        count = rng.multinomial(self.n, self.share, size=self.draws)
        right = rng.binomial(count, np.clip(self.confidence + gap, 0, 1))
        return np.abs(right - count * self.confidence).sum(1) / self.n


def _first(holds: Callable[[float], bool], most: float) -> float:
    """The least number in [0, most] of which ``holds`` is true, by halving; 0 exactly if it is."""
    low, high = 0.0, most
    if holds(low):
        return low
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high

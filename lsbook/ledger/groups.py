"""Runs of one recipe, put side by side: hard and smoothed, teachers and students, seed by seed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

Values = dict[int, float]
"""One value a seed."""


class Missing(LookupError):
    """A run or a metric that a check needs does not exist."""


PAPERS_DATA = ("cifar10", "cifar100", "mnist")
"""The data sets of this book that the paper used too."""


@dataclass(frozen=True)
class Group:
    """Runs of one recipe that differ only in alpha, seed and teacher."""

    runs: tuple[Any, ...]
    every: tuple[Any, ...]

    @property
    def alphas(self) -> list[float]:
        """Smoothing strengths of the networks trained without a teacher."""
        return sorted({run.recipe.alpha for run in self.runs if run.recipe.distil is None})

    def alone(self, alpha: float) -> dict[int, Any]:
        """Runs without a teacher at ``alpha``, by seed."""
        return _by_seed(run for run in self.runs
                        if run.recipe.distil is None and run.recipe.alpha == alpha)

    def pair(self, alpha: float) -> tuple[dict[int, Any], dict[int, Any], float]:
        """Hard runs, smoothed runs at the strength nearest ``alpha``, and that strength.

        Of the strengths, those that were run with most of the hard runs' seeds.
        """
        hard = self.alone(0.0)
        paired = {a: len(hard.keys() & self.alone(a).keys()) for a in self.alphas if a > 0}
        positive = [a for a, seeds in paired.items() if seeds == max(paired.values())]
        smoothed = min(positive, key=lambda a: abs(a - alpha), default=None)
        if smoothed is None or 0.0 not in self.alphas:
            raise Missing("hard and smoothed runs")
        return self.alone(0.0), self.alone(smoothed), smoothed

    @property
    def _distilled(self) -> list[Any]:
        runs = [run for run in self.runs if run.recipe.distil is not None]
        scale = max((run.recipe.distil.teacher.scale for run in runs), default=None)
        return [run for run in runs if run.recipe.distil.teacher.scale == scale]

    @property
    def lessons(self) -> list[tuple[float, float]]:
        """The (alpha, T) of the teachers that students learned from."""
        distils = [run.recipe.distil for run in self._distilled]
        return sorted({(distil.teacher.alpha, distil.T) for distil in distils})

    def students(self, alpha: float, T: float | None = None) -> dict[int, Any]:
        """Students of teachers with smoothing ``alpha``, at ``T`` or at any T, by seed."""
        return _by_seed(run for run in self._distilled
                        if run.recipe.distil.teacher.alpha == alpha
                        and T in (None, run.recipe.distil.T))

    def teachers(self, alpha: float) -> dict[int, Any]:
        """The recorded teachers with smoothing ``alpha``, by the seed of their student."""
        recorded = {run.recipe.hash: run for run in self.every}
        found = {seed: recorded.get(run.recipe.distil.teacher.hash)
                 for seed, run in self.students(alpha).items()}
        return {seed: run for seed, run in found.items() if run is not None}


def _by_seed(runs: Iterable[Any]) -> dict[int, Any]:
    return {run.recipe.seed: run for run in runs}


def groups(runs: Iterable[Any]) -> dict[str, list[Group]]:
    """Group runs under the name of their recipe, the longest schedule and most data first.

    Dropout does not split a group: on MNIST the paper pairs it with hard targets only.
    """
    runs = tuple(sorted(runs, key=lambda run: (run.recipe.alpha, run.recipe.seed, run.recipe.hash)))
    families = defaultdict(list)
    for run in runs:
        recipe = run.recipe
        size = tuple(item for item in recipe.size if item[0] != "dropout")
        family = recipe.with_(alpha=0.0, seed=0, distil=None, size=size).hash
        most = (-recipe.scale, -recipe.train_fraction, -(recipe.sentences or 0))
        families[recipe.name, most, family].append(run)
    grouped = defaultdict(list)
    for (name, _, _), members in sorted(families.items()):
        grouped[name].append(Group(tuple(members), runs))
    return grouped


def metric(runs: dict[int, Any], name: str) -> Values:
    """One metric of each run that holds it, by seed; raises :class:`Missing` if none does."""
    return each(runs, lambda run: run.metrics[name])


def each(runs: dict[int, Any], read: Callable[[Any], float]) -> Values:
    """``read`` of each run that holds what it needs, by seed.

    Raises
    ------
    Missing
        If no run does.
    """
    values = {}
    for seed, run in runs.items():
        try:
            values[seed] = float(read(run))
        except (KeyError, IndexError, TypeError, ValueError):
            continue
    if not values:
        raise Missing("no run holds it")
    return values

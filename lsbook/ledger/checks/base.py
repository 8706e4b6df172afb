"""A check: what it needs, what it measures, and what it found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lsbook.ledger.effects import Effect, Reading
from lsbook.ledger.gates import Gate
from lsbook.ledger.groups import Group, Missing, Values
from lsbook.ledger.settings import recipes_of


@dataclass(frozen=True)
class Evidence:
    """What a check found: the effects its verdict rests on, the values to show, and remarks."""

    conditions: Sequence[Effect]
    shown: dict[str, Values]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Check:
    """How a claim is checked.

    Attributes
    ----------
    claimed : tuple of str
        The experiments the paper makes the claim for, keys of ``EXPERIMENTS``.
    elsewhere : tuple of str
        Others it can be checked on; they do not decide it.
    needs : tuple of Gate
        Preconditions; where one fails the verdict is ``cannot tell``.
    run : callable
        From a group of runs to the evidence.
    measure : str
        What the shown values are.
    rule : str
        The conditions in words, as the claims page shows them.
    """

    claimed: tuple[str, ...]
    elsewhere: tuple[str, ...] = ()
    needs: tuple[Gate, ...] = ()
    run: Callable[[Group], Evidence]
    measure: str
    rule: str

    @property
    def recipes(self) -> tuple[str, ...]:
        """The recipes it is checked on: the claimed experiments' first."""
        return tuple(dict.fromkeys(recipes_of(*self.claimed) + recipes_of(*self.elsewhere)))

    def is_claimed_for(self, recipe: str) -> bool:
        """Whether the paper makes the claim for what ``recipe`` stands for; never for the lab."""
        return recipe in recipes_of(*self.claimed) and not recipe.startswith("lab/")


Readings = dict[int, Reading]


@dataclass(frozen=True)
class Arm:
    """Networks of one kind, a reading a seed, under a label."""

    label: str
    readings: Readings

    @property
    def values(self) -> Values:
        return {seed: reading.value for seed, reading in self.readings.items()}

    def __sub__(self, other: Arm) -> Readings:
        """Paired differences, of the seeds that both have."""
        common = self.readings.keys() & other.readings.keys()
        return {seed: self.readings[seed] - other.readings[seed] for seed in sorted(common)}


def arm(label: str, runs: dict[int, Any], read: Callable[[Any], Any]) -> Arm:
    """``read`` of each run that holds what it needs, a number or a `Reading`.

    Raises
    ------
    Missing
        If no run does.
    """
    readings = {}
    for seed, run in runs.items():
        try:
            found = read(run)
            readings[seed] = found if isinstance(found, Reading) else Reading(float(found))
        except (KeyError, IndexError, TypeError, ValueError):
            continue
    if not readings:
        raise Missing(f"no run of {label} holds it")
    return Arm(label, readings)


def pair(group: Group, alpha: float, read: Callable[[Any], Any]) -> tuple[Arm, Arm]:
    """A quantity of hard networks and of those smoothed at the strength nearest ``alpha``."""
    hard, smoothed, strength = group.pair(alpha)
    return arm("α = 0", hard, read), arm(f"α = {strength:g}", smoothed, read)


def shown(*arms: Arm) -> dict[str, Values]:
    return {one.label: one.values for one in arms}


def named(metric: str) -> Callable[[Any], float]:
    """A reader of one metric."""
    return lambda run: run.metrics[metric]

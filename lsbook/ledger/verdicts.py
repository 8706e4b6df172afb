"""Verdicts: each claim against every recipe that can show it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from lsbook.ledger.checks import CHECKS, UNCHECKED, Check
from lsbook.ledger.groups import Group, Missing, Values, groups, is_papers_own
from lsbook.paper import CLAIMS, Claim
from lsbook.recipes import CATALOGUE, Recipe

STATUSES = ("reproduced", "held", "held once", "partly", "not", "not yet run", "not checked")
HELD = STATUSES[:3]
DECIDED = STATUSES[:5]


@dataclass(frozen=True)
class Spread:
    """A measured quantity over seeds: mean, least and greatest."""

    label: str
    mean: float
    low: float
    high: float
    seeds: tuple[int, ...]

    @classmethod
    def of(cls, label: str, values: Values) -> Spread:
        return cls(label, fmean(values.values()), min(values.values()), max(values.values()),
                   tuple(sorted(values)))


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One row of the ledger.

    Attributes
    ----------
    id : str
        Of the claim.
    status : str
        One of ``STATUSES``.
    recipe : str
        Name of the recipe it was checked on; empty if no recipe can check it.
    scale, train_fraction : float or None
        Fraction of the full schedule that was run, and of the training images that were used;
        None if not run.
    measure : str
        The quantity in ``ours``.
    ours : tuple of Spread
    runs : tuple of str
        Hashes of the runs the verdict rests on.
    met : tuple of int
        How many of its conditions hold on average over seeds, and how many it has.
    note : str
        Why no run can decide the claim.
    """

    id: str
    status: str
    recipe: str = ""
    scale: float | None = None
    train_fraction: float | None = None
    measure: str = ""
    ours: tuple[Spread, ...] = ()
    runs: tuple[str, ...] = ()
    met: tuple[int, int] = (0, 0)
    note: str = ""

    @property
    def preset(self) -> str:
        """``lab``, ``fraction``, ``paper``, or empty if no recipe can check it."""
        return self.recipe.split("/")[0]

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that every shown quantity has."""
        seeds = [set(spread.seeds) for spread in self.ours]
        return tuple(sorted(set.intersection(*seeds))) if seeds else ()

    @property
    def ran(self) -> Recipe | None:
        """The recipe as it was run, but for alpha and seed; None if nothing was."""
        if self.scale is None:
            return None
        cut = {"scale": self.scale, "train_fraction": self.train_fraction}
        return CATALOGUE[self.recipe].with_(**cut)


def judge(conditions: Sequence[Values]) -> str:
    """The verdict on margins: see the head of the package."""
    if all(min(c.values()) > 0 for c in conditions):
        return "held" if all(len(c) > 1 for c in conditions) else "held once"
    return "partly" if any(map(_holds, conditions)) else "not"


def _holds(margins: Values) -> bool:
    return fmean(margins.values()) > 0


def verdicts(claims: Sequence[Claim] = CLAIMS, runs: Iterable[Any] = ()) -> list[Verdict]:
    """Check each claim on every recipe that can show it.

    Parameters
    ----------
    claims : sequence of Claim
    runs : iterable of Run
        What ``lsbook.runs.available()`` gives.

    Returns
    -------
    list of Verdict
        In the order of the claims; at least one each, one for every recipe and scale.
    """
    found = groups(runs)
    rows = []
    for claim in claims:
        check = CHECKS.get(claim.id)
        if check is None:
            rows.append(Verdict(id=claim.id, status="not checked", note=UNCHECKED[claim.id]))
            continue
        for recipe in check.recipes:
            checked = [_checked(claim.id, check, recipe, group) for group in found.get(recipe, [])]
            missing = Verdict(id=claim.id, status="not yet run", recipe=recipe,
                              measure=check.measure)
            rows += [row for row in checked if row is not None] or [missing]
    return rows


def _checked(claim: str, check: Check, recipe: str, group: Group) -> Verdict | None:
    try:
        evidence = check.run(group)
    except Missing:
        return None
    one = group.runs[0].recipe
    status = judge(evidence.conditions)
    return Verdict(
        id=claim,
        status="reproduced" if status == "held" and is_papers_own(one) else status,
        recipe=recipe,
        scale=one.scale,
        train_fraction=one.train_fraction,
        measure=check.measure,
        ours=tuple(Spread.of(label, values) for label, values in evidence.shown.items()),
        runs=tuple(run.recipe.hash for run in group.runs),
        met=(sum(_holds(c) for c in evidence.conditions), len(evidence.conditions)),
    )


def overall(rows: Iterable[Verdict]) -> str:
    """One status for several verdicts on a claim, each recipe by its longest run.

    Where every recipe agrees that it held, the weakest way of holding; ``not`` where none does;
    else ``partly``.
    """
    first: dict[str, str] = {}
    for row in rows:
        first.setdefault(row.recipe, row.status)
    decided = {status for status in first.values() if status in DECIDED}
    if not decided:
        return "not checked" if "not checked" in first.values() else "not yet run"
    if decided <= set(HELD):
        return max(decided, key=HELD.index)
    return "not" if decided == {"not"} else "partly"

"""Verdicts: each claim against every recipe that can show it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from lsbook.ledger.checks import CHECKS, UNCHECKED, Check
from lsbook.ledger.deviations import deviations
from lsbook.ledger.effects import SEEDS, Effect, Interval
from lsbook.ledger.groups import Group, Missing, Values, groups
from lsbook.ledger.readings import Undecided
from lsbook.ledger.settings import PRESETS
from lsbook.paper import CLAIMS, KEY, Claim
from lsbook.recipes import CATALOGUE, Recipe

STATUSES = ("reproduced", "held", "leans for", "mixed", "leans against", "not", "cannot tell",
            "not yet run", "not checked")
HELD = STATUSES[:2]
FOR = STATUSES[:3]
AGAINST = ("leans against", "not")
DECIDED = STATUSES[:6]


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
        One of ``STATUSES``, never "mixed".
    recipe : str
        Name of the recipe it was checked on; empty if no recipe can check it.
    claimed : bool
        Whether the paper makes the claim for what the recipe stands for.
    ran : Recipe or None
        The recipe as it was run, but for alpha, seed and teacher; None if nothing was.
    measure : str
        The quantity in ``ours``.
    ours : tuple of Spread
    effects : tuple of Interval
        What the verdict follows from: every one must lie inside its condition.
    runs : tuple of str
        Hashes of the runs the verdict rests on.
    deviations : tuple of str
        In what they are not the paper's.
    note : str
        Why it cannot be told or checked, and remarks.
    """

    id: str
    status: str
    recipe: str = ""
    claimed: bool = True
    ran: Recipe | None = None
    measure: str = ""
    ours: tuple[Spread, ...] = ()
    effects: tuple[Interval, ...] = ()
    runs: tuple[str, ...] = ()
    deviations: tuple[str, ...] = ()
    note: str = ""

    @property
    def preset(self) -> str:
        """``paper``, ``compact``, ``lab``; empty if no recipe can check it."""
        return self.recipe.split("/")[0]

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that every effect has."""
        seeds = [set(effect.seeds) for effect in self.effects]
        return tuple(sorted(set.intersection(*seeds))) if seeds else ()


def judge(effects: Sequence[Effect]) -> str:
    """The verdict on a claim that says all of ``effects``: see the head of the package."""
    if all(effect.holds for effect in effects):
        return "held"
    if any(effect.fails(of=len(effects)) for effect in effects):
        return "not"
    weakest = min(effect.slack for effect in effects)
    if weakest == 0:
        return "cannot tell"
    return "leans for" if weakest > 0 else "leans against"


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
                              claimed=check.is_claimed_for(recipe), measure=check.measure)
            rows += [row for row in checked if row is not None] or [missing]
    return rows


def _checked(claim: str, check: Check, recipe: str, group: Group) -> Verdict | None:
    one = group.runs[0].recipe
    row: dict[str, Any] = dict(
        id=claim, recipe=recipe, claimed=check.is_claimed_for(recipe), measure=check.measure,
        ran=CATALOGUE[recipe].with_(scale=one.scale, train_fraction=one.train_fraction,
                                    sentences=one.sentences),
        runs=tuple(run.recipe.hash for run in group.runs), deviations=_deviations(group))
    try:
        evidence = check.run(group)
    except Missing:
        return None
    except Undecided as reason:
        return Verdict(status="cannot tell", note=str(reason), **row)
    reasons = [reason for gate in check.needs if (reason := _reason(gate, group))]
    status = "cannot tell" if reasons else judge(evidence.conditions)
    if status == "cannot tell" and not reasons:
        reasons = ["the estimate lies on the bound itself"]
    if status == "held" and not row["deviations"]:
        status = "reproduced"
    return Verdict(
        status=status, note="; ".join((*reasons, *evidence.remarks)),
        ours=tuple(Spread.of(label, values) for label, values in evidence.shown.items()),
        effects=tuple(effect.interval for effect in evidence.conditions), **row)


def _reason(gate, group: Group) -> str:
    try:
        return gate(group)
    except Missing:
        return "the runs do not record what it takes to ask"
    except Undecided as reason:
        return str(reason)


def _deviations(group: Group) -> tuple[str, ...]:
    """Those of any of the runs, each once."""
    return tuple(dict.fromkeys(one for run in group.runs for one in deviations(run.recipe)))


def best(rows: Iterable[Verdict]) -> list[Verdict]:
    """The rows that decide one claim: claimed for, at the first preset that decides any.

    Of each recipe the longest run alone. The lab shows a claim at work and decides none. Where a
    recipe has seeds enough to establish something, those with fewer are no part of it: fewer only
    lean, and would make a lean of all.
    """
    first: dict[str, Verdict] = {}
    for row in rows:
        if row.claimed:
            first.setdefault(row.recipe, row)
    for preset in PRESETS:
        found = [row for row in first.values() if row.preset == preset and row.status in DECIDED]
        if found:
            return [row for row in found if len(row.seeds) >= SEEDS] or found
    return list(first.values())


def overall(rows: Iterable[Verdict]) -> str:
    """One status for several verdicts on a claim, each recipe by its longest run.

    Where all are for it or all against it, the weakest of them. What is established outweighs what
    leans the other way; established both ways the claim is ``mixed``, and leaning both ways it
    ``cannot tell``.
    """
    first: dict[str, str] = {}
    for row in rows:
        first.setdefault(row.recipe, row.status)
    found = set(first.values())
    held, refuted = found & set(HELD), "not" in found
    if not found & set(DECIDED):
        return next((s for s in ("cannot tell", "not checked") if s in found), "not yet run")
    if found & set(FOR) and found & set(AGAINST):
        if held and refuted:
            return "mixed"
        return "leans for" if held else "leans against" if refuted else "cannot tell"
    if found & set(FOR):
        return max(found & set(FOR), key=FOR.index)
    return min(found & set(AGAINST), key=AGAINST.index)


def counts(rows: Sequence[Verdict]) -> dict[str, int]:
    """How many of the paper's own claims have each status, by the rows that decide them."""
    own = [claim.id for claim in CLAIMS if claim.source == KEY]
    found = [overall(best([row for row in rows if row.id == id])) for id in own]
    return {status: found.count(status) for status in STATUSES}


def in_a_sentence(rows: Sequence[Verdict]) -> str:
    """What became of the paper's claims, for a reader who wants one sentence."""
    found = counts(rows)
    words = [("held", found["reproduced"] + found["held"]), ("lean that way", found["leans for"]),
             ("held on some data only", found["mixed"]),
             ("lean the other way", found["leans against"]), ("did not hold", found["not"]),
             ("cannot be told", found["cannot tell"]),
             ("are not run", found["not yet run"] + found["not checked"])]
    parts = [f"{count} {word}" for word, count in words if count or word == "held"]
    listed = ", ".join(parts[:-1]) + f" and {parts[-1]}" if len(parts) > 1 else parts[0]
    return f"Of the paper's {sum(found.values())} claims {listed}."

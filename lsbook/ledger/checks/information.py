"""Section 4, Figure 6: mutual information, by the estimate with a fresh draw."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from lsbook.estimators.information import collapsed_bias
from lsbook.ledger.checks.base import Arm, Check, Evidence, arm, shown
from lsbook.ledger.effects import effect
from lsbook.ledger.gates import teacher_fits
from lsbook.ledger.groups import Group
from lsbook.training.evaluation import MI_DRAWS

ALPHA = 0.1

COLLAPSED = math.log(2) + collapsed_bias(L=MI_DRAWS, form="fresh")
"""What the fresh estimate reads, on average, of two clusters of one point each, in nats."""

SLIGHTLY = 1.5
"""Information up to this many times log 2 is slightly above it."""

JITTER = 0.8
"""Readings of one network jitter by up to a tenth: only a fifth less is a difference."""


def _first(curve: list[float]) -> float:
    return curve[0]


def _last(curve: list[float]) -> float:
    return curve[-1]


def _arm(label: str, runs: dict[int, Any], read: Callable[[list[float]], float]) -> Arm:
    return arm(label, runs, lambda run: read(run.history["mi_fresh"]))


def _jitter(peak: Arm) -> Arm:
    return Arm(peak.label, {seed: JITTER * reading for seed, reading in peak.readings.items()})


def starts_low(group: Group) -> Evidence:
    hard, smoothed, alpha = group.pair(ALPHA)
    conditions, arms = [], []
    for label, runs in (("α = 0", hard), (f"α = {alpha:g}", smoothed)):
        first, peak = _arm(f"first, {label}", runs, _first), _arm(f"greatest, {label}", runs, max)
        quarter = Arm("", {seed: 0.25 * reading for seed, reading in peak.readings.items()})
        conditions.append(effect(f"a quarter of the greatest − the first, {label}",
                                 quarter - first))
        arms += [first, peak]
    return Evidence(conditions, shown(*arms))


def rises_then_falls(group: Group) -> Evidence:
    _, smoothed, alpha = group.pair(ALPHA)
    first, peak, last = (_arm(f"{word}, α = {alpha:g}", smoothed, read)
                         for word, read in (("first", _first), ("greatest", max), ("last", _last)))
    return Evidence([effect("0.8 × greatest − first", _jitter(peak) - first),
                     effect("0.8 × greatest − last", _jitter(peak) - last)],
                    shown(first, peak, last))


def falls_more_smoothed(group: Group) -> Evidence:
    hard, smoothed, alpha = group.pair(ALPHA)
    last_hard, last = _arm("last, α = 0", hard, _last), _arm(f"last, α = {alpha:g}", smoothed, _last)
    fall_hard, fall = (Arm("", _arm("", runs, max) - one)
                       for runs, one in ((hard, last_hard), (smoothed, last)))
    return Evidence([effect("last, hard − smoothed", last_hard - last),
                     effect("fall, smoothed − hard", fall - fall_hard)], shown(last_hard, last))


def ends_above_log2(group: Group) -> Evidence:
    _, smoothed, alpha = group.pair(ALPHA)
    last = _arm(f"last, α = {alpha:g}", smoothed, _last)
    between = effect("last", last.readings, least=COLLAPSED, most=SLIGHTLY * math.log(2))
    return Evidence([between], shown(last))


_WHERE: dict[str, Any] = {"claimed": ("teacher",), "elsewhere": ("small",), "measure": "MI"}

CHECKS = {
    "mi-starts-low": Check(
        **_WHERE, run=starts_low,
        rule="The first estimate is below a quarter of the greatest, hard and smoothed."),
    "mi-rises-then-falls": Check(
        **_WHERE, needs=(teacher_fits,), run=rises_then_falls,
        rule="With smoothing the first estimate and the last are below four fifths of the "
             "greatest (readings of one network jitter by up to a tenth)."),
    "mi-falls-more-smoothed": Check(
        **_WHERE, needs=(teacher_fits,), run=falls_more_smoothed,
        rule="The last estimate is lower with smoothing, and lies further below the greatest."),
    "mi-ends-above-log2": Check(
        **_WHERE, needs=(teacher_fits,), run=ends_above_log2,
        rule=f"With smoothing the last estimate lies between {COLLAPSED:.2f}, what the estimator "
             "reads of two collapsed classes, and log 2 and a half more."),
}

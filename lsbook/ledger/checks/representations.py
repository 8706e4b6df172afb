"""Section 2: penultimate activations, and accuracy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any

import numpy as np

from lsbook.estimators.arc import arc_ratio, bend
from lsbook.estimators.templates import project_logits
from lsbook.ledger.checks.base import Check, Evidence, arm, named, pair, shown
from lsbook.ledger.effects import SEEDS, effect
from lsbook.ledger.groups import Group, Missing
from lsbook.ledger.readings import Undecided, accuracy, gap_variation, planes
from lsbook.ledger.settings import FIGURE_1
from lsbook.runs.classes import examples

ALPHA = 0.1
"""The strength of Figure 1 and Table 2."""

ALIKE = 0.01
"""Accuracies less than a point apart are similar; those of the paper's Table 2 that it calls so
are 0.1 apart, its better ones 0.6."""


def _lower(read: Callable[[Any], float], what: str) -> Callable[[Group], Evidence]:
    def run(group: Group) -> Evidence:
        hard, smoothed = pair(group, ALPHA, read)
        return Evidence([effect(f"{what}, hard − smoothed", hard - smoothed)],
                        shown(hard, smoothed))

    return run


def _plane(name: str) -> Callable[[Any], float]:
    return lambda run: planes(run)[name]


def tight_clusters(group: Group) -> Evidence:
    hard, smoothed = pair(group, ALPHA, _plane("spread"))
    tighter = effect("spread, hard − smoothed", hard - smoothed)
    remarks = []
    for name, words in (("nc1", "NC1"), ("ratio", "spread over distance in all dimensions")):
        try:
            a, b = (fmean(one.values.values()) for one in pair(group, ALPHA, named(name)))
        except Missing:
            continue
        disagrees = (a - b) * tighter.estimate < 0
        remarks.append(f"{words}: {a:.3g} → {b:.3g}{', which disagrees' if disagrees else ''}")
    return Evidence([tighter], shown(hard, smoothed), tuple(remarks))


def validation_spread(group: Group) -> Evidence:
    hard, smoothed, alpha = group.pair(ALPHA)
    inward = arm(f"towards the centre, α = {alpha:g}", smoothed, _plane("inward"))
    wider = arm(f"wider on that line, α = {alpha:g}", smoothed, _plane("wider"))
    beside = arm("towards the centre, α = 0", hard, _plane("inward"))
    return Evidence([effect("towards the centre", inward.readings),
                     effect("wider on that line", wider.readings)],
                    shown(inward, wider, beside))


TRIOS = {"cifar10": (3, 5, 8), "cifar100": (47, 52, 13), "tinyimagenet": (7, 8, 0)}
"""Two look-alikes and a class far from both: cat, dog, ship; maple, oak, bus; golden retriever,
Labrador retriever, goldfish."""


def _trio(run: Any, part: str, trio: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    logits, targets = examples(run, part, trio)
    return project_logits(logits, run.arrays["templates"][list(trio)]), targets


def arc(run: Any, part: str, trio: Sequence[int]) -> float:
    """How far the first two classes spread towards the third, over how far around it."""
    return arc_ratio(*_trio(run, part, trio))


def similar_arc(group: Group) -> Evidence:
    hard, smoothed = pair(
        group, ALPHA, lambda run: arc(run, "train", TRIOS[run.recipe.dataset]))
    bent = arm("bend", group.pair(ALPHA)[1],
               lambda run: bend(*_trio(run, "train", TRIOS[run.recipe.dataset])))
    bending = effect("bend, smoothed", bent.readings)
    if len(bending.seeds) >= SEEDS and not bending.holds and not bending.fails():
        shows = bending.interval
        raise Undecided("the two classes lie as near to a straight line as to an arc: their bend "
                        f"is {shows.estimate:.2g} ({shows.low:.2g} to {shows.high:.2g})")
    return Evidence([effect("towards / around, hard − smoothed", hard - smoothed),
                     effect("towards / around, smoothed", smoothed.readings, most=1), bending],
                    shown(hard, smoothed))


def accuracy_similar(group: Group) -> Evidence:
    hard, smoothed = pair(group, ALPHA, accuracy)
    alike = effect("smoothed − hard", smoothed - hard, least=-ALIKE, most=ALIKE)
    return Evidence([alike], shown(hard, smoothed))


def accuracy_better(group: Group) -> Evidence:
    hard, smoothed = pair(group, ALPHA, accuracy)
    return Evidence([effect("smoothed − hard", smoothed - hard)], shown(hard, smoothed))


_WHERE: dict[str, Any] = {"claimed": FIGURE_1, "elsewhere": ("small",)}
_PLANES = "in planes through three templates, a mean over triples of classes"

CHECKS = {
    "gap-constant": Check(
        **_WHERE, run=_lower(gap_variation, "variation"), measure="variation of the logit gap",
        rule="The standard deviation of the logit gaps over their mean is lower with smoothing."),
    "tight-clusters": Check(
        **_WHERE, run=tight_clusters, measure="spread within classes / distance between centres",
        rule=f"Spread over distance of centres, {_PLANES}, is lower with smoothing."),
    "regular-triangle": Check(
        **_WHERE, run=_lower(_plane("unevenness"), "unevenness"),
        measure="unevenness of the triangle",
        rule="The deviation of the sides between three class centres over their mean, "
             f"{_PLANES}, is lower with smoothing."),
    "larger-scale": Check(
        **_WHERE, run=_lower(_plane("distance"), "distance"), measure="distance between centres",
        rule=f"The distance between class centres, {_PLANES}, is larger with hard targets."),
    "validation-spread": Check(
        **_WHERE, run=validation_spread, measure="share of the way from corner to centre",
        rule="With smoothing, validation examples lie on average nearer to the centre of the "
             f"triangle than training examples and spread wider on the line to it, {_PLANES}."),
    "similar-arc": Check(
        claimed=FIGURE_1, run=similar_arc, measure="spread towards / around the third class",
        rule="Two look-alikes spread less towards a third class than around it, the more so with "
             "smoothing, and lie nearer to a circle around it than to a straight line; where the "
             "two cannot be told apart, neither can this claim."),
    "accuracy-similar": Check(
        **_WHERE, run=accuracy_similar, measure="accuracy",
        rule="Accuracies differ by less than a point either way (two one-sided tests)."),
    "accuracy-better": Check(
        claimed=("cifar100",), elsewhere=("cifar10", "imagenet", "small"), run=accuracy_better,
        measure="accuracy", rule="Accuracy is higher with smoothing."),
}

"""Section 3: calibration of image classifiers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lsbook.ledger.checks.base import Check, Evidence, arm, named, pair, shown
from lsbook.ledger.effects import ece_effect, effect
from lsbook.ledger.gates import over_confident
from lsbook.ledger.groups import Group, Missing
from lsbook.ledger.readings import (
    held_out_temperatures,
    ranking,
    repaired_ranking,
    temperature,
    top1,
)
from lsbook.ledger.settings import CALIBRATED

ALPHA = 0.05
"""The strength that Table 3 gives for CIFAR-100."""

AS_GOOD = 0.02
"""An ECE less than this above that of temperature scaling is as good; Table 3 has up to 0.013."""

Predictions = dict[int, tuple]
"""Confidence and correctness of one seed's validation examples."""


def _plain(runs: dict[int, Any]) -> Predictions:
    return _of_each(runs, top1)


def _scaled(runs: dict[int, Any]) -> Predictions:
    return _of_each(runs, lambda run: top1(run, held_out_temperatures(run)))


def _of_each(runs: dict[int, Any], read: Callable[[Any], tuple]) -> Predictions:
    found = {}
    for seed, run in runs.items():
        try:
            found[seed] = read(run)
        except (KeyError, ValueError):
            continue
    if not found:
        raise Missing("validation examples")
    return found


def hard_overconfident(group: Group) -> Evidence:
    hard = arm("α = 0", group.alone(0.0), temperature)
    return Evidence([effect("best T", hard.readings, least=1)], shown(hard))


def temperature_lowers_ece(group: Group) -> Evidence:
    hard = group.alone(0.0)
    lowered = ece_effect("ECE at T = 1 − at the best T", _plain(hard), _scaled(hard))
    return Evidence([lowered], shown(arm("T = 1", hard, named("val_ece")),
                                     arm("best T", hard, named("ece_at_optimal_T"))))


def smoothing_lowers_ece(group: Group) -> Evidence:
    hard, smoothed, _ = group.pair(ALPHA)
    lowered = ece_effect("ECE, hard − smoothed", _plain(hard), _plain(smoothed))
    return Evidence([lowered], shown(*pair(group, ALPHA, named("val_ece"))))


def smoothing_like_temperature(group: Group) -> Evidence:
    hard, smoothed, alpha = group.pair(ALPHA)
    conditions = [
        ece_effect("ECE, hard − smoothed", _plain(hard), _plain(smoothed)),
        ece_effect("ECE, hard at best T − smoothed", _scaled(hard), _plain(smoothed),
                   least=-AS_GOOD)]
    arms = (arm("α = 0, T = 1", hard, named("val_ece")),
            arm("α = 0, best T", hard, named("ece_at_optimal_T")),
            arm(f"α = {alpha:g}, T = 1", smoothed, named("val_ece")))
    return Evidence(conditions, shown(*arms))


def selective_classification(group: Group) -> Evidence:
    hard, smoothed = pair(group, 0.1, ranking)
    repaired = arm(f"{smoothed.label}, repaired", group.pair(0.1)[1], repaired_ranking)
    return Evidence([effect("hard − smoothed", hard - smoothed),
                     effect("repaired − smoothed", repaired - smoothed)],
                    shown(hard, smoothed, repaired))


_WHERE: dict[str, Any] = {"claimed": CALIBRATED, "elsewhere": ("cifar10", "small")}
_ASKED: dict[str, Any] = {**_WHERE, "needs": (over_confident,), "measure": "ECE"}

CHECKS = {
    "hard-overconfident": Check(
        **_WHERE, run=hard_overconfident, measure="optimal temperature",
        rule="The temperature of least NLL of the hard network is above 1."),
    "temperature-lowers-ece": Check(
        **_ASKED, run=temperature_lowers_ece,
        rule="The hard network's ECE is lower at its best temperature, fitted on the other half "
             "of the validation examples, than at T = 1."),
    "smoothing-lowers-ece": Check(
        **_ASKED, run=smoothing_lowers_ece,
        rule="The smoothed network's ECE is below the hard network's."),
    "smoothing-like-temperature": Check(
        **_ASKED, run=smoothing_like_temperature,
        rule="The smoothed network's ECE is below the hard network's, and less than "
             f"{AS_GOOD:g} above that of the hard network at its best temperature (a one-sided "
             "test: to be better than temperature scaling is to be as good)."),
    "selective-classification": Check(
        **_WHERE, run=selective_classification,
        measure="chance that a right prediction ranks above a wrong",
        rule="Confidence ranks right above wrong predictions worse with smoothing, and the "
             "repaired score better than that: the largest logit over a norm of all, the norm "
             "chosen on the other half of the examples, or plain confidence where no norm does "
             "better there."),
}

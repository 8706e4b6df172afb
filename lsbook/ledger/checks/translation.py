"""Section 3 and Figure 7: translation."""

from __future__ import annotations

from typing import Any

from lsbook.ledger.checks.base import Check, Evidence, arm, named, pair, shown
from lsbook.ledger.effects import effect
from lsbook.ledger.gates import over_confident
from lsbook.ledger.groups import Group
from lsbook.ledger.readings import at, best_temperature, curve, planes, useful_temperatures
from lsbook.runs.tables import uncased_bleu

ALPHA = 0.1
NEAR = 0.2
"""A best temperature less than this from 1 is near 1."""


def better_ece(group: Group) -> Evidence:
    hard, smoothed = pair(group, ALPHA, named("val_ece"))
    return Evidence([effect("ECE, hard − smoothed", hard - smoothed)], shown(hard, smoothed))


def better_bleu(group: Group) -> Evidence:
    hard, smoothed = pair(group, ALPHA, uncased_bleu)
    return Evidence([effect("smoothed − hard", smoothed - hard)], shown(hard, smoothed))


def worse_nll(group: Group) -> Evidence:
    hard, smoothed = pair(group, ALPHA, named("val_nll"))
    return Evidence([effect("smoothed − hard", smoothed - hard)], shown(hard, smoothed))


def worse_nll_at_every_temperature(group: Group) -> Evidence:
    hard, smoothed, alpha = group.pair(ALPHA)
    both = {seed: (hard[seed], smoothed[seed]) for seed in hard if seed in smoothed}

    def least_above(two: tuple[Any, Any]) -> float:
        useful = useful_temperatures(two[0])
        return (curve(two[1], "nll") - curve(two[0], "nll"))[useful].min()

    def at_its_best(run: Any) -> float:
        return at(run, "nll", best_temperature(run, "nll"))

    everywhere = arm("least over T, smoothed − hard", both, least_above)
    best_hard = arm("α = 0, its best T", hard, at_its_best)
    best_smoothed = arm(f"α = {alpha:g}, its best T", smoothed, at_its_best)
    return Evidence([effect("least over T, smoothed − hard", everywhere.readings),
                     effect("each at its best T, smoothed − hard", best_smoothed - best_hard)],
                    shown(everywhere, best_hard, best_smoothed))


def temperature_not_enough(group: Group) -> Evidence:
    hard, smoothed, alpha = group.pair(ALPHA)
    plain = arm("α = 0, T = 1", hard, lambda run: at(run, "bleu", 1.0))
    fitted = arm("α = 0, T of least NLL", hard,
                 lambda run: at(run, "bleu", best_temperature(run, "nll")))
    most = arm("α = 0, best of all T", hard, lambda run: curve(run, "bleu").max())
    at_one = arm(f"α = {alpha:g}, T = 1", smoothed, lambda run: at(run, "bleu", 1.0))
    return Evidence([effect("hard, T of least NLL − T = 1", fitted - plain),
                     effect("smoothed at T = 1 − hard at its best T", at_one - most)],
                    shown(plain, fitted, most, at_one))


def smoothed_best_near_one(group: Group) -> Evidence:
    _, smoothed, alpha = group.pair(ALPHA)
    best = arm(f"best T, α = {alpha:g}", smoothed, lambda run: best_temperature(run, "bleu"))
    return Evidence([effect("best T", best.readings, least=1 - NEAR, most=1 + NEAR)], shown(best))


def ece_predicts_bleu(group: Group) -> Evidence:
    hard = group.alone(0.0)
    T_ece, T_nll = (arm(f"T of least {name.upper()}", hard,
                        lambda run: best_temperature(run, name)) for name in ("ece", "nll"))
    by_ece, by_nll = (arm(f"at least {name.upper()}", hard,
                          lambda run: at(run, "bleu", best_temperature(run, name)))
                      for name in ("ece", "nll"))
    return Evidence([effect("BLEU at least ECE − at least NLL", by_ece - by_nll)],
                    shown(by_ece, by_nll, T_ece, T_nll))


def tight_clusters(group: Group) -> Evidence:
    hard, smoothed = pair(group, ALPHA, lambda run: planes(run)["spread"])
    return Evidence([effect("spread, hard − smoothed", hard - smoothed)], shown(hard, smoothed))


_WHERE: dict[str, Any] = {"claimed": ("translation",)}

CHECKS = {
    "translation-ece": Check(
        **_WHERE, needs=(over_confident,), run=better_ece, measure="ECE",
        rule="The ECE of the next token is lower with smoothing."),
    "translation-bleu": Check(
        **_WHERE, run=better_bleu, measure="BLEU, lower case",
        rule="BLEU in lower case is higher with smoothing."),
    "translation-nll": Check(
        **_WHERE, run=worse_nll, measure="NLL", rule="The NLL at T = 1 is higher with smoothing."),
    "nll-every-temperature": Check(
        **_WHERE, run=worse_nll_at_every_temperature, measure="NLL, nats",
        rule="The smoothed network's NLL is higher at every temperature that is of use to the "
             "hard one (its NLL within a tenth of its least), and higher when each has its own "
             "best temperature."),
    "temperature-not-enough": Check(
        **_WHERE, needs=(over_confident,), run=temperature_not_enough, measure="BLEU",
        rule="The hard network's BLEU is higher at the temperature of its least NLL than at "
             "T = 1, and at none as high as the smoothed network's at T = 1."),
    "smoothed-best-near-one": Check(
        **_WHERE, run=smoothed_best_near_one, measure="T",
        rule=f"The temperature of the smoothed network's best BLEU lies within {NEAR:g} of 1 "
             "(two one-sided tests)."),
    "ece-predicts-bleu": Check(
        **_WHERE, needs=(over_confident,), run=ece_predicts_bleu,
        measure="BLEU, and the temperature",
        rule="The hard network's BLEU on test sentences is higher at the temperature of least ECE "
             "on validation sentences than at that of least NLL."),
    "translation-projection": Check(
        **_WHERE, run=tight_clusters, measure="spread within words / distance between centres",
        rule="Spread over distance of the commonest words' centres, in planes through three "
             "templates, a mean over triples of words, is lower with smoothing."),
}

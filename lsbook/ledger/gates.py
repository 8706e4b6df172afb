"""Preconditions: what must be so before a claim can be asked of a group of runs.

Each gives the reason, in words, why it is not met, or nothing. A claim about networks that fit
says nothing about those that do not.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import fmean

from lsbook.ledger.effects import SEEDS, Effect, effect
from lsbook.ledger.groups import Group, Missing, each, metric
from lsbook.ledger.readings import Undecided, over_confidence, softness, temperature

Gate = Callable[[Group], str]

FITS_TEACHER = 0.99
FITS_STUDENT = 0.95
SOFT = 0.05
"""The γ that a hard teacher may have at T = 1: the paper takes it for zero."""


def teacher_fits(group: Group) -> str:
    """The hard teacher is right on 99 % of its training images, and hard: γ(T=1) ≤ 0.05."""
    students = group.students(0.0)
    teachers = group.teachers(0.0) if students else group.alone(0.0)
    if not teachers:
        return "the hard teachers are not recorded"
    fits = fmean(metric(teachers, "train_accuracy").values())
    if fits < FITS_TEACHER:
        return f"the hard teacher fits {100 * fits:.1f} % of its training images, not 99 %"
    try:
        soft = fmean(each(teachers, softness).values())
    except Missing:
        soft = fmean(metric(group.students(0.0, 1.0), "gamma").values())
    return f"the hard teacher is soft itself: γ(T=1) = {soft:.2f}" if soft > SOFT else ""


def student_fits(group: Group) -> str:
    """The student fits 95 % of its training images with hard targets, or had the whole schedule.

    On MNIST, where none is trained alone, the student of the hard teacher.
    """
    recipe = group.runs[0].recipe
    if recipe.preset == "paper" and recipe.scale == recipe.train_fraction == 1:
        return ""
    fits = fmean(metric(group.alone(0.0) or group.students(0.0), "train_accuracy").values())
    if fits >= FITS_STUDENT:
        return ""
    return (f"the student fits {100 * fits:.1f} % of its training images, not 95 %, and its "
            "schedule is not the whole one")


def over_confident(group: Group) -> str:
    """The hard network's best temperature is above 1, or its confidence above its accuracy."""
    hard = group.alone(0.0)
    found = {}
    for name, read, least in (("T", temperature, 1.0),
                              ("confidence − accuracy", over_confidence, 0.0)):
        readings = {}
        for seed, run in hard.items():
            try:
                readings[seed] = read(run)
            except (KeyError, TypeError, ValueError, Undecided):
                continue
        if readings.keys() == hard.keys():
            found[name] = effect(name, readings, least=least)
    if not found:
        raise Missing("temperatures of hard networks")
    if any(map(_surely_above, found.values())):
        return ""
    shown = (e.interval for e in found.values())
    return "the hard network is not surely over-confident: " + ", ".join(
        f"{i.label} = {i.estimate:.3g} ({i.low:.3g} to {i.high:.3g})" for i in shown)


def _surely_above(effect: Effect) -> bool:
    """Of fewer than three seeds, whose verdict only leans, no more than the sign is asked."""
    return effect.holds if len(effect.seeds) >= SEEDS else effect.slack > 0

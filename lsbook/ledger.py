"""The ledger: each claim and number of the paper against the runs there are.

A claim is checked on one recipe at a time, over all its runs that differ only in α, seed and
teacher. The check turns it into conditions, each a margin per seed that is above 0 where the
condition holds. The verdict follows from the margins alone:

- ``reproduced``: every condition holds in every seed, of two or more;
- ``partly``: some condition holds on average over the seeds;
- ``not``: no condition does;
- ``not yet run``: a run that the check needs does not exist.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from lsbook.paper import CLAIMS, KEY, NUMBERS, Claim, Number

STATUSES = ("reproduced", "partly", "not", "not yet run")

Values = dict[int, float]
"""One value a seed."""


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


@dataclass(frozen=True)
class Evidence:
    """What a check found: margins of its conditions, and the values to show."""

    conditions: Sequence[Values]
    shown: dict[str, Values]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One row of the ledger.

    Attributes
    ----------
    id : str
        Of the claim or number.
    status : str
        One of ``STATUSES``.
    recipe : str
        Name of the recipe it was checked on; empty if no recipe can check it.
    scale : float or None
        Fraction of the recipe's full schedule that was run; None if not run.
    measure : str
        The quantity in ``ours``.
    ours : tuple of Spread
    runs : tuple of str
        Hashes of the runs the verdict rests on.
    """

    id: str
    status: str
    recipe: str = ""
    scale: float | None = None
    measure: str = ""
    ours: tuple[Spread, ...] = ()
    runs: tuple[str, ...] = ()

    @property
    def preset(self) -> str:
        """``lab``, ``paper``, or empty if no recipe can check it."""
        return self.recipe.split("/")[0]

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that every shown quantity has."""
        seeds = [set(spread.seeds) for spread in self.ours]
        return tuple(sorted(set.intersection(*seeds))) if seeds else ()


class Missing(LookupError):
    """A run or a metric that a check needs does not exist."""


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
        """Hard runs, smoothed runs at the strength nearest ``alpha``, and that strength."""
        positive = [a for a in self.alphas if a > 0]
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
    """Group runs under the name of their recipe, the largest scale first.

    Dropout does not split a group: on MNIST the paper pairs it with hard targets only.
    """
    runs = tuple(sorted(runs, key=lambda run: (run.recipe.alpha, run.recipe.seed, run.recipe.hash)))
    families = defaultdict(list)
    for run in runs:
        recipe = run.recipe
        size = tuple(item for item in recipe.size if item[0] != "dropout")
        family = recipe.with_(alpha=0.0, seed=0, distil=None, size=size).hash
        families[recipe.name, -recipe.scale, family].append(run)
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


def above(greater: Values, less: Values, by: float = 0.0) -> Values:
    """How far ``greater`` lies above ``less`` + ``by``, in each seed that both have."""
    margins = {seed: greater[seed] - less[seed] - by for seed in greater if seed in less}
    if not margins:
        raise Missing("runs with a seed in common")
    return margins


def averaged(margins: Values) -> Values:
    """The mean margin in place of each: for claims about averages over seeds."""
    mean = fmean(margins.values())
    return dict.fromkeys(margins, mean)


def judge(conditions: Sequence[Values]) -> str:
    """The verdict on margins: see the head of this module."""
    if all(len(c) > 1 and min(c.values()) > 0 for c in conditions):
        return "reproduced"
    return "partly" if any(fmean(c.values()) > 0 for c in conditions) else "not"


def _compared(hard: Values, smoothed: Values, alpha: float) -> dict[str, Values]:
    return {"α = 0": hard, f"α = {alpha:g}": smoothed}


# Representations (section 2)


def _logit_spread(run, part: str) -> float:
    logits, targets = run.arrays[f"{part}_logits"], run.arrays[f"{part}_targets"]
    logits = logits - logits.mean(-1, keepdims=True)
    labels = np.unique(targets)
    centres = np.stack([logits[targets == label].mean(0) for label in labels])
    within = np.sqrt(((logits - centres[np.searchsorted(labels, targets)]) ** 2).sum(-1).mean())
    between = np.linalg.norm(centres[:, None] - centres, axis=-1)
    return float(within / between[np.triu_indices(len(labels), 1)].mean())


def _gap_variation(run) -> float:
    logits, targets = run.arrays["train_logits"], run.arrays["train_targets"]
    wrong = np.arange(logits.shape[-1]) != targets[:, None]
    right = np.take_along_axis(logits, targets[:, None], -1)
    gaps = (right - logits)[wrong]
    return float(gaps.std() / abs(gaps.mean()))


def gap_constant(group: Group) -> Evidence:
    """Standard deviation of the logit gaps over their mean is lower with smoothing."""
    hard, smoothed, alpha = group.pair(0.1)
    hard, smoothed = each(hard, _gap_variation), each(smoothed, _gap_variation)
    return Evidence([above(hard, smoothed)], _compared(hard, smoothed, alpha))


def lower(name: str, alpha: float = 0.1) -> Callable[[Group], Evidence]:
    """A check that smoothing lowers the metric ``name`` in every seed."""

    def check(group: Group) -> Evidence:
        hard, smoothed, strength = group.pair(alpha)
        hard, smoothed = metric(hard, name), metric(smoothed, name)
        return Evidence([above(hard, smoothed)], _compared(hard, smoothed, strength))

    check.__doc__ = f"The metric ``{name}`` is lower with smoothing."
    return check


def higher(name: str, alpha: float = 0.1) -> Callable[[Group], Evidence]:
    """A check that smoothing raises the metric ``name`` in every seed."""

    def check(group: Group) -> Evidence:
        hard, smoothed, strength = group.pair(alpha)
        hard, smoothed = metric(hard, name), metric(smoothed, name)
        return Evidence([above(smoothed, hard)], _compared(hard, smoothed, strength))

    check.__doc__ = f"The metric ``{name}`` is higher with smoothing."
    return check


def validation_spread(group: Group) -> Evidence:
    """Relative spread of the smoothed network's logits is larger in validation than in training."""
    _, smoothed, alpha = group.pair(0.1)
    train = each(smoothed, lambda run: _logit_spread(run, "train"))
    held_out = each(smoothed, lambda run: _logit_spread(run, "val"))
    shown = {f"training, α = {alpha:g}": train, f"validation, α = {alpha:g}": held_out}
    return Evidence([above(held_out, train)], shown)


def accuracy_similar(group: Group) -> Evidence:
    """Mean accuracies differ by less than one point."""
    hard, smoothed, alpha = group.pair(0.1)
    hard, smoothed = metric(hard, "val_accuracy"), metric(smoothed, "val_accuracy")
    differences = averaged(above(smoothed, hard))
    within = {seed: 0.01 - abs(value) for seed, value in differences.items()}
    return Evidence([within], _compared(hard, smoothed, alpha))


# Calibration (section 3)


def hard_overconfident(group: Group) -> Evidence:
    """The best temperature of the hard network is above 1."""
    best = metric(group.alone(0.0), "optimal_T")
    return Evidence([{seed: T - 1 for seed, T in best.items()}], {"α = 0": best})


def temperature_lowers_ece(group: Group) -> Evidence:
    """The hard network's ECE is lower at its best temperature than at T = 1."""
    hard = group.alone(0.0)
    plain, scaled = metric(hard, "val_ece"), metric(hard, "ece_at_optimal_T")
    return Evidence([above(plain, scaled)], {"T = 1": plain, "best T": scaled})


def smoothing_like_temperature(group: Group) -> Evidence:
    """The smoothed network's ECE is at most 0.02 above that of the scaled hard network."""
    hard, smoothed, alpha = group.pair(0.05)
    scaled, smoothed = metric(hard, "ece_at_optimal_T"), metric(smoothed, "val_ece")
    shown = {"α = 0, best T": scaled, f"α = {alpha:g}, T = 1": smoothed}
    return Evidence([above(scaled, smoothed, -0.02)], shown)


# Translation (section 3)


def _curve(run, name: str) -> np.ndarray:
    return np.asarray(run.arrays[f"curve_{name}"], dtype=float)


def _at_one(run, name: str) -> float:
    return float(_curve(run, name)[np.abs(_curve(run, "T") - 1).argmin()])


def nll_every_temperature(group: Group) -> Evidence:
    """The least distance, over temperatures, of the smoothed NLL above the hard one."""
    hard, smoothed, alpha = group.pair(0.1)
    common = {seed: (hard[seed], smoothed[seed]) for seed in hard if seed in smoothed}
    least = each(common, lambda two: (_curve(two[1], "nll") - _curve(two[0], "nll")).min())
    return Evidence([least], {f"least distance, α = {alpha:g}": least})


def temperature_not_enough(group: Group) -> Evidence:
    """Hard BLEU is higher at some T > 1 than at T = 1, and stays below smoothed BLEU at T = 1."""
    hard, smoothed, alpha = group.pair(0.1)
    plain = each(hard, lambda run: _at_one(run, "bleu"))
    best = each(hard, lambda run: _curve(run, "bleu").max())
    softer = each(hard, lambda run: _curve(run, "bleu")[_curve(run, "T") > 1.01].max())
    smoothed = each(smoothed, lambda run: _at_one(run, "bleu"))
    shown = {"α = 0, T = 1": plain, "α = 0, best T": best, f"α = {alpha:g}, T = 1": smoothed}
    return Evidence([above(softer, plain), above(smoothed, best)], shown)


def smoothed_best_near_one(group: Group) -> Evidence:
    """The temperature of the smoothed network's best BLEU is within 0.2 of 1."""
    _, smoothed, alpha = group.pair(0.1)
    best = each(smoothed, lambda run: _curve(run, "T")[_curve(run, "bleu").argmax()])
    margins = {seed: 0.2 + 1e-9 - abs(T - 1) for seed, T in best.items()}
    return Evidence([margins], {f"best T, α = {alpha:g}": best})


def ece_predicts_bleu(group: Group) -> Evidence:
    """The hard network's BLEU is higher where its ECE is least than where its NLL is least."""
    hard = group.alone(0.0)
    by_ece = each(hard, lambda run: _curve(run, "bleu")[_curve(run, "ece").argmin()])
    by_nll = each(hard, lambda run: _curve(run, "bleu")[_curve(run, "nll").argmin()])
    return Evidence([above(by_ece, by_nll)], {"at least ECE": by_ece, "at least NLL": by_nll})


def translation_projection(group: Group) -> Evidence:
    """Relative spread of the logits of the shown words is lower with smoothing."""
    hard, smoothed, alpha = group.pair(0.1)
    hard, smoothed = (each(runs, lambda run: _logit_spread(run, "plane"))
                      for runs in (hard, smoothed))
    return Evidence([above(hard, smoothed)], _compared(hard, smoothed, alpha))


# Distillation (section 4)

SAME = 0.005
"""Accuracies closer than this on average count as no better and no worse."""


def _accuracy(runs: dict[int, Any]) -> Values:
    return metric(runs, "val_accuracy")


def mnist_teacher(group: Group) -> Evidence:
    """The smoothed teacher's accuracy is above the hard teacher's, which has dropout."""
    hard, smoothed, alpha = group.pair(0.1)
    hard = {seed: run for seed, run in hard.items() if dict(run.recipe.size).get("dropout")}
    hard, smoothed = _accuracy(hard), _accuracy(smoothed)
    return Evidence([above(smoothed, hard)], _compared(hard, smoothed, alpha))


def mnist_student(group: Group) -> Evidence:
    """The smoothed teacher's student is less accurate than the hard teacher's."""
    hard, smoothed = _accuracy(group.students(0.0)), _accuracy(group.students(0.1))
    shown = {"hard teacher": hard, "teacher with α = 0.1": smoothed}
    return Evidence([above(hard, smoothed)], shown)


def teacher_improves(group: Group) -> Evidence:
    """At each α up to 0.6 the teacher is more accurate than at α = 0."""
    curve = {alpha: _accuracy(group.alone(alpha)) for alpha in group.alphas if alpha <= 0.6}
    return _against_zero(curve, sign=1)


def student_alone_hurt(group: Group) -> Evidence:
    """At each α > 0 the student trained alone is less accurate than at α = 0."""
    curve = {alpha: _accuracy(group.alone(alpha)) for alpha in group.alphas}
    return _against_zero(curve, sign=-1)


def _against_zero(curve: dict[float, Values], sign: int) -> Evidence:
    if 0.0 not in curve or len(curve) < 2:
        raise Missing("a sweep over alpha")
    hard = curve[0.0]
    conditions = [
        {seed: sign * gain for seed, gain in above(smoothed, hard).items()}
        for alpha, smoothed in curve.items() if alpha > 0
    ]
    return Evidence(conditions, {f"α = {alpha:g}": values for alpha, values in curve.items()})


def hard_teacher_helps(group: Group) -> Evidence:
    """At each T the hard teacher's student beats the best mean of students trained alone."""
    baselines = {alpha: _accuracy(group.alone(alpha)) for alpha in group.alphas}
    taught = {T: _accuracy(group.students(0.0, T)) for alpha, T in group.lessons if alpha == 0.0}
    if not baselines or not taught:
        raise Missing("students with and without a hard teacher")
    best = max(baselines, key=lambda alpha: fmean(baselines[alpha].values()))
    shown = {f"alone, α = {best:g}": baselines[best]}
    shown |= {f"hard teacher, T = {T:g}": values for T, values in taught.items()}
    return Evidence([above(values, baselines[best]) for values in taught.values()], shown)


def smoothed_teacher_no_help(group: Group) -> Evidence:
    """At each α the smoothed teacher's student (T = 1) is no better than smoothing alone."""
    alphas = [a for a in group.alphas if a > 0 and (a, 1.0) in group.lessons]
    if not alphas:
        raise Missing("students with and without a smoothed teacher of the same alpha")
    conditions, shown = [], {}
    for alpha in alphas:
        alone, taught = _accuracy(group.alone(alpha)), _accuracy(group.students(alpha, 1.0))
        conditions.append(averaged(above(alone, taught, -SAME)))
        shown |= {f"alone, α = {alpha:g}": alone, f"teacher with α = {alpha:g}": taught}
    return Evidence(conditions, shown)


def better_teacher_worse_student(group: Group) -> Evidence:
    """Some smoothed teacher is better than the hard one and its student (T = 1) worse."""
    hard_teacher, hard_student = _accuracy(group.teachers(0.0)), _accuracy(group.students(0.0, 1.0))
    found = []
    for alpha in (a for a, T in group.lessons if a > 0 and T == 1.0):
        teacher, student = _accuracy(group.teachers(alpha)), _accuracy(group.students(alpha, 1.0))
        gain, loss = above(teacher, hard_teacher), above(hard_student, student)
        both = {seed: min(gain[seed], loss[seed]) for seed in gain if seed in loss}
        if both:
            found.append((fmean(both.values()), both, alpha, teacher, student))
    if not found:
        raise Missing("teachers and students, hard and smoothed")
    _, both, alpha, teacher, student = max(found, key=lambda item: item[0])
    shown = {"hard teacher": hard_teacher, "its student": hard_student,
             f"teacher with α = {alpha:g}": teacher, f"student of α = {alpha:g}": student}
    return Evidence([both], shown)


def _smoothed_lesson(group: Group) -> float:
    alphas = {alpha for alpha, T in group.lessons if alpha > 0 and T == 1.0}
    if not alphas or (0.0, 1.0) not in group.lessons:
        raise Missing("students of hard and smoothed teachers at T = 1")
    return min(alphas, key=lambda alpha: abs(alpha - 0.1))


def low_temperature_for_smoothed(group: Group) -> Evidence:
    """What a smoothed teacher gains over the hard one is greatest at T = 1."""
    alpha = _smoothed_lesson(group)
    gains = {
        T: above(_accuracy(group.students(alpha, T)), _accuracy(group.students(0.0, T)))
        for a, T in group.lessons if a == alpha and (0.0, T) in group.lessons
    }
    conditions = [above(gains[1.0], gain) for T, gain in gains.items() if T > 1]
    if not conditions:
        raise Missing("the same teachers at a higher T")
    shown = {f"gain of α = {alpha:g} at T = {T:g}": gain for T, gain in gains.items()}
    return Evidence(conditions, shown)


def distillation_compatible(group: Group) -> Evidence:
    """At T = 1 the smoothed teacher's student is on average no worse than the hard teacher's."""
    alpha = _smoothed_lesson(group)
    hard, smoothed = _accuracy(group.students(0.0, 1.0)), _accuracy(group.students(alpha, 1.0))
    shown = {"hard teacher": hard, f"teacher with α = {alpha:g}": smoothed}
    return Evidence([averaged(above(smoothed, hard, -SAME))], shown)


# Mutual information (section 4), with the fresh draw

BIAS = 0.07
"""How far the fresh estimate of two collapsed clusters lies below log 2 (N = 600, L = 5), nats."""


def _information(runs: dict[int, Any], read: Callable[[list[float]], float]) -> Values:
    return each(runs, lambda run: read(run.history["mi_fresh"]))


def _first(curve: list[float]) -> float:
    return curve[0]


def _last(curve: list[float]) -> float:
    return curve[-1]


def mi_starts_low(group: Group) -> Evidence:
    """The first estimate is below a quarter of the greatest, at either α."""
    hard, smoothed, alpha = group.pair(0.1)
    conditions, shown = [], {}
    for label, runs in (("α = 0", hard), (f"α = {alpha:g}", smoothed)):
        first, peak = _information(runs, _first), _information(runs, max)
        conditions.append(above({seed: value / 4 for seed, value in peak.items()}, first))
        shown |= {f"first, {label}": first, f"greatest, {label}": peak}
    return Evidence(conditions, shown)


def mi_rises_then_falls(group: Group) -> Evidence:
    """With smoothing the greatest estimate lies above the first, and the last 5 % below it."""
    _, smoothed, alpha = group.pair(0.1)
    first, peak, last = (_information(smoothed, read) for read in (_first, max, _last))
    fall = above({seed: 0.95 * value for seed, value in peak.items()}, last)
    shown = {f"first, α = {alpha:g}": first, "greatest": peak, "last": last}
    return Evidence([above(peak, first), fall], shown)


def mi_falls_more_smoothed(group: Group) -> Evidence:
    """The last estimate is lower with smoothing, and lies further below the greatest."""
    hard, smoothed, alpha = group.pair(0.1)
    last_hard, last_smoothed = _information(hard, _last), _information(smoothed, _last)
    fall_hard = above(_information(hard, max), last_hard)
    fall_smoothed = above(_information(smoothed, max), last_smoothed)
    conditions = [above(last_hard, last_smoothed), above(fall_smoothed, fall_hard)]
    return Evidence(conditions, _compared(last_hard, last_smoothed, alpha))


def mi_ends_above_log2(group: Group) -> Evidence:
    """The smoothed network's last estimate is above log 2, the bias allowed for, by half a bit."""
    _, smoothed, alpha = group.pair(0.1)
    last = _information(smoothed, _last)
    floor = math.log(2) - BIAS
    conditions = [{seed: value - floor for seed, value in last.items()},
                  {seed: 1.5 * math.log(2) - value for seed, value in last.items()}]
    return Evidence(conditions, {f"last, α = {alpha:g}": last})


@dataclass(frozen=True)
class Check:
    """How a claim is checked, on which recipes, and what the shown values measure."""

    recipes: tuple[str, ...]
    run: Callable[[Group], Evidence]
    measure: str


_IMAGES = ("paper/alexnet-cifar10", "paper/resnet56-cifar100", "paper/inception-tinyimagenet",
           "lab/mlp-mnist1d", "lab/mlp-digits")
_TEXT = ("paper/transformer-multi30k", "lab/transformer-grammar")
_TEACHERS = ("paper/teacher-cifar10", "lab/teacher-mnist1d")
_STUDENTS = ("paper/student-cifar10", "lab/student-mnist1d")
_INFORMATION = ("paper/teacher-cifar10", "lab/mlp-mnist1d", "lab/teacher-mnist1d")
_SPREAD = "spread within classes / distance between centres"

CHECKS: dict[str, Check] = {
    "gap-constant": Check(_IMAGES, gap_constant, "variation of the logit gap"),
    "tight-clusters": Check(_IMAGES, lower("ratio"), _SPREAD),
    "regular-triangle": Check(_IMAGES, lower("simplex_deviation"), "deviation from a simplex"),
    "larger-scale": Check(_IMAGES, lower("centre_distance"), "distance between centres"),
    "validation-spread": Check(_IMAGES, validation_spread, _SPREAD),
    "accuracy-similar": Check(_IMAGES, accuracy_similar, "accuracy"),
    "accuracy-better": Check(_IMAGES, higher("val_accuracy"), "accuracy"),
    "hard-overconfident": Check(_IMAGES, hard_overconfident, "optimal temperature"),
    "temperature-lowers-ece": Check(_IMAGES, temperature_lowers_ece, "ECE"),
    "smoothing-lowers-ece": Check(_IMAGES, lower("val_ece", alpha=0.05), "ECE"),
    "smoothing-like-temperature": Check(_IMAGES, smoothing_like_temperature, "ECE"),
    "translation-ece": Check(_TEXT, lower("val_ece"), "ECE"),
    "translation-bleu": Check(_TEXT, higher("bleu"), "BLEU"),
    "translation-nll": Check(_TEXT, higher("val_nll"), "NLL"),
    "nll-every-temperature": Check(_TEXT, nll_every_temperature, "NLL"),
    "temperature-not-enough": Check(_TEXT, temperature_not_enough, "BLEU"),
    "smoothed-best-near-one": Check(_TEXT, smoothed_best_near_one, "T"),
    "ece-predicts-bleu": Check(_TEXT, ece_predicts_bleu, "BLEU"),
    "translation-projection": Check(_TEXT, translation_projection, _SPREAD),
    "mnist-teacher": Check(("paper/teacher-mnist",), mnist_teacher, "accuracy"),
    "mnist-student": Check(("paper/student-mnist",), mnist_student, "accuracy"),
    "teacher-improves": Check(_TEACHERS, teacher_improves, "accuracy"),
    "student-alone-hurt": Check(_STUDENTS, student_alone_hurt, "accuracy"),
    "hard-teacher-helps": Check(_STUDENTS, hard_teacher_helps, "accuracy"),
    "smoothed-teacher-no-help": Check(_STUDENTS, smoothed_teacher_no_help, "accuracy"),
    "better-teacher-worse-student": Check(_STUDENTS, better_teacher_worse_student, "accuracy"),
    "mi-starts-low": Check(_INFORMATION, mi_starts_low, "MI"),
    "mi-rises-then-falls": Check(_INFORMATION, mi_rises_then_falls, "MI"),
    "mi-falls-more-smoothed": Check(_INFORMATION, mi_falls_more_smoothed, "MI"),
    "mi-ends-above-log2": Check(_INFORMATION, mi_ends_above_log2, "MI"),
    "low-temperature-for-smoothed": Check(_STUDENTS, low_temperature_for_smoothed, "accuracy"),
    "distillation-compatible": Check(_STUDENTS, distillation_compatible, "accuracy"),
}
"""The check of each claim; a claim without one waits for an experiment that is not written yet."""


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
            rows.append(Verdict(id=claim.id, status="not yet run"))
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
    return Verdict(
        id=claim,
        status=judge(evidence.conditions),
        recipe=recipe,
        scale=group.runs[0].recipe.scale,
        measure=check.measure,
        ours=tuple(Spread.of(label, values) for label, values in evidence.shown.items()),
        runs=tuple(run.recipe.hash for run in group.runs),
    )


TOLERANCE = {"accuracy": 0.5, "test error": 0.1, "ECE": 0.01, "optimal temperature": 0.2}
"""How far our mean may lie from a published number; the printed spread counts where it is wider."""

_RECIPE_OF = {
    ("cifar10", "alexnet", ""): "paper/alexnet-cifar10",
    ("cifar100", "resnet56", ""): "paper/resnet56-cifar100",
    ("mnist", "mlp", "teacher"): "paper/teacher-mnist",
    ("mnist", "mlp", "student"): "paper/student-mnist",
}


def measured(numbers: Sequence[Number] = NUMBERS, runs: Iterable[Any] = ()) -> list[Verdict]:
    """Compare the published results of Tables 2 and 3 and of the MNIST experiment with runs.

    A number is reproduced if our mean, of two seeds or more of the full schedule, lies within
    ``TOLERANCE`` of it; partly if a shorter run or a single seed does, or if the mean lies within
    three times the tolerance. Only runs on the paper's data set count.
    """
    found = groups(runs)
    rows = []
    for number in numbers:
        if number.symbol not in TOLERANCE or number.source != KEY:
            continue
        recipe = _RECIPE_OF.get((number.dataset, number.model, number.role), "")
        missing = Verdict(id=number.id, status="not yet run", recipe=recipe, measure=number.symbol)
        rows.append(next(
            (row for group in found.get(recipe, [])
             if (row := _compare(number, recipe, group)) is not None), missing))
    return rows


def _compare(number: Number, recipe: str, group: Group) -> Verdict | None:
    student = number.role == "student"
    runs = group.students(number.alpha) if student else group.alone(number.alpha)
    try:
        values = _in_units_of(number, runs)
    except Missing:
        return None
    ours, scale = Spread.of("ours", values), group.runs[0].recipe.scale
    tolerance = max(TOLERANCE[number.symbol], number.spread or 0.0)
    distance = abs(ours.mean - number.value)
    if distance <= tolerance and scale == 1.0 and len(values) > 1:
        status = "reproduced"
    else:
        status = "partly" if distance <= 3 * tolerance else "not"
    return Verdict(id=number.id, status=status, recipe=recipe, scale=scale, measure=number.symbol,
                   ours=(ours,), runs=tuple(run.recipe.hash for run in runs.values()))


def _in_units_of(number: Number, runs: dict[int, Any]) -> Values:
    if number.symbol == "accuracy":
        return each(runs, lambda run: 100 * run.metrics["val_accuracy"])
    if number.symbol == "test error":
        return each(runs, lambda run: 100 * (1 - run.metrics["val_accuracy"]))
    if number.symbol == "ECE":
        return metric(runs, "val_ece" if number.T == 1.0 else "ece_at_optimal_T")
    return metric(runs, "optimal_T")
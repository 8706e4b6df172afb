"""How each claim is checked on the runs of one recipe."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from lsbook.estimators.arc import arc_ratio
from lsbook.estimators.calibration import from_logits
from lsbook.estimators.information import collapsed_bias
from lsbook.estimators.selective import auroc, normalised_max_logit
from lsbook.estimators.templates import project_logits
from lsbook.ledger.groups import Group, Missing, Values, above, averaged, each, metric
from lsbook.runs.classes import examples, shown_classes
from lsbook.runs.tables import uncased_bleu
from lsbook.training.evaluation import MI_DRAWS


@dataclass(frozen=True)
class Evidence:
    """What a check found: margins of its conditions, and the values to show."""

    conditions: Sequence[Values]
    shown: dict[str, Values]


SAME = 0.005
"""Accuracies closer than this on average count as no better and no worse."""


def _compared(hard: Values, smoothed: Values, alpha: float) -> dict[str, Values]:
    return {"α = 0": hard, f"α = {alpha:g}": smoothed}


def _both(one: Values, other: Values) -> Values:
    """The smaller margin: for two conditions of which neither says anything without the other."""
    return {seed: min(one[seed], other[seed]) for seed in one if seed in other}


# Representations (section 2)


def _of(run: Any, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Logits and targets of the classes that a published run keeps training examples of."""
    return examples(run, part, shown_classes(run))


def _logit_spread(logits: np.ndarray, targets: np.ndarray) -> float:
    logits = logits - logits.mean(-1, keepdims=True)
    labels = np.unique(targets)
    centres = np.stack([logits[targets == label].mean(0) for label in labels])
    within = np.sqrt(((logits - centres[np.searchsorted(labels, targets)]) ** 2).sum(-1).mean())
    between = np.linalg.norm(centres[:, None] - centres, axis=-1)
    return float(within / between[np.triu_indices(len(labels), 1)].mean())


def _gap_variation(run) -> float:
    logits, targets = _of(run, "train")
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
    return _ordered(name, alpha, "lower", above)


def higher(name: str, alpha: float = 0.1) -> Callable[[Group], Evidence]:
    """A check that smoothing raises the metric ``name`` in every seed."""
    return _ordered(name, alpha, "higher", lambda hard, smoothed: above(smoothed, hard))


def _ordered(
    name: str, alpha: float, word: str, margin: Callable[[Values, Values], Values]
) -> Callable[[Group], Evidence]:
    def check(group: Group) -> Evidence:
        hard, smoothed, strength = group.pair(alpha)
        hard, smoothed = metric(hard, name), metric(smoothed, name)
        return Evidence([margin(hard, smoothed)], _compared(hard, smoothed, strength))

    check.__doc__ = f"The metric ``{name}`` is {word} with smoothing."
    return check


def validation_spread(group: Group) -> Evidence:
    """Relative spread of the smoothed network's logits is larger in validation than in training."""
    _, smoothed, alpha = group.pair(0.1)
    train = each(smoothed, lambda run: _logit_spread(*_of(run, "train")))
    held_out = each(smoothed, lambda run: _logit_spread(*_of(run, "val")))
    shown = {f"training, α = {alpha:g}": train, f"validation, α = {alpha:g}": held_out}
    return Evidence([above(held_out, train)], shown)


TRIOS = {"cifar10": (3, 5, 8), "cifar100": (47, 52, 13), "tinyimagenet": (7, 8, 0)}
"""Two look-alikes and a class far from both: cat, dog, ship; maple, oak, bus; golden retriever,
Labrador retriever, goldfish."""


def arc(run: Any, part: str, trio: Sequence[int]) -> float:
    """How far the first two classes spread towards the third, over how far around it."""
    logits, targets = examples(run, part, trio)
    return arc_ratio(project_logits(logits, run.arrays["templates"][list(trio)]), targets)


def _similar(run: Any) -> float:
    return arc(run, "train", TRIOS[run.recipe.dataset])


def similar_arc(group: Group) -> Evidence:
    """Look-alikes spread less towards a third class than around it, the more so with smoothing."""
    hard, smoothed, alpha = group.pair(0.1)
    hard, smoothed = each(hard, _similar), each(smoothed, _similar)
    conditions = [above(hard, smoothed), {seed: 1 - ratio for seed, ratio in smoothed.items()}]
    return Evidence(conditions, _compared(hard, smoothed, alpha))


def accuracy_similar(group: Group) -> Evidence:
    """Mean accuracies differ by less than one point."""
    hard, smoothed, alpha = group.pair(0.1)
    hard, smoothed = metric(hard, "val_accuracy"), metric(smoothed, "val_accuracy")
    differences = averaged(above(smoothed, hard))
    within = {seed: 0.01 - abs(value) for seed, value in differences.items()}
    return Evidence([within], _compared(hard, smoothed, alpha))


def accuracy_better(group: Group) -> Evidence:
    """Accuracy is higher with smoothing in every seed, and on average by half a point."""
    hard, smoothed, alpha = group.pair(0.1)
    hard, smoothed = metric(hard, "val_accuracy"), metric(smoothed, "val_accuracy")
    conditions = [above(smoothed, hard), averaged(above(smoothed, hard, SAME))]
    return Evidence(conditions, _compared(hard, smoothed, alpha))


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
    """The smoothed ECE is below the hard one, and at most 0.02 above that of the best T."""
    hard, smoothed, alpha = group.pair(0.05)
    plain, scaled = metric(hard, "val_ece"), metric(hard, "ece_at_optimal_T")
    smoothed = metric(smoothed, "val_ece")
    shown = {"α = 0, T = 1": plain, "α = 0, best T": scaled, f"α = {alpha:g}, T = 1": smoothed}
    return Evidence([_both(above(plain, smoothed), above(scaled, smoothed, -0.02))], shown)


def _ranking(run: Any) -> float:
    return auroc(*from_logits(_float64(run), run.arrays["val_targets"].astype(int)))


def _ranking_repaired(run: Any) -> float:
    logits = _float64(run)
    return auroc(normalised_max_logit(logits), logits.argmax(-1) == run.arrays["val_targets"])


def _float64(run: Any) -> np.ndarray:
    return run.arrays["val_logits"].astype(np.float64)


def selective_classification(group: Group) -> Evidence:
    """Confidence ranks right above wrong worse with smoothing, normalised logits better again."""
    hard, smoothed, alpha = group.pair(0.1)
    hard, repaired = each(hard, _ranking), each(smoothed, _ranking_repaired)
    smoothed = each(smoothed, _ranking)
    shown = _compared(hard, smoothed, alpha) | {f"α = {alpha:g}, logits normalised": repaired}
    return Evidence([above(hard, smoothed), above(repaired, smoothed)], shown)


# Translation (section 3)


def _curve(run, name: str) -> np.ndarray:
    return np.asarray(run.arrays[f"curve_{name}"], dtype=float)


def _at_one(run, name: str) -> float:
    return float(_curve(run, name)[np.abs(_curve(run, "T") - 1).argmin()])


def translation_bleu(group: Group) -> Evidence:
    """BLEU in lower case is higher with smoothing."""
    hard, smoothed, alpha = group.pair(0.1)
    hard, smoothed = each(hard, uncased_bleu), each(smoothed, uncased_bleu)
    return Evidence([above(smoothed, hard)], _compared(hard, smoothed, alpha))


def nll_every_temperature(group: Group) -> Evidence:
    """The least distance, over temperatures, of the smoothed NLL above the hard one."""
    hard, smoothed, alpha = group.pair(0.1)
    common = {seed: (hard[seed], smoothed[seed]) for seed in hard if seed in smoothed}
    least = each(common, lambda two: (_curve(two[1], "nll") - _curve(two[0], "nll")).min())
    return Evidence([least], {f"least over T, α = {alpha:g}": least})


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
    by_ece, by_nll, T_ece, T_nll = (
        each(hard, lambda run: _curve(run, what)[_curve(run, least).argmin()])
        for what in ("bleu", "T") for least in ("ece", "nll"))
    shown = {"at least ECE": by_ece, "at least NLL": by_nll, "T of least ECE": T_ece,
             "T of least NLL": T_nll}
    return Evidence([above(by_ece, by_nll)], shown)


def translation_projection(group: Group) -> Evidence:
    """Relative spread of the logits of the shown words is lower with smoothing."""
    hard, smoothed, alpha = group.pair(0.1)
    hard, smoothed = (each(runs, lambda run: _logit_spread(
        run.arrays["plane_logits"], run.arrays["plane_targets"])) for runs in (hard, smoothed))
    return Evidence([above(hard, smoothed)], _compared(hard, smoothed, alpha))


# Distillation (section 4)

def _accuracy(runs: dict[int, Any]) -> Values:
    return metric(runs, "val_accuracy")


def test_or_validation(*arms: dict[int, Any]) -> tuple[str, list[Values]]:
    """Errors, as shares, on the test set where every run has one, else on the validation set."""
    everywhere = all("test_accuracy" in run.metrics for arm in arms for run in arm.values())
    part, name = ("test", "test_accuracy") if everywhere else ("validation", "val_accuracy")
    return part, [each(arm, lambda run: 1 - run.metrics[name]) for arm in arms]


def _compared_on(part: str, shown: dict[str, Values]) -> dict[str, Values]:
    return {f"{label}, {part}": values for label, values in shown.items()}


def mnist_teacher(group: Group) -> Evidence:
    """The smoothed teacher errs less than the hard teacher, which has dropout."""
    hard, smoothed, alpha = group.pair(0.1)
    hard = {seed: run for seed, run in hard.items() if dict(run.recipe.size).get("dropout")}
    part, (hard, smoothed) = test_or_validation(hard, smoothed)
    shown = _compared_on(part, _compared(hard, smoothed, alpha))
    return Evidence([above(hard, smoothed)], shown)


def mnist_student(group: Group) -> Evidence:
    """The smoothed teacher's student errs more than the hard teacher's."""
    part, (hard, smoothed) = test_or_validation(group.students(0.0), group.students(0.1))
    shown = _compared_on(part, {"hard teacher": hard, "teacher with α = 0.1": smoothed})
    return Evidence([above(smoothed, hard)], shown)


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
    if not baselines or len(taught) < 2:
        raise Missing("students without a teacher, and of a hard one at several temperatures")
    best = max(baselines, key=lambda alpha: fmean(baselines[alpha].values()))
    shown = {f"alone, α = {best:g}": baselines[best]}
    shown |= {f"hard teacher, T = {T:g}": values for T, values in taught.items()}
    return Evidence([above(values, baselines[best]) for values in taught.values()], shown)


def smoothed_teacher_no_help(group: Group) -> Evidence:
    """A smoothed teacher's student (T = 1) is no better than smoothing alone at the same gamma."""
    baselines = {alpha: _accuracy(group.alone(alpha)) for alpha in group.alphas}
    conditions, shown = [], {}
    for alpha in (a for a, T in group.lessons if a > 0 and T == 1.0):
        students = {seed: run for seed, run in group.students(alpha, 1.0).items()
                    if run.metrics.get("gamma", math.inf) <= max(group.alphas, default=0.0)}
        if students:
            alone = each(students, lambda run: _alone_at(run.metrics["gamma"], baselines, run))
            taught = _accuracy(students)
            conditions.append(averaged(above(alone, taught, -SAME)))
            shown |= {f"alone, as soft as α = {alpha:g}": alone,
                      f"teacher with α = {alpha:g}": taught}
    if not conditions:
        raise Missing("students with and without a smoothed teacher of the same gamma")
    return Evidence(conditions, shown)


def _alone_at(gamma: float, baselines: dict[float, Values], run: Any) -> float:
    accuracies = [values[run.recipe.seed] for values in baselines.values()]
    return float(np.interp(gamma, list(baselines), accuracies))


def better_teacher_worse_student(group: Group) -> Evidence:
    """Some smoothed teacher is half a point better than the hard one, its student (T = 1) worse."""
    hard_teacher, hard_student = _accuracy(group.teachers(0.0)), _accuracy(group.students(0.0, 1.0))
    found = []
    for alpha in (a for a, T in group.lessons if a > 0 and T == 1.0):
        teacher, student = _accuracy(group.teachers(alpha)), _accuracy(group.students(alpha, 1.0))
        both = _both(above(teacher, hard_teacher, SAME), above(hard_student, student, SAME))
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
    """A smoothed teacher is no worse than the hard one at T = 1, and worse at every higher T."""
    alpha = _smoothed_lesson(group)
    gains = {
        T: above(_accuracy(group.students(alpha, T)), _accuracy(group.students(0.0, T)))
        for a, T in group.lessons if a == alpha and (0.0, T) in group.lessons
    }
    losses = [{seed: -value for seed, value in gain.items()} for T, gain in gains.items() if T > 1]
    if not losses:
        raise Missing("the same teachers at a higher T")
    no_worse = averaged({seed: value + SAME for seed, value in gains[1.0].items()})
    shown = {f"α = {alpha:g} over hard, T = {T:g}": gain for T, gain in gains.items()}
    return Evidence([no_worse, *losses], shown)


def distillation_compatible(group: Group) -> Evidence:
    """At T = 1 the smoothed teacher's student is on average no worse than the hard teacher's."""
    alpha = _smoothed_lesson(group)
    hard, smoothed = _accuracy(group.students(0.0, 1.0)), _accuracy(group.students(alpha, 1.0))
    shown = {"hard teacher": hard, f"teacher with α = {alpha:g}": smoothed}
    return Evidence([averaged(above(smoothed, hard, -SAME))], shown)


# Mutual information (section 4), with the fresh draw

COLLAPSED = math.log(2) + collapsed_bias(L=MI_DRAWS, form="fresh")
"""What the fresh estimate reads, on average, of two clusters of one point each, in nats."""


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
    """With smoothing the greatest estimate lies above the first, the last a fifth below it.

    Readings of one network jitter by up to a tenth.
    """
    _, smoothed, alpha = group.pair(0.1)
    first, peak, last = (_information(smoothed, read) for read in (_first, max, _last))
    fall = above({seed: 0.8 * value for seed, value in peak.items()}, last)
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
    """The smoothed network ends above two collapsed classes, below log 2 and a half more."""
    _, smoothed, alpha = group.pair(0.1)
    last = _information(smoothed, _last)
    between = {seed: min(value - COLLAPSED, 1.5 * math.log(2) - value)
               for seed, value in last.items()}
    return Evidence([between], {f"last, α = {alpha:g}": last})


@dataclass(frozen=True)
class Check:
    """How a claim is checked, on which recipes, and what the shown values measure."""

    recipes: tuple[str, ...]
    run: Callable[[Group], Evidence]
    measure: str


_REAL = ("paper/alexnet-cifar10", "paper/resnet56-cifar100", "paper/inception-tinyimagenet",
         "fraction/alexnet-cifar10", "fraction/resnet20-cifar100", "fraction/resnet20-tinyimagenet")
_LAB = ("lab/mlp-mnist1d", "lab/mlp-digits")
_IMAGES = _REAL + _LAB
_TEXT = ("paper/transformer-multi30k", "lab/transformer-grammar")
_TEACHERS = ("paper/teacher-cifar10", "fraction/teacher-cifar10", "lab/teacher-mnist1d")
_STUDENTS = ("paper/student-cifar10", "fraction/student-cifar10", "lab/student-mnist1d")
_INFORMATION = ("paper/teacher-cifar10", "fraction/teacher-cifar10", "lab/mlp-mnist1d",
                "lab/teacher-mnist1d")
_RESNETS = ("paper/resnet56-cifar100", "fraction/resnet20-cifar100")
_SPREAD = "spread within classes / distance between centres"

CHECKS: dict[str, Check] = {
    "gap-constant": Check(_IMAGES, gap_constant, "variation of the logit gap"),
    "tight-clusters": Check(_IMAGES, lower("ratio"), _SPREAD),
    "regular-triangle": Check(_IMAGES, lower("simplex_deviation"), "deviation from a simplex"),
    "larger-scale": Check(_IMAGES, lower("centre_distance"), "distance between centres"),
    "validation-spread": Check(_IMAGES, validation_spread, f"{_SPREAD}, logits"),
    "similar-arc": Check(_REAL, similar_arc, "spread towards / around the third class"),
    "accuracy-similar": Check(_IMAGES, accuracy_similar, "accuracy"),
    "accuracy-better": Check(_RESNETS + _LAB, accuracy_better, "accuracy"),
    "hard-overconfident": Check(_IMAGES, hard_overconfident, "optimal temperature"),
    "temperature-lowers-ece": Check(_IMAGES, temperature_lowers_ece, "ECE"),
    "smoothing-lowers-ece": Check(_IMAGES, lower("val_ece", alpha=0.05), "ECE"),
    "smoothing-like-temperature": Check(_IMAGES, smoothing_like_temperature, "ECE"),
    "translation-ece": Check(_TEXT, lower("val_ece"), "ECE"),
    "translation-bleu": Check(_TEXT, translation_bleu, "BLEU, lower case"),
    "translation-nll": Check(_TEXT, higher("val_nll"), "NLL"),
    "nll-every-temperature": Check(_TEXT, nll_every_temperature, "smoothed NLL − hard NLL, nats"),
    "temperature-not-enough": Check(_TEXT, temperature_not_enough, "BLEU"),
    "smoothed-best-near-one": Check(_TEXT, smoothed_best_near_one, "T"),
    "ece-predicts-bleu": Check(_TEXT, ece_predicts_bleu, "BLEU, and the temperature"),
    "translation-projection": Check(_TEXT, translation_projection, f"{_SPREAD}, logits"),
    "mnist-teacher": Check(("paper/teacher-mnist",), mnist_teacher, "error"),
    "mnist-student": Check(("paper/student-mnist",), mnist_student, "error"),
    "teacher-improves": Check(_TEACHERS, teacher_improves, "accuracy"),
    "student-alone-hurt": Check(_STUDENTS, student_alone_hurt, "accuracy"),
    "hard-teacher-helps": Check(_STUDENTS, hard_teacher_helps, "accuracy"),
    "smoothed-teacher-no-help": Check(_STUDENTS, smoothed_teacher_no_help, "accuracy"),
    "better-teacher-worse-student": Check(_STUDENTS, better_teacher_worse_student, "accuracy"),
    "mi-starts-low": Check(_INFORMATION, mi_starts_low, "MI"),
    "mi-rises-then-falls": Check(_INFORMATION, mi_rises_then_falls, "MI"),
    "mi-falls-more-smoothed": Check(_INFORMATION, mi_falls_more_smoothed, "MI"),
    "mi-ends-above-log2": Check(_INFORMATION, mi_ends_above_log2, "MI"),
    "low-temperature-for-smoothed": Check(_STUDENTS, low_temperature_for_smoothed, "gain"),
    "distillation-compatible": Check(_STUDENTS, distillation_compatible, "accuracy"),
    "selective-classification": Check(
        _IMAGES, selective_classification, "chance that a right prediction ranks above a wrong"),
}
"""The check of each claim that runs can decide."""

UNCHECKED: dict[str, str] = {
    "smoothing-denoises": "needs teachers and students trained on wrong labels; no recipe has them",
    "drop-smoothing-late": "needs an α that changes during training; a recipe's α is constant",
    "transfer-hurt": "needs the features of a large network on other data; none is trained here",
    "negative-alpha": "needs wrong labels and α below 0; recipes have neither",
}
"""Why the other claims are not checked."""

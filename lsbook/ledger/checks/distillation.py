"""Section 4: distillation. Students are compared at equal γ, the smoothing their targets amount to.

Between two recorded values of γ an accuracy is interpolated, example by example: a weighted mean of
the two networks beside it. Well beyond the last no comparison is made.
"""

from __future__ import annotations

from typing import Any

from lsbook.ledger.checks.base import Arm, Check, Evidence, Readings, arm, shown
from lsbook.ledger.effects import Reading, effect
from lsbook.ledger.gates import student_fits, teacher_fits
from lsbook.ledger.groups import Group, Missing
from lsbook.ledger.readings import accuracy

NO_BETTER = 0.005
"""A gain below half a point is none."""

UP_TO = 0.6
"""The paper's teachers improve with α up to about here."""

BESIDE = 0.02
"""So far beyond the last recorded γ that one still stands for it."""

Curve = list[tuple[float, Reading]]
"""(γ, accuracy) of one seed's students, γ ascending."""


def _alone(group: Group) -> dict[int, Curve]:
    """Students without a teacher, by seed; their γ is their α."""
    return _curves([(alpha, group.alone(alpha)) for alpha in group.alphas])


def _taught_hard(group: Group) -> dict[int, Curve]:
    """The hard teacher's students at each temperature, by seed."""
    temperatures = [T for alpha, T in group.lessons if alpha == 0]
    return _curves([(None, group.students(0.0, T)) for T in temperatures])


def _curves(arms: list[tuple[float | None, dict[int, Any]]]) -> dict[int, Curve]:
    curves: dict[int, Curve] = {}
    for gamma, runs in arms:
        for seed, run in runs.items():
            softness = run.metrics.get("gamma") if gamma is None else gamma
            if softness is not None:
                curves.setdefault(seed, []).append((softness, accuracy(run)))
    return {seed: sorted(curve, key=lambda point: point[0]) for seed, curve in curves.items()}


def _at(curve: Curve, gamma: float) -> Reading | None:
    """The curve at ``gamma``, None well outside of it."""
    first, last = curve[0], curve[-1]
    if first[0] - BESIDE <= gamma <= first[0]:
        return first[1]
    for (a, low), (b, high) in zip(curve, curve[1:]):
        if a <= gamma <= b:
            share = (gamma - a) / (b - a) if b > a else 0.0
            return (1 - share) * low + share * high
    return last[1] if last[0] < gamma <= last[0] + BESIDE else None


def _as_soft(label: str, curves: dict[int, Curve], students: dict[int, Any]) -> Arm:
    """The curve at the γ of each seed's student; nothing if that lies outside in any seed."""
    found = {seed: _at(curves[seed], run.metrics["gamma"]) for seed, run in students.items()
             if seed in curves and run.metrics.get("gamma") is not None}
    return Arm(label, {} if None in found.values() else found)


def _mean(each: list[Readings]) -> Readings:
    """The mean of several differences, of the seeds that have them all."""
    if not each:
        raise Missing("students at the same γ")
    seeds = set.intersection(*(set(one) for one in each))
    return {seed: (1 / len(each)) * sum((one[seed] for one in each[1:]), each[0][seed])
            for seed in sorted(seeds)}


def _smoothed(group: Group) -> list[float]:
    """The strengths of the smoothed teachers whose students learned at T = 1."""
    return [alpha for alpha, T in group.lessons if alpha > 0 and T == 1]


def teacher_improves(group: Group) -> Evidence:
    arms = {a: arm(f"α = {a:g}", group.alone(a), accuracy) for a in group.alphas if a <= UP_TO}
    smoothed = [one - arms[0.0] for alpha, one in arms.items() if alpha > 0 and 0.0 in arms]
    return Evidence([effect("mean over α − hard", _mean(smoothed))], shown(*arms.values()))


def student_alone_hurt(group: Group) -> Evidence:
    arms = {a: arm(f"α = {a:g}", group.alone(a), accuracy) for a in group.alphas}
    smoothed = [arms[0.0] - one for alpha, one in arms.items() if alpha > 0 and 0.0 in arms]
    return Evidence([effect("hard − mean over α", _mean(smoothed))], shown(*arms.values()))


def hard_teacher_helps(group: Group) -> Evidence:
    alone, conditions, arms, remarks = _alone(group), [], [], []
    for T in (T for alpha, T in group.lessons if alpha == 0):
        students = group.students(0.0, T)
        baseline = _as_soft(f"alone, as soft as T = {T:g}", alone, students)
        if baseline.readings:
            taught = arm(f"hard teacher, T = {T:g}", students, accuracy)
            conditions.append(effect(f"T = {T:g}, over smoothing alone", taught - baseline))
            arms += [taught, baseline]
        else:
            remarks.append(f"T = {T:g} is left out: no student alone is as soft")
    if len(conditions) < 2:
        raise Missing("students alone, and of a hard teacher at several temperatures")
    return Evidence(conditions, shown(*arms), tuple(remarks))


def smoothed_teacher_no_help(group: Group) -> Evidence:
    alone, softened = _alone(group), _taught_hard(group)
    over_alone, over_hard, arms = [], [], []
    for alpha in _smoothed(group):
        students = group.students(alpha, 1.0)
        taught = arm(f"teacher with α = {alpha:g}", students, accuracy)
        as_alone = _as_soft(f"alone, as soft as α = {alpha:g}", alone, students)
        as_hard = _as_soft(f"hard teacher, as soft as α = {alpha:g}", softened, students)
        if as_alone.readings:
            over_alone.append(taught - as_alone)
            arms += [taught, as_alone]
        if as_hard.readings:
            over_hard.append(as_hard - taught)
            arms += [taught, as_hard]
    return Evidence(
        [effect("smoothed teacher over smoothing alone", _mean(over_alone),
                least=float("-inf"), most=NO_BETTER),
         effect("softened hard teacher over smoothed", _mean(over_hard))], shown(*arms))


def better_teacher_worse_student(group: Group) -> Evidence:
    softened = _taught_hard(group)
    hard = arm("hard teacher", group.teachers(0.0), accuracy)
    better, worse, arms = [], [], [hard]
    for alpha in (alpha for alpha in _smoothed(group) if alpha <= UP_TO):
        students = group.students(alpha, 1.0)
        as_hard = _as_soft(f"hard teacher's student, as soft as α = {alpha:g}", softened, students)
        if as_hard.readings:
            teacher = arm(f"teacher with α = {alpha:g}", group.teachers(alpha), accuracy)
            student = arm(f"its student, α = {alpha:g}", students, accuracy)
            better.append(teacher - hard)
            worse.append(as_hard - student)
            arms += [teacher, student, as_hard]
    return Evidence([effect("smoothed teachers over hard", _mean(better)),
                     effect("softened hard teacher's student over theirs", _mean(worse))],
                    shown(*arms))


def _nearest_lesson(group: Group) -> float:
    alphas = _smoothed(group)
    if not alphas or (0.0, 1.0) not in group.lessons:
        raise Missing("students of hard and smoothed teachers at T = 1")
    return min(alphas, key=lambda alpha: abs(alpha - 0.1))


def _over_hard(group: Group, alpha: float, T: float) -> Readings:
    return (arm("", group.students(alpha, T), accuracy)
            - arm("", group.students(0.0, T), accuracy))


def low_temperature_for_smoothed(group: Group) -> Evidence:
    alpha = _nearest_lesson(group)
    gains = {T: _over_hard(group, alpha, T) for a, T in group.lessons
             if a == alpha and (0.0, T) in group.lessons}
    higher = [{seed: -1.0 * gain for seed, gain in gains[T].items()} for T in gains if T > 1]
    arms = (Arm(f"α = {alpha:g} over hard, T = {T:g}", gain) for T, gain in gains.items())
    return Evidence([effect("T = 1, over the hard teacher", gains[1.0], least=-NO_BETTER),
                     effect("higher T, below the hard teacher", _mean(higher))], shown(*arms))


def distillation_compatible(group: Group) -> Evidence:
    alpha = _nearest_lesson(group)
    arms = (arm("hard teacher", group.students(0.0, 1.0), accuracy),
            arm(f"teacher with α = {alpha:g}", group.students(alpha, 1.0), accuracy))
    return Evidence([effect("T = 1, over the hard teacher", _over_hard(group, alpha, 1.0),
                            least=-NO_BETTER)], shown(*arms))


# MNIST


def _error(run: Any) -> Reading:
    return -1.0 * accuracy(run) + 1.0


def _test_error(run: Any) -> float:
    return 1 - run.metrics["test_accuracy"]


def _beside(arms: dict[str, dict[int, Any]]) -> dict:
    """Validation errors, which the verdict rests on, and test errors where there are any."""
    found = shown(*(arm(f"{label}, validation", runs, _error) for label, runs in arms.items()))
    try:
        return found | shown(*(arm(f"{label}, test", runs, _test_error)
                               for label, runs in arms.items()))
    except Missing:
        return found


def mnist_teacher(group: Group) -> Evidence:
    hard, smoothed, alpha = group.pair(0.1)
    hard = {seed: run for seed, run in hard.items() if dict(run.recipe.size).get("dropout")}
    fewer = arm("hard", hard, _error) - arm("smoothed", smoothed, _error)
    return Evidence([effect("hard − smoothed", fewer)],
                    _beside({"α = 0": hard, f"α = {alpha:g}": smoothed}))


def mnist_student(group: Group) -> Evidence:
    hard, smoothed = group.students(0.0), group.students(0.1)
    more = arm("smoothed", smoothed, _error) - arm("hard", hard, _error)
    return Evidence([effect("of the smoothed teacher − of the hard one", more)],
                    _beside({"hard teacher": hard, "teacher with α = 0.1": smoothed}))


_STUDENTS: dict[str, Any] = {
    "claimed": ("student",), "needs": (teacher_fits, student_fits), "measure": "accuracy"}

CHECKS = {
    "mnist-teacher": Check(
        claimed=("mnist-teacher",), needs=(teacher_fits,), run=mnist_teacher, measure="error",
        rule="The smoothed teacher errs less than the hard teacher, which has dropout, on the same "
             "validation images."),
    "mnist-student": Check(
        claimed=("mnist-student",), needs=(teacher_fits, student_fits), run=mnist_student,
        measure="error",
        rule="The smoothed teacher's student errs more than the hard teacher's, on the same "
             "validation images."),
    "teacher-improves": Check(
        claimed=("teacher",), needs=(teacher_fits,), run=teacher_improves, measure="accuracy",
        rule=f"The mean accuracy of teachers with 0 < α ≤ {UP_TO:g} is above that of the hard "
             "teacher."),
    "student-alone-hurt": Check(
        claimed=("student",), needs=(student_fits,), run=student_alone_hurt, measure="accuracy",
        rule="The mean accuracy of students trained alone with α > 0 is below that with α = 0."),
    "hard-teacher-helps": Check(
        **_STUDENTS, run=hard_teacher_helps,
        rule="At every temperature the hard teacher's student is more accurate than students alone "
             "at the same γ."),
    "smoothed-teacher-no-help": Check(
        **_STUDENTS, run=smoothed_teacher_no_help,
        rule="Students of smoothed teachers (T = 1) are on average less than half a point more "
             "accurate than students alone at the same γ (a one-sided test: to be worse is no help "
             "either), and less accurate than the softened hard teacher's at the same γ."),
    "better-teacher-worse-student": Check(
        **_STUDENTS, run=better_teacher_worse_student,
        rule=f"Smoothed teachers with α ≤ {UP_TO:g} are on average more accurate than the hard "
             "one, and their students (T = 1) less accurate than the softened hard teacher's at "
             "the same γ."),
    "low-temperature-for-smoothed": Check(
        claimed=("student",), needs=(teacher_fits, student_fits), measure="gain",
        run=low_temperature_for_smoothed,
        rule="At T = 1 the smoothed teacher's student is less than half a point below the hard "
             "teacher's, at higher temperatures on average below it."),
    "distillation-compatible": Check(
        **_STUDENTS, run=distillation_compatible,
        rule="At T = 1 the smoothed teacher's student is less than half a point below the hard "
             "teacher's."),
}

"""The book's first figure: one α moves planes, calibration and the student's accuracy together."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

import numpy as np

from lsbook import recipes
from lsbook.estimators import calibration
from lsbook.estimators.templates import project_logits
from lsbook.explore.figure import Explorer
from lsbook.figures.classes import offered
from lsbook.figures.scale import scaled_setting
from lsbook.runs.best import compares, recorded
from lsbook.runs.classes import examples
from lsbook.runs.snapshots import at_epoch, epochs
from lsbook.runs.store import available

KIND = "hero"
CLASSES = (0, 1, 2)
PER_CLASS = 60
BINS = 15


FAMILIES = (
    ("compact/teacher-cifar10", "compact/student-cifar10"),
    ("lab/teacher-mnist1d", "lab/student-mnist1d"),
)


def family() -> tuple[list[Any], list[Any]]:
    """The first family of networks with hard and smoothed ones: teachers of seed 0, and students.

    Raises
    ------
    LookupError
        If none is recorded.
    """
    for teacher, student in FAMILIES:
        plain = recipes.named(teacher)
        teachers = [run for run in recorded(plain, seed=0) if "train_logits" in run.arrays]
        if compares(teachers):
            return teachers, [
                run for run in available()
                if run.recipe.name == student and run.recipe.distil
                and run.recipe.distil.teacher.with_(alpha=0.0, seed=0).hash == plain.hash]
    raise LookupError("No hard and smoothed teachers are recorded.")


def explorer(
    teachers: Sequence[Any], students: Sequence[Any], alpha: float = 0.1, command: str = ""
) -> Explorer:
    """What smoothing does to one family of networks, in two pictures and two numbers.

    Parameters
    ----------
    teachers
        One run an α, of one seed, with training examples; the hard one among them.
    students
        Runs distilled from teachers of this recipe, of every seed.
    alpha
        Where the slider starts, or as near to it as was recorded.
    """
    networks = [_network(run, students) for run in teachers]
    first = teachers[0].recipe
    names = list(offered(first.dataset, len(teachers[0].arrays["templates"])).values())
    words = "; ".join(f"alpha {n['alpha']:g}: ECE {n['ece']:.3f}, accuracy {n['accuracy']:.1%}"
                      for n in networks)
    return Explorer(
        kind=KIND,
        title="Move α: classes gather, confidence comes true, and the lesson gets lost",
        note=f"{scaled_setting(first)}; "
        + " ".join(f"{sign} {names[k]}" for sign, k in zip("●■▲", CLASSES)),
        alt=f"Three classes on the plane through their templates, and a reliability diagram. {words}.",
        caption="Left: training examples. Right: validation examples, 15 bins; on the dashed line "
        "confidence is true. A student has the targets of this network at the temperature that "
        "serves it best.",
        config={"alpha": alpha, "names": [names[k] for k in CLASSES], "networks": networks},
        sources=[*teachers, *students],
        command=command,
    )


def _network(run: Any, students: Sequence[Any]) -> dict[str, Any]:
    logits, targets = run.arrays["val_logits"], run.arrays["val_targets"]
    table = calibration.reliability(*calibration.from_logits(logits, targets), BINS)
    bins = [[round(float(x), 4) for x in (sure, right)] + [int(n)]
            for sure, right, n in zip(table.confidence, table.accuracy, table.count) if n]
    return {
        "alpha": run.recipe.alpha, "ece": round(table.ece, 4),
        "accuracy": round(run.metrics["val_accuracy"], 4), "bins": bins,
        "student": _student(run.recipe.alpha, students),
        "epochs": epochs(run), "planes": [_plane(at_epoch(run, e)) for e in epochs(run)]}


def _plane(run: Any) -> list[list[list[float]]]:
    """Coordinates of the examples of each class, and last of the three templates."""
    w = run.arrays["templates"][list(CLASSES)].astype(np.float64)
    logits, targets = examples(run, "train", CLASSES, PER_CLASS)
    groups = [project_logits(logits[targets == k], w) for k in range(3)]
    return [np.round(xy, 2).tolist() for xy in (*groups, project_logits(w @ w.T, w))]


def _student(alpha: float, students: Sequence[Any]) -> dict[str, float] | None:
    """Mean accuracy over seeds at the temperature of this teacher that gives the best."""
    found: dict[float, list[float]] = {}
    for run in students:
        if run.recipe.distil.teacher.alpha == alpha:
            found.setdefault(run.recipe.distil.T, []).append(run.metrics["val_accuracy"])
    if not found:
        return None
    T, values = max(found.items(), key=lambda item: fmean(item[1]))
    return {"T": T, "accuracy": round(fmean(values), 4), "seeds": len(values)}

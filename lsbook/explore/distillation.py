"""Explorers of the distillation chapter: Figure 5, what teachers say, and the T × α grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from lsbook.explore import evaluation
from lsbook.explore.figure import Explorer
from lsbook.figures import distillation as figures
from lsbook.figures.classes import offered
from lsbook.figures.distillation import Family
from lsbook.figures.ledger import scale_words
from lsbook.figures.signed import signed

KIND = "distillation"
NOTABLE = 0.5  # points of accuracy


def arrays(run: Any) -> dict[str, np.ndarray]:
    """What the page needs of a teacher: its logits on training examples, and their classes."""
    return {name: run.stored_arrays()[name] for name in ("train_logits", "train_targets")}


def figure5(
    families: Sequence[Family], alpha: float, command: str = "", T: float = 1.0, title: str = ""
) -> Explorer:
    """Accuracy against γ with every seed and the mean; a point tells its teacher, T and γ.

    Parameters
    ----------
    families
        Data sets to choose from, the first shown.
    alpha, T
        Smoothing and temperature of the teacher whose student is ringed at the start.
    """
    first = families[0]
    return Explorer(
        kind=KIND, title=title or _title(first),
        note="small marks: single seeds; large: their mean",
        alt=f"Accuracy in per cent against equivalent smoothing. {_words(first)}",
        caption="γ of a student is that of its targets on the whole training set; teachers and "
        f"students alone stand at their α. {_scales(families)}",
        config={"view": "figure5", "alpha": alpha, "T": T,
                "families": [_family(family) for family in families]},
        sources=_every_run(families), command=command)


def grid(families: Sequence[Family], command: str = "") -> Explorer:
    """T × α heat map of students, the published values outlined where they speak of the same."""
    taught = [f for f in families if len(figures.grid_frame(f.frame))] or list(families)
    cells = figures.grid_frame(taught[0].frame)
    words = ", ".join(f"alpha {row.alpha:g} T {row.T:g} {signed(row.gain)}"
                      for row in cells[cells["alpha"] > 0].dropna().itertuples())
    published = figures.published_grid()
    return Explorer(
        kind=KIND, name="grid", title="With a smoothed teacher, keep the temperature low",
        note="students' accuracy, or gain over the hard teacher's students at the same T",
        alt=f"Gain over the hard teacher's students at the same temperature, in points. "
        f"{taught[0].name}: {words or 'not recorded yet'}.",
        caption="Outlined: a published value speaks of this temperature and a teacher of about "
        "this smoothing; it stands in small figures below ours (Chandrasegaran et al. 2022, "
        "ImageNet, ResNet-50 to ResNet-18, α = 0.1). Shen et al. 2021 claim that at T = 1 a "
        f"smoothed teacher does no harm. A dash: not run. {_scales(taught)}",
        config={"view": "grid", "families": [_family(family) for family in taught],
                "published": _columns(published, ["alpha", "T", "accuracy", "gain"])},
        sources=_every_run(taught), command=command)


def teachers(families: Sequence[Family], alpha: float, command: str = "") -> Explorer:
    """γ against T of every teacher, and what two of them say about one example."""
    told = sorted((family for family in families if family.teachers),
                  key=lambda family: family.teacher.preset == "lab")
    gammas = figures.gamma_frame(told[0].teachers, high=1.0)
    words = ", ".join(f"{row.gamma:.3f} for alpha {row.alpha:g}"
                      for row in gammas.drop_duplicates("alpha").itertuples())
    return Explorer(
        kind=KIND, name="teachers",
        title="A temperature smooths the targets, and smooths smoothed ones most",
        note="above: γ over training examples; below: what two teachers say about one of them",
        alt=f"Equivalent smoothing of teachers against their temperature. At T = 1: {words}.",
        caption="Probabilities below 1e-12 are drawn at the edge. One teacher an α. "
        + " ".join(f"{family.name}: {scale_words(family.teacher)}." for family in told),
        config={"view": "teachers", "alpha": alpha, "T": 1.0, "families": [
            _teaching(family) for family in told]},
        runs=[run for family in told for run in family.teachers], command=command)


def _title(family: Family) -> str:
    """What Figure 5 shows: who gains over smoothing alone with as much softness."""
    hard, smoothed = (
        figures.beside_smoothing(family.frame, curve)["gain"]
        for curve in (figures.HARD, figures.SMOOTHED))
    if len(hard) and len(smoothed) and hard.max() > NOTABLE:
        if smoothed.mean() < NOTABLE:
            return "A hard teacher teaches more than softness; a smoothed one little else"
        return "Students gain from either teacher, over smoothing alone"
    return "The better teacher need not have the better student"


def _scales(families: Sequence[Family]) -> str:
    lines = (family.seeds if family.teacher.preset == "lab" else f"{family.scale}; {family.seeds}"
             for family in families)
    return " ".join(f"{family.name}: {line}." for family, line in zip(families, lines))


def _family(family: Family) -> dict[str, Any]:
    frame = family.frame
    curves = [figures.TEACHER, *figures.STUDENTS]
    columns = _columns(frame, ["alpha", "T", "seed", "gamma", "accuracy"])
    return {"name": family.name, "networks": family.networks, "scale": family.scale,
            "curve": [curves.index(curve) for curve in frame["curve"]], **columns}


def _teaching(family: Family) -> dict[str, Any]:
    K = family.teachers[0].arrays["train_logits"].shape[-1]
    return {
        "name": family.name, "networks": family.networks,
        "classes": list(offered(family.teacher.dataset, K).values()),
        "teachers": [{"alpha": run.recipe.alpha, "key": evaluation.key(run, KIND)}
                     for run in family.teachers]}


def _columns(frame: pd.DataFrame, names: Sequence[str]) -> dict[str, list]:
    return {name: [_short(value) for value in frame[name]] for name in names}


def _short(value: float) -> float | int:
    value = round(float(value), 5)
    return int(value) if value.is_integer() else value


def _words(family: Family) -> str:
    parts = []
    for curve, by in ((figures.TEACHER, "alpha"), (figures.ALONE, "alpha"),
                      (figures.HARD, "T"), (figures.SMOOTHED, "alpha")):
        line = figures.means(family.frame, curve, by)
        if len(line):
            parts.append(f"{curve}: " + ", ".join(
                f"{value:.1f} at {by} {at:g}" for at, value in line.items()))
    return f"{family.name}. {'; '.join(parts)}."


def _every_run(families: Sequence[Family]) -> list[Any]:
    return [run for family in families for run in family.runs]

"""A student of the reader's own: any teacher's α, its temperature and β, trained by a button."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import ipywidgets as widgets

from lsbook import runs
from lsbook.chapter import Chapter
from lsbook.explore import distillation as explore
from lsbook.figures.distillation import Family
from lsbook.figures.standalone import on_site
from lsbook.recipes import Recipe
from lsbook.widgets.train import training_panel


def explorer(
    chapter: Chapter, taught_by: Callable[..., Recipe], family: Family
) -> widgets.VBox | None:
    """Controls for α, T and β above the students' curves; None where no kernel is live.

    Parameters
    ----------
    taught_by : callable
        ``taught_by(teacher_recipe, T=..., beta=...)`` gives the student's recipe.
    family : Family
        The curves to draw it among.
    """
    if on_site():
        return None
    chapter = replace(chapter, seed=0)

    def needs(alpha: float, T: float, beta: float) -> list[Recipe]:
        teacher = chapter.recipe(alpha=alpha)
        return [teacher, taught_by(teacher, T=T, beta=beta)]

    def draw(alpha: float, T: float, beta: float):
        student = runs.find(needs(alpha, T, beta)[1])
        return explore.figure5(
            [replace(family, runs=(*family.runs, student))], alpha, chapter.command, T=T,
            title=f"Teacher with α = {alpha:g}, T = {T:g}, β = {beta:g}: a student of "
            f"{student.metrics['val_accuracy']:.1%} at γ = {student.metrics['gamma']:.3f}")

    def slider(name: str, **options) -> widgets.FloatSlider:
        return widgets.FloatSlider(description=name, continuous_update=False, **options)

    return training_panel(
        draw,
        needs,
        chapter.device,
        alpha=slider("α", value=0, min=0, max=0.9, step=0.05),
        T=slider("T", value=3, min=0.5, max=16, step=0.5),
        beta=slider("β", value=1, min=0, max=1, step=0.1),
    )

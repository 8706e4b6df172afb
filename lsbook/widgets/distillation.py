"""Explorer of distillation: a teacher's α, its temperature and β; the missing trains by button."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import ipywidgets as widgets
import pandas as pd

from lsbook import runs
from lsbook.chapter import Chapter
from lsbook.figures import distillation as figures
from lsbook.recipes import Recipe
from lsbook.widgets import live
from lsbook.widgets.train import training_panel


def explorer(
    chapter: Chapter, taught_by: Callable[..., Recipe], frame: pd.DataFrame
) -> widgets.VBox | None:
    """Controls for α, T and β above the students' curves; None where no kernel is live.

    Parameters
    ----------
    taught_by : callable
        ``taught_by(teacher_recipe, T=..., beta=...)`` gives the student's recipe.
    frame : DataFrame
        The curves to draw it among, from ``figures.distillation.accuracies``.
    """
    if not live():
        return None
    chapter = replace(chapter, seed=0)

    def needs(alpha: float, T: float, beta: float) -> list[Recipe]:
        teacher = chapter.recipe(alpha=alpha)
        return [teacher, taught_by(teacher, T=T, beta=beta)]

    def draw(**values: float):
        return figures.trial(frame, runs.find(needs(**values)[1]))

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

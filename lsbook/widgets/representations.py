"""Explorer of the representations: any α, trained where it is missing, any three classes."""

from __future__ import annotations

from dataclasses import replace

import ipywidgets as widgets

from lsbook.chapter import Chapter
from lsbook.figures import representations as figures
from lsbook.recipes import Recipe
from lsbook.runs.snapshots import at_epoch, epochs
from lsbook.runs.whole import whole
from lsbook.widgets import live
from lsbook.widgets.train import training_panel


def explorer(chapter: Chapter) -> widgets.VBox | None:
    """Controls for α and three classes above their planes; None where no kernel is live."""
    if not live():
        return None
    chapter = replace(chapter, retrain=False)
    start = chapter.run(alpha=0.0)
    names = figures.class_names(start)

    def needs(alpha: float, **_) -> list[Recipe]:
        return [chapter.recipe(alpha=a) for a in (0.0, alpha)]

    def draw(alpha: float, first: int, second: int, third: int, epoch: int | None = None):
        if len({first, second, third}) < 3:
            raise ValueError("Choose three different classes.")
        runs = [whole(chapter.run(alpha=a), chapter.device) for a in (0.0, alpha)]
        if epoch is not None:
            runs = [at_epoch(run, epoch) for run in runs]
        return figures.planes(runs, names, shown=(first, second, third), alpha=alpha, bound=False)

    alpha = widgets.FloatSlider(
        value=chapter.alpha or 0.1, min=0.01, max=0.9, step=0.01, description="α",
        continuous_update=False)
    pickers = {
        name: widgets.Dropdown(
            options=[(label, k) for k, label in names.items()], value=start,
            description=f"{name} class")
        for start, name in zip(names, ("first", "second", "third"))
    }
    if len(moments := epochs(start)) > 1:
        pickers["epoch"] = widgets.SelectionSlider(
            options=moments, value=moments[-1], description="epoch", continuous_update=False)
    return training_panel(draw, needs, chapter.device, alpha=alpha, **pickers)

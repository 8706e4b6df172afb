"""Explorer of the representations: any α, which trains, and any three classes."""

from __future__ import annotations

from dataclasses import replace

import ipywidgets as widgets

from lsbook.chapter import Chapter
from lsbook.figures import representations as figures
from lsbook.runs.whole import whole
from lsbook.widgets import live
from lsbook.widgets.panel import alpha_slider, panel


def explorer(chapter: Chapter) -> widgets.VBox | None:
    """Controls for α and three classes above their planes; None where no kernel is live."""
    if not live():
        return None
    chapter = replace(chapter, retrain=False)
    names = figures.class_names(chapter.run(alpha=0.0))

    def draw(alpha: float, first: int, second: int, third: int):
        if len({first, second, third}) < 3:
            raise ValueError("Choose three different classes.")
        runs = [whole(chapter.run(alpha=a), chapter.device) for a in (0.0, alpha)]
        return figures.planes(runs, names, shown=(first, second, third), alpha=alpha, bound=False)

    pickers = {
        name: widgets.Dropdown(
            options=[(label, k) for k, label in enumerate(names)], value=start,
            description=f"{name} class")
        for start, name in enumerate(("first", "second", "third"))
    }
    return panel(draw, alpha=alpha_slider(chapter, 0.1), **pickers)

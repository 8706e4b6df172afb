"""Explorer of calibration: any α, trained where it is not recorded, any temperature and bins."""

from __future__ import annotations

from dataclasses import replace

import ipywidgets as widgets

from lsbook.chapter import Chapter
from lsbook.figures import calibration as figures
from lsbook.recipes import Recipe
from lsbook.widgets import live
from lsbook.widgets.train import training_panel


def explorer(chapter: Chapter) -> widgets.VBox | None:
    """Controls for α, T and bins above the diagram; None where no kernel is live."""
    if not live():
        return None
    chapter = replace(chapter, retrain=False)

    def needs(alpha: float, **_) -> list[Recipe]:
        return [chapter.recipe(alpha=a) for a in (0.0, alpha)]

    def draw(alpha: float, T: float, bins: int, binning: str):
        hard, smoothed = (chapter.run(alpha=a) for a in (0.0, alpha))
        title = f"Seed {chapter.seed} at α = {alpha:g}"
        return figures.reliability(hard, smoothed, title, T, bins, binning)

    return training_panel(
        draw,
        needs,
        chapter.device,
        alpha=widgets.FloatSlider(
            value=chapter.alpha or 0.05, min=0.01, max=0.9, step=0.01, description="α",
            continuous_update=False),
        T=widgets.FloatSlider(value=1.9, min=0.5, max=4, step=0.05, description="T"),
        bins=widgets.IntSlider(value=15, min=5, max=50, description="bins"),
        binning=widgets.Dropdown(options=["width", "mass"], description="of equal"),
    )

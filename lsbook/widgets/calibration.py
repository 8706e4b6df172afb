"""Explorer of calibration: any α, which trains, any temperature, any number of bins."""

from __future__ import annotations

from dataclasses import replace

import ipywidgets as widgets

from lsbook.chapter import Chapter
from lsbook.figures import calibration as figures
from lsbook.widgets import live
from lsbook.widgets.panel import alpha_slider, panel


def explorer(chapter: Chapter) -> widgets.VBox | None:
    """Controls for α, T and bins above the diagram; None where no kernel is live."""
    if not live():
        return None
    chapter = replace(chapter, retrain=False)

    def draw(alpha: float, T: float, bins: int):
        runs = [chapter.run(alpha=a) for a in (0.0, alpha)]
        return figures.reliability(
            runs, f"Seed {chapter.seed} at α = {alpha:g}", alpha=alpha, seed=chapter.seed, T=T,
            bins=bins, bound=False)

    return panel(
        draw,
        alpha=alpha_slider(chapter, 0.05),
        T=widgets.FloatSlider(value=1.9, min=0.5, max=4, step=0.05, description="T"),
        bins=widgets.IntSlider(value=15, min=5, max=50, description="bins"),
    )

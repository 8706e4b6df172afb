"""Controls above a chart that is drawn anew in Python when one of them moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import altair as alt
import ipywidgets as widgets

from lsbook.chapter import Chapter

ALPHA = "α (trains)"


def alpha_slider(chapter: Chapter, value: float) -> widgets.FloatSlider:
    """A slider for α that acts when let go, since a new value trains a network."""
    return widgets.FloatSlider(
        value=chapter.alpha or value, min=0.01, max=0.9, step=0.01, description=ALPHA,
        continuous_update=False)


def panel(draw: Callable[..., alt.TopLevelMixin], **controls: Any) -> widgets.VBox:
    """Show ``draw(**values)`` below the controls; an error in it is shown in its place."""
    screen = widgets.Output()

    def redraw(*_):
        # Set, not captured: papermill stalls on an output that is captured.
        try:
            chart = draw(**{name: control.value for name, control in controls.items()})
        except ValueError as error:
            screen.outputs = ()
            screen.append_stdout(str(error))
        else:
            screen.outputs = ()
            screen.append_display_data(chart)

    for control in controls.values():
        control.observe(redraw, "value")
    redraw()
    row = widgets.HBox(list(controls.values()), layout=widgets.Layout(flex_flow="row wrap"))
    return widgets.VBox([row, screen])

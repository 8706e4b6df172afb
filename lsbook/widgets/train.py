"""Controls above a chart of runs, some of which are only trained when the reader asks for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import altair as alt
import ipywidgets as widgets

from lsbook import runs
from lsbook.recipes import Recipe
from lsbook.runs import cost
from lsbook.training.device import choose


def training_panel(
    draw: Callable[..., alt.TopLevelMixin],
    needs: Callable[..., Sequence[Recipe]],
    device: str = "auto",
    with_weights: bool = False,
    **controls: widgets.Widget,
) -> widgets.VBox:
    """Show ``draw(**values)``, or where runs are missing a button that trains them first.

    Parameters
    ----------
    draw, needs : callable
        Given the controls' values: the chart, and the recipes whose runs it is made of. A
        ``ValueError`` of theirs is shown in the chart's place.
    device : str
        Where to train.
    with_weights : bool
        A run that was published without its weights counts as missing.
    """
    screen = widgets.Output()
    button = widgets.Button(button_style="primary", layout=widgets.Layout(width="auto"))
    offer = widgets.HBox([button])
    missing: list[Recipe] = []

    def values() -> dict[str, Any]:
        return {name: control.value for name, control in controls.items()}

    def is_missing(recipe: Recipe) -> bool:
        run = runs.find(recipe)
        return run is None or (with_weights and not run.has_weights)

    def redraw(*_):
        screen.outputs = ()
        try:
            missing[:] = [recipe for recipe in needs(**values()) if is_missing(recipe)]
            offer.layout.display = "" if missing else "none"
            if missing:
                button.description = f"Not recorded: train it ({duration(missing, device)})"
            else:
                # Appended, not captured: papermill stalls on an output that is captured.
                screen.append_display_data(draw(**values()))
        except ValueError as error:
            screen.append_stdout(str(error))

    def train(*_):
        button.disabled = True
        try:
            with screen:
                runs.get_many(missing, device=device, retrain=with_weights)
        finally:
            button.disabled = False
        redraw()

    button.on_click(train)
    for control in controls.values():
        control.observe(redraw, "value")
    redraw()
    row = widgets.HBox(list(controls.values()), layout=widgets.Layout(flex_flow="row wrap"))
    return widgets.VBox([row, offer, screen])


def duration(recipes: Sequence[Recipe], device: str) -> str:
    """How long these recipes take, teachers that are missing aside, from finished runs."""
    known = cost.measured(choose(device))
    seconds = [known.get(cost.family(recipe)) for recipe in recipes]
    if None in seconds:
        return "of unknown length"
    return "about " + cost.describe(sum(s * r.total_steps for s, r in zip(seconds, recipes)))

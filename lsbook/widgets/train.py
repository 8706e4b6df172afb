"""An α above a figure, some of whose runs are only trained when the reader asks for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets

from lsbook import runs
from lsbook.chapter import Chapter
from lsbook.data import DataError
from lsbook.figures.standalone import on_site
from lsbook.recipes import Recipe
from lsbook.runs import cost
from lsbook.training.device import choose


def driven(
    chapter: Chapter,
    draw: Callable[[float], Any],
    needs: Callable[[float], Sequence[Recipe]],
    alpha: float,
) -> Any:
    """``draw(alpha)``; where a kernel is live, below a slider that trains what is not recorded.

    Parameters
    ----------
    draw
        Given α: the figure, drawn from all runs there are by then.
    needs
        Given α: the recipes whose runs the figure cannot do without.
    alpha
        Where it starts.
    """
    if on_site():
        return draw(alpha)
    slider = widgets.FloatSlider(
        value=alpha, min=0.01, max=0.9, step=0.01, description="α", continuous_update=False)
    return training_panel(draw, needs, chapter.device, alpha=slider)


def training_panel(
    draw: Callable[..., Any],
    needs: Callable[..., Sequence[Recipe]],
    device: str = "auto",
    with_weights: bool = False,
    **controls: widgets.Widget,
) -> widgets.VBox:
    """Show ``draw(**values)``, or where runs are missing a button that trains them first.

    Parameters
    ----------
    draw, needs : callable
        Given the controls' values: the figure, and the recipes whose runs it is made of. A
        ``ValueError`` of theirs, or data that are not there, is told in the figure's place.
    device : str
        Where to train.
    with_weights : bool
        A run that was published without its weights counts as missing.
    """
    screen = widgets.Output()
    # The bar has an output of its own: what is captured arrives late, and would wipe the figure.
    progress = widgets.Output()
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
        except (ValueError, DataError) as error:
            screen.append_stdout(str(error))

    def train(*_):
        button.disabled = True
        try:
            with progress:
                runs.get_many(missing, device=device, retrain=with_weights)
        finally:
            button.disabled = False
        redraw()

    button.on_click(train)
    for control in controls.values():
        control.observe(redraw, "value")
    redraw()
    row = widgets.HBox(list(controls.values()), layout=widgets.Layout(flex_flow="row wrap"))
    return widgets.VBox([row, offer, progress, screen])


def duration(recipes: Sequence[Recipe], device: str) -> str:
    """How long these recipes take, teachers that are missing aside, from finished runs."""
    known = cost.measured(choose(device))
    seconds = [known.get(cost.family(recipe)) for recipe in recipes]
    if None in seconds:
        return "of unknown length"
    trained = sum(s * r.total_steps for s, r in zip(seconds, recipes))
    return f"about {cost.describe(trained)} of training, evaluation on top"

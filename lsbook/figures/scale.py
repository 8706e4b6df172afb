"""In words, how much of an experiment a run is."""

from __future__ import annotations

from lsbook.recipes import Recipe

_SHARES = {0.5: "half", 0.25: "a quarter", 0.1: "a tenth"}


def in_words(recipe: Recipe) -> str:
    """Images and schedule, for instance "a quarter of the images, 2.4 % of the schedule"."""
    schedule = (
        "the full schedule" if recipe.scale == 1
        else f"{100 * recipe.scale:.2g} % of the schedule"
    )
    if recipe.train_fraction == 1:
        return schedule
    share = _SHARES.get(recipe.train_fraction, f"{100 * recipe.train_fraction:.2g} %")
    return f"{share} of the images, {schedule}"

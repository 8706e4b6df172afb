"""The best runs of one experiment: the paper's scale before compact networks, before the lab."""

from __future__ import annotations

from collections.abc import Sequence

from lsbook import recipes
from lsbook.recipes import Recipe
from lsbook.runs.store import Run, available

PREFERENCE = ("paper", "compact", "lab")


def recorded(recipe: Recipe, **fields) -> list[Run]:
    """Finished runs of ``recipe`` at any alpha and seed, sorted by alpha, then seed.

    ``fields`` narrows them, for instance ``seed=0``.
    """
    plain = recipe.with_(alpha=0.0, seed=0).hash
    found = [
        run
        for run in available()
        if run.recipe.with_(alpha=0.0, seed=0).hash == plain
        and all(getattr(run.recipe, name) == value for name, value in fields.items())
    ]
    return sorted(found, key=lambda run: (run.recipe.alpha, run.recipe.seed))


def of_hard_seeds(runs: Sequence[Run]) -> list[Run]:
    """The runs of the seeds that have a hard network among them."""
    hard = {run.recipe.seed for run in runs if run.recipe.alpha == 0}
    return [run for run in runs if run.recipe.seed in hard]


def compares(runs: Sequence[Run]) -> bool:
    """Whether hard and smoothed networks of one seed are among them."""
    return any(run.recipe.alpha > 0 for run in of_hard_seeds(runs))


def best(*names: str, **fields) -> list[Run]:
    """Runs of the first of these catalogue recipes that has hard and smoothed ones; else none.

    For instance ``best("paper/alexnet-cifar10", "compact/alexnet-cifar10", "lab/mlp-mnist1d")``.
    """
    for name in names:
        runs = recorded(recipes.named(name), **fields)
        if compares(runs):
            return runs
    return []

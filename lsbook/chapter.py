"""What every chapter shares: its parameters, checked, and the runs they stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lsbook import recipes, runs
from lsbook.fields import POSITIVE, SEED, UNIT, one_of, settle
from lsbook.recipes import Recipe
from lsbook.runs import Run, cost
from lsbook.runs.best import PREFERENCE, compares, recorded
from lsbook.runs.manifest import device_name
from lsbook.training.device import choose


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """A chapter's papermill parameters.

    Attributes
    ----------
    name
        The notebook's name, as in ``book/name.ipynb``.
    presets
        The catalogue recipe each preset stands for, for instance ``{"lab": "lab/mlp-mnist1d"}``.
    alpha, preset, seed, device, retrain
        As the reader set them.
    epochs
        Shorten the schedule to so many passes over the training set; None runs all of it.

    Raises
    ------
    ValueError
        If a parameter is of another type or out of range; the message says what is allowed.
    """

    name: str
    presets: Mapping[str, str]
    alpha: float
    preset: str
    seed: int
    device: str = "auto"
    retrain: bool = False
    epochs: float | None = None

    def __post_init__(self):
        ranges = {"alpha": UNIT, "seed": SEED, "epochs": POSITIVE}
        settle(self, ranges | {"preset": one_of(self.presets)})
        choose(self.device)

    def smoothing(self, default: float) -> float:
        """The reader's alpha; where it is 0, ``default``, and a printed sentence that says so."""
        if self.alpha == 0:
            print(f"α = 0 has nothing to be compared with: beside it stands α = {default:g}.")
        return self.alpha or default

    def recipe(self, **changes) -> Recipe:
        """The preset's recipe at the reader's alpha and seed, fields changed."""
        recipe = recipes.named(
            self.presets[self.preset], **{"alpha": self.alpha, "seed": self.seed} | changes
        )
        return recipe if self.epochs is None else recipe.for_epochs(self.epochs)

    def run(self, **changes) -> Run:
        """The run of `recipe`, loaded or trained; ``retrain`` is for the reader's own alpha."""
        recipe = self.recipe(**changes)
        return self.get_many([recipe], self.retrain and recipe.alpha == self.alpha)[0]

    def get_many(self, recipes: Sequence[Recipe], retrain: bool = False) -> list[Run]:
        """Runs of ``recipes``, loaded, or trained where they are missing or ``retrain`` says so.

        What is going to be trained is said first, with the time it will take on this device.
        """
        for recipe in recipes:
            if retrain or runs.find(recipe) is None:
                print(announcement(recipe, self.device))
        return runs.get_many(recipes, device=self.device, retrain=retrain)

    def recorded(self, **fields) -> list[Run]:
        """Finished runs of the preset's recipe at any alpha and seed, those fields aside.

        Sorted by alpha, then seed; ``fields`` narrows them, for instance ``seed=0``.
        """
        return recorded(self.recipe(), **fields)

    def best(self, **fields) -> Chapter:
        """This chapter at the best preset with recorded hard and smoothed runs.

        The paper's scale goes before a fraction of it, and that before the lab; without any runs
        it is the chapter itself. ``fields`` narrows the runs, for instance ``seed=0``. Then
        ``chapter.best().recorded()`` holds the runs to show by default.
        """
        there = [preset for preset in PREFERENCE if preset in self.presets]
        for chapter in (replace(self, preset=preset, epochs=None) for preset in there):
            if compares(chapter.recorded(**fields)):
                return chapter
        return self

    @property
    def command(self) -> str:
        """The papermill command that regenerates the chapter's figures."""
        parts = [f"papermill book/{self.name}.ipynb out.ipynb -p alpha {self.alpha:.12g}"]
        parts += [f"-p preset {self.preset} -p seed {self.seed}"]
        parts += [f"-p epochs {self.epochs:g}"] if self.epochs is not None else []
        return " ".join(parts)


def announcement(recipe: Recipe, device: str = "auto") -> str:
    """What a training is and how long it will take, a teacher that is missing aside.

    Evaluations come on top. The time is that of finished runs of its family, else of a trial of a
    few steps; it is unknown where the data are not there.
    """
    where = choose(device)
    per_step = cost.measured(where).get(cost.family(recipe)) or cost.trial(recipe, where)
    seconds = per_step and per_step * recipe.total_steps
    distil = recipe.distil
    lesson = f", taught by α = {distil.teacher.alpha:g} at T = {distil.T:g}" if distil else ""
    return (
        f"Training {recipe.name} at α = {recipe.alpha:g}, seed {recipe.seed}{lesson}: "
        f"{recipe.total_steps:,} steps, {cost.describe(seconds)} of training on "
        f"{device_name(where)}.")

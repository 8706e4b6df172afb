"""In what a recipe is not the paper's. Any deviation bars the word "reproduced"."""

from __future__ import annotations

import dataclasses

from lsbook import paper
from lsbook.ledger.settings import experiment_of
from lsbook.recipes import CATALOGUE, TRAIN_SIZE, Recipe

_POST_ACTIVATION = "activation after each block; before it, as the public reproduction reads it"
_CROPS = ("no change of brightness or contrast",
          "images standardised by channel, not each by itself")

DECLARED: dict[str, tuple[str, ...]] = {
    "paper/alexnet-cifar10": _CROPS,
    "paper/student-cifar10": (*_CROPS, "the teacher is asked about the whole image once, not about "
                                       "the student's view of it"),
    "paper/teacher-cifar10": (_POST_ACTIVATION,),
    "paper/resnet56-cifar100": (_POST_ACTIVATION, "a first layer of 3×3; of 7×7, as the public "
                                                  "reproduction reads it"),
    "paper/transformer-multi30k": (
        "Multi30k in place of WMT's English–German", "a smaller network", "fewer sub-words",
        "Adam's rate falls linearly, not with the root of the step"),
    "paper/inception-tinyimagenet": (
        "30 classes of Tiny ImageNet in place of ImageNet", "a stem for small images",
        "weights are not averaged"),
    "paper/teacher-mnist": ("initial biases of 0",),
    "paper/student-mnist": ("initial biases of 0",),
}
"""What no number of the appendix says: how the recipes nearest to the paper differ from it."""

_NUMBERS = {
    "batch size": "batch_size",
    "learning rate": "lr",
    "learning rate of the last layer": "last_layer_lr",
    "loss multiplier": "loss_scale",
    "weight decay": "weight_decay",
    "momentum": "momentum",
    "share of the previous gradient": "momentum",
    "gradient norm clip": "clip_norm",
}
"""The appendix's settings that a recipe has one field for."""

_APART = ("name", "alpha", "seed", "distil", "mi_classes", "mi_every", "scale", "steps",
          "train_fraction", "split", "dataset")
"""Fields in which runs of one experiment may differ, or that are compared in a way of their own."""

_WORDS = {"model": "network", "augment": "augmentation", "lr": "learning rate",
          "last_layer_lr": "learning rate of the last layer"}


def deviations(recipe: Recipe) -> tuple[str, ...]:
    """What differs from the paper, in words; empty for the paper's own recipe.

    A recipe is compared with the numbers of the appendix, then field by field with the catalogue's
    recipe nearest to the paper, whose own deviations (`DECLARED`) it shares.
    """
    experiment = experiment_of(recipe.name)
    nearest = CATALOGUE.get(experiment.stand_ins[0])
    if nearest is None or nearest.preset != "paper":
        return ("no experiment of the paper's",)
    said = _appendix(nearest)
    found = list(DECLARED[nearest.name])
    if recipe.dataset != nearest.dataset:
        found = [f"{recipe.dataset} in place of {nearest.dataset}"]
    found += [*_numbers(recipe, said), *_length(recipe, nearest, said),
              *_fields(recipe, nearest, said)]
    if recipe.distil:
        if recipe.distil.objective == "logits":
            found.append("logit differences summed over classes; a mean, as the public "
                         "reproduction reads it")
        found += [f"its teacher: {one}" for one in deviations(recipe.distil.teacher)]
    return tuple(found)


def _numbers(recipe: Recipe, said: dict[str, object]) -> list[str]:
    found = [(symbol, getattr(recipe, field)) for symbol, field in _NUMBERS.items()
             if symbol in said]
    if "variance of initial weights" in said:
        found.append(("variance of initial weights", dict(recipe.size).get("init_variance")))
    if recipe.distil and "β" in said:
        found.append(("β", recipe.distil.beta))
    return [f"{symbol} {_text(ours)} in place of {_text(said[symbol])}"
            for symbol, ours in found if ours != said[symbol]]


def _appendix(recipe: Recipe) -> dict[str, object]:
    """The appendix's settings of the experiment that ``recipe`` is the nearest to, by symbol."""
    dataset = {"cifar100": "cifar10", "multi30k": "en-de", "tinyimagenet": "imagenet"}.get(
        recipe.dataset, recipe.dataset)
    found = paper.numbers(section="A", dataset=dataset, model=recipe.model)
    return {number.symbol: number.value for number in found}


_PAPERS_IMAGES = {"cifar10": 40_000, "cifar100": 40_000, "mnist": 60_000}


def _length(recipe: Recipe, nearest: Recipe, said: dict[str, object]) -> list[str]:
    """Images, and steps; on MNIST the paper counts passes, of which ``nearest`` has as many."""
    found = []
    theirs = _PAPERS_IMAGES.get(recipe.dataset)
    if theirs:
        whole = theirs if recipe.split == "test" else TRAIN_SIZE[recipe.dataset]
        images = int(whole * recipe.train_fraction)
        if images != theirs:
            found.append(f"{images:,} of {theirs:,} images")
    length = nearest.steps if recipe.dataset == "mnist" else said.get("training length")
    if length and recipe.total_steps < length:
        found.append(f"{recipe.total_steps:,} of {length:,} steps")
    return found


def _fields(recipe: Recipe, nearest: Recipe, said: dict[str, object]) -> list[str]:
    """Fields that differ from the nearest recipe's and that the appendix has no number for."""
    told = {field for symbol, field in _NUMBERS.items() if symbol in said}
    found = []
    for name in (field.name for field in dataclasses.fields(recipe)):
        ours, theirs = getattr(recipe, name), getattr(nearest, name)
        if name == "size":
            if recipe.model == nearest.model and _shape(ours) != _shape(theirs):
                found.append("a network of another size")
        elif name not in _APART and name not in told and ours != theirs:
            found.append(f"{_WORDS.get(name, name.replace('_', ' '))} {_text(ours)} in place of "
                         f"{_text(theirs)}")
    return found


def _shape(size: tuple) -> tuple:
    """A network's size but for what does not shape it."""
    return tuple(item for item in size if item[0] not in ("dropout", "init_variance"))


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return " and ".join(_text(one) for one in value) or "none"
    return "none" if value is None else str(value)

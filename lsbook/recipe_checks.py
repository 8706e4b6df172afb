"""What fields of a recipe may be, alone and together."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from lsbook import models
from lsbook.data import images, text
from lsbook.data.augment import KINDS
from lsbook.fields import (
    COUNT, NOT_NEGATIVE, POSITIVE, SEED, SHARE, UNIT, Range, one_of, settle,
)

if TYPE_CHECKING:
    from lsbook.recipes import Distil, Recipe

PRESETS = ("lab", "compact", "paper", "own")
OBJECTIVES = ("probabilities", "logits", "mean-logits")
SPLITS = ("fixed", "own", "test")
SCHEDULES = ("steps", "linear", "cosine")

_NAME = re.compile(rf"({'|'.join(PRESETS)})/\w[\w.-]*")

RECIPE: dict[str, Range] = {
    "name": (
        lambda v: _NAME.fullmatch(v) is not None,
        f"PRESET/NAME, with one of {', '.join(PRESETS)} and a name of letters, digits, - and .",
    ),
    "dataset": (
        lambda v: v in text.NAMES or images.is_name(v),
        f"one of {', '.join((*text.NAMES, *images.NAMES))}, imagefolder/NAME",
    ),
    "model": one_of(models.NAMES),
    "size": (lambda v: v[0].isidentifier(), "pairs of a name and a number, a word, or several"),
    "alpha": UNIT,
    "seed": SEED,
    "steps": COUNT,
    "scale": SHARE,
    "batch_size": COUNT,
    "optimizer": one_of(("sgd", "adam")),
    "lr": POSITIVE,
    "last_layer_lr": POSITIVE,
    "schedule": one_of(SCHEDULES),
    "milestones": UNIT,
    "warmup": UNIT,
    "momentum": (lambda v: 0 <= v < 1, "in [0, 1)"),
    "weight_decay": NOT_NEGATIVE,
    "loss_scale": POSITIVE,
    "clip_norm": POSITIVE,
    "augment": one_of(KINDS),
    "mi_classes": NOT_NEGATIVE,
    "mi_every": NOT_NEGATIVE,
    "train_fraction": SHARE,
    "split": one_of(SPLITS),
    "pool": COUNT,
    "sentences": COUNT,
}
DISTIL: dict[str, Range] = {
    "beta": UNIT,
    "T": (lambda v: v > 0, "a temperature above 0"),
    "objective": one_of(OBJECTIVES),
}
SIZE: dict[str, Range] = {
    "dropout": (lambda v: 0 <= v < 1, "in [0, 1)"),
    "init_variance": POSITIVE,
}
IMAGES_ONLY = ("augment", "distil", "loss_scale", "mi_every", "train_fraction", "pool")
TESTED = ("mnist", "cifar10", "cifar100")
SPLIT = {"own": ("mnist1d", "digits", *TESTED, "grammar"), "test": TESTED}


def check_distil(distil: Distil) -> None:
    """Type and range the fields of ``distil``.

    Raises
    ------
    ValueError
        If one cannot be; the message names it.
    """
    settle(distil, DISTIL)


def check_recipe(recipe: Recipe, train_size: Mapping[str, int]) -> None:
    """Type and range the fields of ``recipe``; no field may be left unused.

    ``train_size`` counts the training images of the data sets that are known.

    Raises
    ------
    ValueError
        If a field is of another type, out of range or at odds with others; the message names it.
    """
    settle(recipe, RECIPE)
    for name, value in recipe.size:
        if name in SIZE and not (isinstance(value, int | float) and SIZE[name][0](value)):
            raise ValueError(f"{name} in size must be {SIZE[name][1]}; got {value!r}.")
    if recipe.is_text != (recipe.model == "transformer"):
        raise ValueError(f"model {recipe.model} does not go with dataset {recipe.dataset}.")
    if len(set(recipe.mi_classes)) == 1:
        raise ValueError(f"mi_classes must be two classes; got {recipe.mi_classes}.")
    if recipe.nesterov and (recipe.damped or not recipe.momentum):
        raise ValueError("nesterov needs momentum above 0, and damped=False.")
    if train_size.get(recipe.dataset, math.inf) * recipe.train_fraction < 1:
        raise ValueError(f"train_fraction {recipe.train_fraction:g} leaves no image to train on.")
    unused = IMAGES_ONLY if recipe.is_text else ()
    unused += ("sentences",) if recipe.dataset != "grammar" else ()
    for name in unused:
        if getattr(recipe, name) != getattr(type(recipe), name):
            raise ValueError(f"{name} does nothing on {recipe.dataset}; leave it out.")
    if recipe.split != "fixed" and recipe.dataset not in SPLIT[recipe.split]:
        raise ValueError(f"split {recipe.split!r} is for {', '.join(SPLIT[recipe.split])} alone.")

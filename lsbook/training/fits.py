"""Whether a recipe can be trained on its data, found out before the training begins."""

from __future__ import annotations

import torch

from lsbook.data import Images, Text
from lsbook.data.augment import augment
from lsbook.recipes import Recipe
from lsbook.training import classifier, sequence
from lsbook.training.evaluation import predict

CPU = torch.device("cpu")


def check_images(recipe: Recipe, images: Images) -> None:
    """Show one image to the recipe's network.

    Raises
    ------
    ValueError
        If the network does not take it, its classes are not the data's, or the teacher saw other
        images; the message names the recipe's field.
    """
    K = len(images.classes)
    if K < 2:
        raise ValueError(f"dataset {recipe.dataset} has one class alone; there must be two.")
    if recipe.mi_every and max(recipe.mi_classes) >= K:
        raise ValueError(f"mi_classes must lie in [0, {K - 1}]; got {recipe.mi_classes}.")
    teacher = recipe.distil and recipe.distil.teacher
    if teacher and (teacher.dataset, teacher.pool) != (recipe.dataset, recipe.pool):
        raise ValueError("The teacher in distil must have its student's dataset and pool.")
    x = images.train_x[:1].cpu()
    augment(x, recipe.augment)
    try:
        outputs = predict(classifier.initial_model(recipe), images, x, recipe.augment).shape[1]
    except RuntimeError as error:
        shape = "×".join(map(str, images.shape))
        raise _misfit(recipe, f"examples of {recipe.dataset} are {shape}") from error
    if outputs != K:
        raise _misfit(recipe, f"{recipe.dataset} has {K} classes")


@torch.no_grad()
def check_text(recipe: Recipe, text: Text) -> None:
    """Show one sentence to the recipe's network.

    Raises
    ------
    ValueError
        If the network cannot take it; the message names the recipe's field.
    """
    source, prefix, _ = sequence.pad(text.train[:1], CPU)
    try:
        sequence.initial_model(recipe, text)(source, prefix)
    except RuntimeError as error:
        raise _misfit(recipe, "its parts do not go together") from error


def _misfit(recipe: Recipe, why: str) -> ValueError:
    size = ", ".join(f"{name}={value}" for name, value in recipe.size) or "its defaults"
    return ValueError(f"size of {recipe.model} does not fit: {why}; got {size}.")

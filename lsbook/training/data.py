"""The data that a recipe trains on and is evaluated with."""

from __future__ import annotations

from functools import lru_cache

from lsbook.data import Images, Text, load_images, load_text
from lsbook.recipes import Recipe
from lsbook.training.fits import check_images, check_text


def images_of(recipe: Recipe) -> Images:
    """The recipe's image set: split, pooled, and with the share of training images it uses.

    Raises
    ------
    ValueError
        If the recipe's network cannot be trained on it; the message names the field.
    """
    images = _images(recipe.dataset, recipe.split_seed, recipe.split == "test", recipe.pool)
    images = images.part(recipe.train_fraction)
    check_images(recipe, images)
    return images


def text_of(recipe: Recipe) -> Text:
    """The recipe's parallel text.

    Raises
    ------
    ValueError
        If the recipe's network cannot be trained on it; the message names the field.
    """
    text = _text(recipe.dataset, recipe.split_seed, recipe.sentences)
    check_text(recipe, text)
    return text


@lru_cache(maxsize=2)
def _images(name: str, seed: int, whole: bool, pool: int) -> Images:
    images = load_images(name, seed=seed)
    return (images.whole() if whole else images).pooled(pool)


@lru_cache(maxsize=2)
def _text(name: str, seed: int, sentences: int | None) -> Text:
    return load_text(name, seed=seed, sentences=sentences)

"""The data that a recipe trains on and is evaluated with."""

from __future__ import annotations

from functools import lru_cache

from lsbook.data import Images, Text, load_images, load_text
from lsbook.recipes import Recipe


def images_of(recipe: Recipe) -> Images:
    """The recipe's image set: split, pooled, and with the share of training images it uses."""
    images = _images(recipe.dataset, recipe.split_seed, recipe.split == "test", recipe.pool)
    return images.part(recipe.train_fraction)


def text_of(recipe: Recipe) -> Text:
    """The recipe's parallel text."""
    return _text(recipe.dataset, recipe.split_seed, recipe.sentences)


@lru_cache(maxsize=2)
def _images(name: str, seed: int, whole: bool, pool: int) -> Images:
    images = load_images(name, seed=seed)
    return (images.whole() if whole else images).pooled(pool)


@lru_cache(maxsize=2)
def _text(name: str, seed: int, sentences: int | None) -> Text:
    return load_text(name, seed=seed, sentences=sentences)

"""In words, what a run is, and how much of an experiment."""

from __future__ import annotations

from lsbook.ledger.groups import PAPERS_DATA
from lsbook.recipes import TRAIN_SIZE, Recipe

DATASETS = {
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "mnist": "MNIST",
    "tinyimagenet": "Tiny ImageNet (30 classes)",
    "multi30k": "Multi30k",
    "mnist1d": "MNIST-1D (lab)",
    "digits": "digits (lab)",
    "grammar": "grammar (lab)",
    "imagenet": "ImageNet",
    "en-de": "EN–DE",
    "wsj": "WSJ (speech)",
}
MODELS = {
    "mlp": "MLP",
    "conv1d": "CNN",
    "alexnet": "AlexNet",
    "resnet8": "ResNet-8",
    "resnet9": "ResNet-9",
    "resnet18": "ResNet-18",
    "resnet20": "ResNet-20",
    "resnet56": "ResNet-56",
    "inception-v4": "Inception-v4",
    "inception-v2": "Inception-v2",
    "transformer": "Transformer",
    "bilstm-attention": "BiLSTM with attention",
}
SIDES = {"mnist": 28, "cifar10": 32, "cifar100": 32, "tinyimagenet": 64}
"""Pixels along a side of each data set's images."""

_SHARES = {0.5: "half", 0.25: "a quarter", 0.1: "a tenth"}


def in_words(recipe: Recipe) -> str:
    """Images and schedule: "a quarter of the images, 7.3 % of the paper's schedule".

    Where the paper trained on other data, the schedule is this book's: "40 % of our schedule".
    Compact recipes are this book's own: "5,000 images of 16×16, 90 epochs".
    """
    if recipe.preset == "compact":
        return _compact(recipe)
    theirs = recipe.preset == "paper" and recipe.dataset in PAPERS_DATA
    whose = "the paper's" if theirs else "our"
    schedule = (
        f"{whose} full schedule" if recipe.scale == 1
        else f"{100 * recipe.scale:.2g} % of {whose} schedule"
    )
    if recipe.train_fraction == 1:
        return schedule
    share = _SHARES.get(recipe.train_fraction, f"{100 * recipe.train_fraction:.2g} %")
    return f"{share} of the images, {schedule}"


def _compact(recipe: Recipe) -> str:
    images = int(TRAIN_SIZE[recipe.dataset] * recipe.train_fraction)
    side = SIDES[recipe.dataset] // recipe.pool
    epochs = round(recipe.total_steps * recipe.batch_size / images)
    return f"{images:,} images of {side}×{side}, {epochs} epochs"


def setting(recipe: Recipe) -> str:
    """Network and data set, for instance "ResNet-20 on CIFAR-100"."""
    return f"{MODELS[recipe.model]} on {DATASETS[recipe.dataset]}"


def scaled_setting(recipe: Recipe) -> str:
    """Network, data set and how much of the experiment was run."""
    return f"{setting(recipe)}, {in_words(recipe)}"

"""What a run will take on this device: from finished runs of its family, or from a short trial."""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections import defaultdict

import torch

from lsbook.data import DataError, Images, Text
from lsbook.recipes import Recipe
from lsbook.runs import store
from lsbook.runs.manifest import device_name
from lsbook.training.classifier import initial_model, train_classifier
from lsbook.training.data import images_of, text_of
from lsbook.training.device import to_device
from lsbook.training.sequence import train_sequence

TRIAL_STEPS = (1, 4)
TRIAL_STEPS_CUDA = (20, 120)  # a few take less time than the set-up varies by
TRIAL_SENTENCES = 32
TRIAL_RATE = 1e-9  # too small to diverge, whatever an untrained teacher says


def family(recipe: Recipe) -> tuple[str, str | None]:
    """What decides the time of a step: all but alpha, seed, schedule length, beta and T."""
    teacher = recipe.distil.teacher.model if recipe.distil else None
    return recipe.with_(alpha=0.0, seed=0, scale=1.0, distil=None).hash, teacher


def measured(device: torch.device) -> dict[tuple, float]:
    """Seconds a step of each family: the median over finished runs of this kind of device."""
    found = defaultdict(list)
    for run in store.available():
        if run.manifest["device"] == device_name(device):
            found[family(run.recipe)].append(run.manifest["wall_seconds"] / run.manifest["steps"])
    return {key: statistics.median(each) for key, each in found.items()}


def trial(recipe: Recipe, device: torch.device) -> float | None:
    """Seconds a step, from two trainings of a few steps; None where the data are not there."""
    try:
        data = text_of(recipe) if recipe.is_text else images_of(recipe)
    except DataError:
        return None
    few, more = _trial_steps(device)
    train = _train_text if recipe.is_text else _train_images
    train(recipe, data, few, device)  # warms up
    seconds = train(recipe, data, more, device) - train(recipe, data, few, device)
    return max(0.0, seconds) / (more - few)


def _trial_steps(device: torch.device) -> tuple[int, int]:
    return TRIAL_STEPS_CUDA if device.type == "cuda" else TRIAL_STEPS


def _train_images(recipe: Recipe, images: Images, steps: int, device: torch.device) -> float:
    part, batch = slice(max(_trial_steps(device)) * recipe.batch_size), slice(recipe.batch_size)
    images = dataclasses.replace(
        images,
        train_x=images.train_x[part],
        train_y=images.train_y[part],
        val_x=images.val_x[batch],
        val_y=images.val_y[batch],
    )
    teacher = initial_model(recipe.distil.teacher).eval().to(device) if recipe.distil else None
    images, options = to_device(images, device), {"teacher": teacher, "progress": False}
    return _seconds(device, train_classifier, _short(recipe, steps), images, device, **options)


def _train_text(recipe: Recipe, text: Text, steps: int, device: torch.device) -> float:
    text = dataclasses.replace(text, val=text.val[:TRIAL_SENTENCES])
    return _seconds(device, train_sequence, _short(recipe, steps), text, device, progress=False)


def _short(recipe: Recipe, steps: int) -> Recipe:
    return recipe.with_(steps=steps, scale=1.0, mi_every=0, lr=TRIAL_RATE, last_layer_lr=None)


def _seconds(device: torch.device, train, *args, **options) -> float:
    started = time.monotonic()
    train(*args, **options)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.monotonic() - started


def describe(seconds: float | None) -> str:
    """A time span as 0.4 s, 40 s, 12 min or 3.5 h, and ? where it is not known."""
    if seconds is None:
        return "?"
    if seconds < 1:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"

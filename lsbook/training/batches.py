"""Augmented batches that depend on seed and epoch alone, so that any epoch can be resumed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from lsbook.data import Images
from lsbook.data.augment import apply, draw
from lsbook.recipes import Recipe


class Batch(NamedTuple):
    """Training images ``index`` (B,), moved by ``offsets`` (B, k) to ``raw``; classes (B,)."""

    index: Tensor
    raw: Tensor
    targets: Tensor
    offsets: Tensor


def generator(seed: int, clock: int, device: torch.device, stream: int = 0) -> torch.Generator:
    """A generator of its own for each seed, epoch or step, and purpose (``stream``)."""
    return torch.Generator(device).manual_seed((seed * 1_000_003 + clock) * 16 + stream)


def steps_per_epoch(recipe: Recipe, images: Images) -> int:
    """Full batches in the training set; a set smaller than a batch makes one."""
    return max(1, len(images.train_y) // recipe.batch_size)


def is_scored(recipe: Recipe, images: Images, epoch: int) -> bool:
    """Whether validation is scored, and the state kept, after ``epoch`` epochs.

    Always at the end, and as often as training passes over twice the number of validation images.
    """
    every = max(1, -(-2 * len(images.val_y) // len(images.train_y)))
    return epoch % every == 0 or epoch * steps_per_epoch(recipe, images) >= recipe.total_steps


def epoch_batches(
    recipe: Recipe, images: Images, epoch: int, device: torch.device
) -> Iterator[Batch]:
    """Yield augmented batches over one epoch; ``images`` must lie on ``device``."""
    random = generator(recipe.seed, epoch, device)
    order = torch.randperm(len(images.train_y), generator=random, device=device)
    for index in order.split(recipe.batch_size)[: steps_per_epoch(recipe, images)]:
        offsets = draw(recipe.augment, len(index), images.shape, random).to(device)
        raw = apply(images.train_x[index], recipe.augment, offsets)
        yield Batch(index, raw, images.train_y[index], offsets)

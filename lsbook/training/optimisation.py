"""Optimisers and learning-rate schedules, as recipes name them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from lsbook.recipes import Recipe


def learning_rate(recipe: Recipe, step: int) -> float:
    """Factor on the recipe's learning rates at optimisation step ``step``, counted from 0."""
    done = step / recipe.total_steps
    rising = min(1.0, (done + 1 / recipe.total_steps) / recipe.warmup) if recipe.warmup else 1.0
    if recipe.schedule == "linear":
        return rising * (1 - done)
    if recipe.schedule == "cosine":
        return rising * 0.5 * (1 + math.cos(math.pi * done))
    return rising * 0.1 ** sum(done >= milestone for milestone in recipe.milestones)


def make_optimizer(recipe: Recipe, parameters: Mapping[str, Tensor]) -> torch.optim.Optimizer:
    """The recipe's optimiser over named parameters, which may be stacks of several models'.

    Raises
    ------
    ValueError
        If ``decay_only`` names a parameter that is not there, or the optimiser is unknown.
    """
    missing = set(recipe.decay_only) - set(parameters)
    if missing:
        raise ValueError(f"decay_only names {sorted(missing)}; the model has {sorted(parameters)}.")
    last = list(parameters)[-2:] if recipe.last_layer_lr else []
    groups: dict[tuple[float, float], list[Tensor]] = {}
    for name, value in parameters.items():
        lr = recipe.last_layer_lr if name in last else recipe.lr
        decays = not recipe.decay_only or name in recipe.decay_only
        groups.setdefault((lr, recipe.weight_decay if decays else 0.0), []).append(value)
    options = [
        {"params": params, "lr": lr, "base_lr": lr, "weight_decay": decay}
        for (lr, decay), params in groups.items()
    ]
    if recipe.optimizer == "adam":
        return torch.optim.Adam(options, betas=(0.9, 0.98), eps=1e-9)
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(
            options,
            lr=recipe.lr,
            momentum=recipe.momentum,
            nesterov=recipe.nesterov,
            dampening=recipe.momentum if recipe.damped else 0.0,
        )
    raise ValueError(f"optimizer must be 'sgd' or 'adam'; got {recipe.optimizer!r}.")


def set_learning_rate(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Set each group's learning rate to ``factor`` times the one it was made with."""
    for group in optimizer.param_groups:
        group["lr"] = factor * group["base_lr"]

"""Sizes of networks: parameters and multiply-accumulates."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def parameter_count(model: nn.Module) -> int:
    """Number of trained values, shared ones counted once."""
    return sum(parameter.numel() for parameter in model.parameters())


@torch.no_grad()
def mac_count(model: nn.Module, example: Tensor) -> int:
    """Multiply-accumulates in the convolutions and dense layers of one forward pass of ``example``.

    Pass a batch of one for the count per example. Biases, norms, pooling and attention products
    are left out, as in the counts of the literature.
    """
    macs = 0

    def add(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal macs
        macs += output.numel() * math.prod(layer.weight.shape[1:])

    layers = (nn.Conv1d, nn.Conv2d, nn.Linear)
    hooks = [m.register_forward_hook(add) for m in model.modules() if isinstance(m, layers)]
    was_training = model.training
    try:
        model.eval()(example)
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()
    return macs

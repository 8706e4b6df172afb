"""The CIFAR-10 network of TensorFlow's tutorial, taken to be the paper's AlexNet."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lsbook.models.mlp import Templates


class LocalResponseNorm(nn.Module):
    """x / (1 + alpha · sum of squares over neighbouring channels)^0.75, for images (B, C, H, W).

    The sum runs over ``radius`` channels on either side, as in ``tf.nn.lrn``; torch's layer of
    size 2·radius + 1 divides its alpha by that size.
    """

    def __init__(self, channels: int, radius: int = 4, alpha: float = 0.001 / 9):
        super().__init__()
        self.alpha = alpha
        index = torch.arange(channels)
        band = (index[:, None] - index).abs() <= radius
        self.register_buffer("band", band.float()[..., None, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        # One product with a band matrix, and roots in place of a power: half the time of torch's.
        root = torch.rsqrt(1 + self.alpha * F.conv2d(x.square(), self.band))
        return x * root * root.sqrt()


class AlexNet(Templates, nn.Module):
    """Two 5×5 convolutions and three dense layers; 1,068,298 parameters as the paper has it.

    The paper names AlexNet on CIFAR-10 without a reference; layers and initial weights are those
    of TensorFlow's tutorial (Krizhevsky's cuda-convnet network). The tutorial standardises each
    image, here ``lsbook.data`` standardises each channel over the training set instead.

    ``side`` is that of the square images, ``channels`` the width of the convolutions, ``dense``
    the widths of the hidden layers; ``norm`` is the local response normalisation, half the time
    of a step on a CPU.
    """

    def __init__(
        self,
        classes: int = 10,
        side: int = 24,
        channels: int = 64,
        dense: Sequence[int] = (384, 192),
        norm: bool = True,
    ):
        super().__init__()
        self.side = side
        self.conv1 = nn.Conv2d(3, channels, 5, padding=2)
        self.conv2 = nn.Conv2d(channels, channels, 5, padding=2)
        self.norm = LocalResponseNorm(channels) if norm else nn.Identity()
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        first, second = dense
        self.dense1 = nn.Linear((side // 4) ** 2 * channels, first)
        self.dense2 = nn.Linear(first, second)
        self.output = nn.Linear(second, classes)
        _initialise(self.conv1, std=0.05, bias=0.0)
        _initialise(self.conv2, std=0.05, bias=0.1)
        _initialise(self.dense1, std=0.04, bias=0.1)
        _initialise(self.dense2, std=0.04, bias=0.1)
        _initialise(self.output, std=1 / second, bias=0.0)

    def forward(
        self, x: Tensor, return_activations: bool = False
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Logits (B, K) of images (B, 3, side, side), on request with the last hidden layer.

        Raises
        ------
        ValueError
            If the images are not of that side with three channels.
        """
        if x.shape[1:] != (3, self.side, self.side):
            raise ValueError(
                f"AlexNet takes images of 3×{self.side}×{self.side}; got "
                f"{'×'.join(map(str, x.shape[1:]))}. For 24 pixels crop them with "
                "augment(x, 'crop24-flip') or centre(x, 'crop24-flip')."
            )
        x = self.norm(self.pool(self.conv1(x).relu()))
        x = self.pool(self.norm(self.conv2(x).relu()))
        x = self.dense1(x.flatten(1)).relu()
        x = self.dense2(x).relu()
        logits = self.output(x)
        return (logits, x) if return_activations else logits


def _initialise(layer: nn.Conv2d | nn.Linear, std: float, bias: float) -> None:
    nn.init.trunc_normal_(layer.weight, std=std, a=-2 * std, b=2 * std)
    nn.init.constant_(layer.bias, bias)

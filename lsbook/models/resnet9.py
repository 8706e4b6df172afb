"""A wide, shallow residual network that fits small images in minutes."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from lsbook.models.mlp import Templates


class Layer(nn.Sequential):
    """3×3 convolution, halved by max-pooling where asked, batch norm, ReLU."""

    def __init__(self, before: int, after: int, halve: bool = False):
        convolution = nn.Conv2d(before, after, 3, padding=1, bias=False)
        pool = [nn.MaxPool2d(2)] if halve else []
        super().__init__(convolution, *pool, nn.BatchNorm2d(after), nn.ReLU())


class Residual(nn.Sequential):
    """Two layers beside an identity shortcut."""

    def __init__(self, width: int):
        super().__init__(Layer(width, width), Layer(width, width))

    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x)


class ResNet9(Templates, nn.Module):
    """Page's ResNet-9 of the DAWNBench entries: eight convolutions and a linear layer.

    ``widths`` are those of the stem and of the three layers that halve the image; the first and
    the last of these carry a residual pair. Penultimate features are the means over the last
    layer's pixels.

    Raises
    ------
    ValueError
        If there are not four widths.
    """

    def __init__(self, widths: Sequence[int] = (32, 48, 96, 128), classes: int = 10):
        super().__init__()
        if len(widths) != 4:
            raise ValueError(f"widths of ResNet-9 are four whole numbers; got {tuple(widths)}.")
        stem, first, second, third = widths
        self.layers = nn.Sequential(
            Layer(3, stem),
            Layer(stem, first, halve=True),
            Residual(first),
            Layer(first, second, halve=True),
            Layer(second, third, halve=True),
            Residual(third),
        )
        self.output = nn.Linear(third, classes)

    def forward(
        self, x: Tensor, return_activations: bool = False
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Logits (B, K) of images (B, 3, H, W), on request with the pooled features (B, d)."""
        pooled = F.adaptive_avg_pool2d(self.layers(x), 1).flatten(1)
        logits = self.output(pooled)
        return (logits, pooled) if return_activations else logits

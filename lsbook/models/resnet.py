"""Residual networks for CIFAR (He et al. 2016, section 4.2)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from lsbook.models.mlp import Templates


class Block(nn.Module):
    """Two 3×3 convolutions beside a shortcut without parameters (option A).

    Where the shortcut changes shape it keeps every second pixel and pads channels with zeros.
    """

    def __init__(self, before: int, after: int):
        super().__init__()
        self.stride = 1 if before == after else 2
        self.conv1 = nn.Conv2d(before, after, 3, self.stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(after)
        self.padding = (after - before) // 2

    def forward(self, x: Tensor) -> Tensor:
        change = self.norm2(self.conv2(self.norm1(self.conv1(x)).relu()))
        if self.stride == 2:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.padding, self.padding))
        return (x + change).relu()


class ResNet(Templates, nn.Module):
    """ResNet of ``depth`` 6n + 2: a 3×3 stem and three stages of n blocks, 16, 32 and 64 wide.

    The stem's ``stride`` is 1 for images of 32×32; 2 makes those of 64×64 as cheap. Convolutions
    start from He's normal distribution. Depth 56 has 853,018 parameters for 10 classes and 858,868
    for 100.

    Raises
    ------
    ValueError
        If depth is not 6n + 2.
    """

    def __init__(self, depth: int, classes: int = 10, stride: int = 1):
        super().__init__()
        blocks, rest = divmod(depth - 2, 6)
        if blocks < 1 or rest:
            raise ValueError(f"A CIFAR ResNet has depth 6n + 2 (8, 20, 56, ...); got {depth}.")
        self.stem = nn.Conv2d(3, 16, 3, stride, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(16)
        widths = [16] * (blocks + 1) + [32] * blocks + [64] * blocks
        self.blocks = nn.Sequential(*(Block(a, b) for a, b in zip(widths, widths[1:])))
        self.output = nn.Linear(64, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(
        self, x: Tensor, return_activations: bool = False
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Logits (B, K) of images (B, 3, H, W), on request with the pooled features (B, 64)."""
        x = self.blocks(self.norm(self.stem(x)).relu())
        pooled = x.mean((2, 3))
        logits = self.output(pooled)
        return (logits, pooled) if return_activations else logits

"""A small convolutional network for signals, the lab's teacher."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from lsbook.models.mlp import Templates


class Conv1d(Templates, nn.Module):
    """Circular convolutions with batch norm, average-pooled: a shift of the signal changes little.

    The second of ``layers`` halves the length; all are ``width`` wide.
    """

    def __init__(self, classes: int = 10, width: int = 64, layers: int = 4):
        super().__init__()
        widths = [1] + [width] * layers
        self.features = nn.Sequential(
            *(_layer(a, b, stride=2 if i == 1 else 1) for i, (a, b) in enumerate(pairwise(widths)))
        )
        self.output = nn.Linear(width, classes)

    def forward(
        self, x: Tensor, return_activations: bool = False
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Logits (B, K) of signals (B, L), on request with the pooled features (B, width)."""
        pooled = self.features(x[:, None]).mean(-1)
        logits = self.output(pooled)
        return (logits, pooled) if return_activations else logits


def _layer(before: int, after: int, stride: int) -> nn.Sequential:
    convolution = nn.Conv1d(
        before, after, 5, stride=stride, padding=2, padding_mode="circular", bias=False
    )
    return nn.Sequential(convolution, nn.BatchNorm1d(after), nn.ReLU())

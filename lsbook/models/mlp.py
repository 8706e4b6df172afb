"""Multi-layer perceptrons."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Templates:
    """Gives a classifier its templates: the rows of the last layer ``output``, bias appended."""

    output: nn.Linear

    def templates(self) -> Tensor:
        """Templates w_k (K, d + 1), the bias in the last column (paper, section 1.1)."""
        return torch.cat([self.output.weight, self.output.bias[:, None]], 1)


class MLP(Templates, nn.Module):
    """ReLU layers of widths ``hidden`` on flattened inputs.

    ``init_variance`` draws every weight from N(0, variance) with zero biases, as the MNIST
    experiment does (appendix A gives 0.03); the default is torch's.
    """

    def __init__(
        self,
        inputs: int,
        hidden: Sequence[int],
        classes: int = 10,
        dropout: float = 0.0,
        init_variance: float | None = None,
    ):
        super().__init__()
        widths = [inputs, *hidden]
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, widths[1:]))
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(widths[-1], classes)
        if init_variance is not None:
            for layer in (*self.hidden, self.output):
                nn.init.normal_(layer.weight, std=init_variance**0.5)
                nn.init.zeros_(layer.bias)

    def forward(
        self, x: Tensor, return_activations: bool = False
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Logits (B, K) of inputs (B, ...), on request with the last hidden layer (B, d)."""
        x = x.flatten(1)
        for layer in self.hidden:
            x = self.dropout(layer(x).relu())
        logits = self.output(x)
        return (logits, x) if return_activations else logits

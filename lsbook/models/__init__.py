"""Networks by name."""

from __future__ import annotations

from torch import nn

from lsbook.models.conv1d import Conv1d
from lsbook.models.mlp import MLP
from lsbook.models.transformer import Transformer

_BUILDERS = {"mlp": MLP, "conv1d": Conv1d, "transformer": Transformer}


def build(name: str, **size) -> nn.Module:
    """The network called ``name``, its size given by keyword."""
    if name not in _BUILDERS:
        raise ValueError(f"No network is called {name!r}; there are {', '.join(_BUILDERS)}.")
    return _BUILDERS[name](**size)

"""Networks by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial

from torch import nn

from lsbook.models.alexnet import AlexNet
from lsbook.models.conv1d import Conv1d
from lsbook.models.count import mac_count, parameter_count
from lsbook.models.inception import InceptionV4
from lsbook.models.mlp import MLP
from lsbook.models.resnet import ResNet
from lsbook.models.resnet9 import ResNet9
from lsbook.models.transformer import Transformer

__all__ = ["build", "class_count", "mac_count", "parameter_count"]

_BUILDERS: dict[str, Callable[..., nn.Module]] = {
    "mlp": MLP,
    "conv1d": Conv1d,
    "alexnet": AlexNet,
    "resnet8": partial(ResNet, 8),
    "resnet20": partial(ResNet, 20),
    "resnet56": partial(ResNet, 56),
    "resnet9": ResNet9,
    "inception-v4": InceptionV4,
    "transformer": Transformer,
}
NAMES = tuple(_BUILDERS)
_COUNTS = (
    "inputs", "hidden", "classes", "width", "widths", "stride", "layers", "vocab", "d_model",
    "heads", "d_ff", "side", "channels", "dense",
)


def build(name: str, **size) -> nn.Module:
    """The network called ``name``, its size given by keyword.

    Initial weights come from torch's global generator.

    Raises
    ------
    ValueError
        If there is no such network, or it takes no such size; the message says what there is.
    """
    if name not in _BUILDERS:
        raise ValueError(f"No network is called {name!r}; there are {', '.join(_BUILDERS)}.")
    builder = _BUILDERS[name]
    signature = inspect.signature(builder)
    try:
        signature.bind(**size)
    except TypeError as error:
        raise ValueError(f"{name} takes {', '.join(signature.parameters)}: {error}.") from None
    for key in _COUNTS:
        value = size.get(key, 1)
        counts = value if isinstance(value, (tuple, list)) else (value,)
        if not all(isinstance(count, int) and count >= 1 for count in counts):
            raise ValueError(f"{key} of {name} must be whole and at least 1; got {value!r}.")
    return builder(**size)


def class_count(name: str, **size) -> int:
    """How many classes a network of images that `build` makes of these tells apart."""
    return size.get("classes") or inspect.signature(_BUILDERS[name]).parameters["classes"].default

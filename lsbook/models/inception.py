"""Inception-v4 (Szegedy et al. 2017), from timm."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from torch import Tensor, nn

from lsbook.data.vision import import_torchvision
from lsbook.models.mlp import Templates


class InceptionV4(Templates, nn.Module):
    """timm's Inception-v4: 42,679,816 parameters for 1000 classes, 1536 features.

    It takes images of 299×299; ``small`` is for 64×64 and starts with stride 1 instead of 2, so
    that its three stages see 13×13, 6×6 and 2×2 pixels; the parameters are the same.

    Raises
    ------
    ImportError
        If timm is not installed.
    """

    def __init__(self, classes: int = 1000, small: bool = False):
        super().__init__()
        body = _timm().create_model("inception_v4", pretrained=False, num_classes=classes)
        output, body.last_linear = body.last_linear, nn.Identity()
        self.body = body
        self.output = output
        if small:
            body.features[0].conv.stride = (1, 1)

    def forward(
        self, x: Tensor, return_activations: bool = False
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Logits (B, K) of images (B, 3, H, W), on request with the pooled features (B, 1536)."""
        pooled = self.body(x)
        logits = self.output(pooled)
        return (logits, pooled) if return_activations else logits


def _timm() -> ModuleType:
    if find_spec("timm") is None:
        raise ImportError("Inception-v4 needs timm: pip install lsbook[inception].")
    import_torchvision()  # timm imports torchvision, which needs this door beside a CPU-only torch
    return import_module("timm")

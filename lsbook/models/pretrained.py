"""Published ImageNet networks, trained with hard and with smoothed targets.

ResNet-50 has two sets of weights in torchvision: V1 from hard targets (76.13 % top-1) and V2 from
α = 0.1 (80.86 %). V2 changes far more than the targets (600 epochs, cosine schedule, mixup,
CutMix, random erasing, weight averaging), so what differs between the two is no effect of
smoothing alone. Inception-v4, the paper's network, comes from timm; nothing published says
whether its weights saw smoothed targets.

Weights are safetensors files from the Hugging Face hub, or files given by hand; `convert` makes one
of a state dict that PyTorch saved.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from lsbook.data import DataError, Images, load_images
from lsbook.data.pictures import View
from lsbook.data.vision import import_torchvision
from lsbook.models.inception import InceptionV4
from lsbook.models.mlp import Templates

WEIGHTS = "model.safetensors"


class ResNet50(Templates, nn.Module):
    """torchvision's ResNet-50 for 1000 classes: 25,557,032 parameters, 2048 features."""

    def __init__(self):
        super().__init__()
        import_torchvision()
        from torchvision.models import resnet50

        self.body = resnet50(weights=None)
        self.output, self.body.fc = self.body.fc, nn.Identity()

    def forward(
        self, x: Tensor, return_activations: bool = False
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Logits (B, K) of images (B, 3, H, W), on request with the pooled features (B, 2048)."""
        pooled = self.body(x)
        logits = self.output(pooled)
        return (logits, pooled) if return_activations else logits


@dataclass(frozen=True)
class Published:
    """A network, where its weights are, and how it sees a picture.

    ``last`` is what the weights' file calls the last layer; ``mean`` and ``std`` are per channel
    of pixels in [0, 1]; ``revision`` is the commit of the hub's repository.
    """

    network: Callable[[], nn.Module]
    hub: str
    last: str
    view: View
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    revision: str = "main"


NETWORKS = {
    "resnet50-v1": Published(
        ResNet50, "timm/resnet50.tv_in1k", "fc", View(256, 224),
        revision="78f3ecfdb38e06d9b8397f662e7ab8fee96026fa",
    ),
    "resnet50-v2": Published(ResNet50, "timm/resnet50.tv2_in1k", "fc", View(232, 224)),
    "inception-v4": Published(
        InceptionV4, "timm/inception_v4.tf_in1k", "last_linear", View(341, 299, "bicubic"),
        mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5),
    ),
}


def load(name: str, weights: str | Path | None = None) -> nn.Module:
    """The network called ``name`` in evaluation mode, with its published weights.

    It keeps the classifiers' contract: ``model(x, return_activations=True)`` and ``templates()``.

    Parameters
    ----------
    name
        "resnet50-v1" (hard targets), "resnet50-v2" (α = 0.1, among much else) or "inception-v4".
    weights
        A safetensors file with the names of torchvision's or timm's network, for instance from
        `convert`; by default the one on the Hugging Face hub, which is kept in its cache.

    Raises
    ------
    ValueError
        If there is no such network.
    DataError
        If weights cannot be had or are not of this network; the message says what to do.
    ImportError
        If the network's library is not installed.
    """
    published = _published(name)
    path = _from_hub(published) if weights is None else _path(weights, "weights")
    model = published.network()
    try:
        stored = load_file(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}.") from error
    except SafetensorError as error:
        line = f"from lsbook.models.pretrained import convert; convert({str(path)!r})"
        raise DataError(
            f"{path} cannot be read as safetensors. If it is a state dict that PyTorch saved, "
            f'convert it:\n  {sys.executable} -c "{line}"'
        ) from error
    _fill(model, stored, published, f"{path} does not hold the weights of {name}")
    return model.eval()


def convert(path: str | Path) -> Path:
    """Write the state dict in ``path``, saved by PyTorch, beside it as safetensors.

    It may lie under "state_dict" or "model" in a checkpoint and come from a data-parallel network.
    Tensors and plain containers alone are read: nothing in the file is run.

    Returns
    -------
    Path
        Of the new file, which `load` takes.

    Raises
    ------
    DataError
        If the file cannot be read, or holds anything else.
    """
    path = _path(path, "path")
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}.") from error
    except Exception as error:  # a damaged file can raise anything
        raise DataError(
            f"{path} holds more than tensors, or nothing that PyTorch saved. Where the network "
            "comes from, save its model.state_dict() alone."
        ) from error
    for key in ("state_dict", "model"):
        stored = stored.get(key, stored) if isinstance(stored, dict) else stored
    if not (stored and isinstance(stored, dict) and all(map(torch.is_tensor, stored.values()))):
        raise DataError(f"{path} holds no state dict, that is, names with a tensor each.")
    target = path.with_suffix(".safetensors")
    # Copied, since safetensors takes no two names for one memory.
    save_file(
        {key.removeprefix("module."): v.clone().contiguous() for key, v in stored.items()}, target
    )
    return target


def _fill(model: nn.Module, stored: dict[str, Tensor], published: Published, file: str) -> None:
    """Load ``stored``, named as in its file, or tell in two lines what is wrong with it."""
    wanted = {_in_file(key, published.last): value for key, value in model.state_dict().items()}
    counters = "num_batches_tracked"  # old files lack them, and evaluation does without
    faults = {
        "missing": [key for key in wanted if key not in stored and not key.endswith(counters)],
        "unknown": [key for key in stored if key not in wanted],
        "of another shape": [
            f"{key} {tuple(stored[key].shape)} for {tuple(value.shape)}"
            for key, value in wanted.items()
            if key in stored and stored[key].shape != value.shape
        ],
    }
    told = [f"{len(keys)} {fault}, first {keys[0]}" for fault, keys in faults.items() if keys]
    if told:
        raise DataError(f"{file}:\n  {'; '.join(told)}.")
    for key, value in wanted.items():
        if key in stored:
            value.copy_(stored[key])


def imagenet(name: str, root: str | Path, only: Sequence[str] | None = None) -> Images:
    """ImageNet's folder ``root`` as the network called ``name`` was evaluated on it.

    Parameters
    ----------
    root
        Holds ``train/CLASS/*`` and ``val/CLASS/*`` for all thousand classes; their order numbers
        them.
    only
        The class folders (n01443537, ...) to read; all pictures lie in memory, so name a few.
    """
    published = _published(name)
    images = load_images("imagefolder", root=root, only=only, view=published.view)
    mean, std = (255 * torch.tensor(v)[:, None, None] for v in (published.mean, published.std))
    return dataclasses.replace(images, mean=mean, std=std)


def _published(name: str) -> Published:
    if name not in NETWORKS:
        raise ValueError(f"No network is called {name!r}; there are {', '.join(NETWORKS)}.")
    return NETWORKS[name]


def _in_file(key: str, last: str) -> str:
    """What the file calls the parameter that the network here calls ``key``."""
    part, _, rest = key.partition(".")
    return f"{last}.{rest}" if part == "output" else rest


def _from_hub(published: Published) -> Path:
    repository, revision = published.hub, published.revision
    by_hand = (
        f"Fetch https://huggingface.co/{repository}/resolve/{revision}/{WEIGHTS} by other means and "
        "give its path as weights."
    )
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ImportError as error:
        raise DataError(f"Weights come through huggingface_hub: install it. {by_hand}") from error
    try:
        return Path(hf_hub_download(repository, WEIGHTS, revision=revision))
    except (OSError, HfHubHTTPError, LocalEntryNotFoundError) as error:
        raise DataError(f"{repository} is out of reach ({error}). {by_hand}") from error


def _path(given: str | Path, name: str) -> Path:
    try:
        return Path(given)
    except TypeError:
        raise TypeError(f"{name} must be a path; got {given!r:.40}.") from None

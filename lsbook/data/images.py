"""Image sets behind one function: `load_images`."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lsbook.data import folders, lab, store
from lsbook.data.pictures import View
from lsbook.validation import check_seed

_PARTS = ("train_x", "train_y", "val_x", "val_y", "test_x", "test_y")
NAMES = ("mnist1d", "digits", "mnist", "cifar10", "cifar100", "tinyimagenet", "imagefolder")
_DIGITS = tuple("0123456789")
_FOLDER = re.compile(r"imagefolder(/\w[\w.-]*)?")


@dataclass(frozen=True, eq=False)
class Images:
    """A labelled image set, split and ready to move to a device.

    Attributes
    ----------
    train_x, val_x, test_x
        Signals (N, L) in float32, or raw pixels (N, C, H, W) in uint8; `normalise` is applied to
        batches. ``test_x`` and ``test_y`` are None where the set has two parts only.
    train_y, val_y, test_y
        Classes (N,) in int64.
    classes
        Names of the K classes.
    mean, std
        Of the training pixels per channel, (C, 1, 1), in the units of the pixels; 0 and 1 for
        signals, which are standardised already.
    content_hash
        SHA-256 of all arrays, in hexadecimal.
    """

    name: str
    train_x: Tensor
    train_y: Tensor
    val_x: Tensor
    val_y: Tensor
    test_x: Tensor | None
    test_y: Tensor | None
    classes: tuple[str, ...]
    mean: Tensor
    std: Tensor
    content_hash: str

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one example: (L,) or (C, H, W)."""
        return tuple(self.train_x.shape[1:])

    def part(self, fraction: float) -> Images:
        """The same set with the first ``fraction`` of the training images; the rest unchanged.

        Raises
        ------
        ValueError
            If that is not one image.
        """
        count = int(len(self.train_y) * fraction)
        if count < 1:
            raise ValueError(f"train_fraction {fraction:g} leaves no image to train on.")
        return dataclasses.replace(
            self, train_x=self.train_x[:count], train_y=self.train_y[:count]
        )

    def whole(self) -> Images:
        """The same set with every image outside the test part for training, and that to validate.

        Raises
        ------
        ValueError
            If there is no test part.
        """
        if self.test_x is None:
            raise ValueError(f"{self.name} has no test images to validate on.")
        return dataclasses.replace(
            self,
            train_x=torch.cat([self.train_x, self.val_x]),
            train_y=torch.cat([self.train_y, self.val_y]),
            val_x=self.test_x,
            val_y=self.test_y,
            test_x=None,
            test_y=None,
        )

    def pooled(self, factor: int) -> Images:
        """The same set with each ``factor`` × ``factor`` block of pixels as its rounded mean.

        Raises
        ------
        ValueError
            If the sides are no multiples of ``factor``.
        """
        if factor == 1:
            return self
        if any(side % factor for side in self.shape[-2:]):
            raise ValueError(f"pool must divide the sides {self.shape[-2:]}; got {factor}.")
        parts = {
            name: _means(x, factor)
            for name in ("train_x", "val_x", "test_x")
            if (x := getattr(self, name)) is not None
        }
        mean, std = _channel_statistics(parts["train_x"].numpy())
        return dataclasses.replace(self, mean=mean, std=std, **parts)

    def normalise(self, x: Tensor) -> Tensor:
        """Return float32 ``x`` (..., C, H, W) with mean 0 and deviation 1, on its device."""
        return (x.float() - self.mean.to(x.device)) / self.std.to(x.device)


def load_images(
    name: str,
    *,
    seed: int = 0,
    root: str | Path | None = None,
    download: bool = False,
    only: Sequence[str] | None = None,
    view: View | None = None,
) -> Images:
    """Load an image set by name.

    Parameters
    ----------
    name
        "mnist1d" or "digits", which need no files; "cifar10", "cifar100", "mnist",
        "tinyimagenet"; or "imagefolder/NAME", a folder with ``train/CLASS/*`` and ``val/CLASS/*``
        in the data directory, where "imagefolder" is that directory itself.
    seed
        Of the split into training and validation part; of the generator for "mnist1d".
    root
        Data directory, `data_dir` if None.
    download
        Fetch missing files where the set has a public source.
    only, view
        Of a folder: the classes to read, and how pictures are brought to one size.

    Raises
    ------
    ValueError
        If ``name`` is unknown, or ``seed`` no whole number from 0 up and below 2**32.
    DataError
        If files are missing, damaged or cannot be fetched; the message says what to do.
    """
    arrays, classes = _load(name, check_seed(seed), root, download, only, view)
    tensors = {k: torch.from_numpy(np.ascontiguousarray(v)) for k, v in arrays.items()}
    mean, std = _channel_statistics(arrays["train_x"])
    return Images(
        name=name,
        classes=classes,
        mean=mean,
        std=std,
        content_hash=_content_hash(arrays),
        **{part: tensors.get(part) for part in _PARTS},
    )


def is_name(name: str) -> bool:
    """Whether `load_images` knows ``name``, be its files there or not."""
    return name in NAMES or isinstance(name, str) and _FOLDER.fullmatch(name) is not None


def _means(x: Tensor, factor: int, chunk: int = 5000) -> Tensor:
    parts = (F.avg_pool2d(part.float(), factor).round().byte() for part in x.split(chunk))
    return torch.cat(list(parts))


def _channel_statistics(x: np.ndarray) -> tuple[Tensor, Tensor]:
    if x.ndim == 2:
        return torch.tensor(0.0), torch.tensor(1.0)
    # From the histogram of values: exact, and no float copy of the whole set.
    levels = np.arange(256.0)
    shares = np.stack([np.bincount(x[:, c].ravel(), minlength=256) for c in range(x.shape[1])])
    shares = shares / shares.sum(1, keepdims=True)
    mean = shares @ levels
    std = np.sqrt((shares * (levels - mean[:, None]) ** 2).sum(1))
    return tuple(torch.tensor(v, dtype=torch.float32)[:, None, None] for v in (mean, std))


def _content_hash(arrays: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for part in _PARTS:
        if part in arrays:
            array = np.ascontiguousarray(arrays[part])
            digest.update(f"{part} {array.dtype.str} {array.shape}".encode())
            digest.update(array)
    return digest.hexdigest()


def _load(
    name: str,
    seed: int,
    root: str | Path | None,
    download: bool,
    only: Sequence[str] | None,
    view: View | None,
) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    match name:
        case "mnist1d":
            return lab.mnist1d(seed), _DIGITS
        case "digits":
            return lab.digits(seed), _DIGITS
        case "mnist":
            return folders.mnist(seed, root, download)
        case "cifar10" | "cifar100":
            return folders.cifar(name, seed, root, download)
        case "tinyimagenet":
            return folders.tiny_imagenet(root)
    if not is_name(name):
        raise ValueError(
            f"Unknown image set {name!r}; choose one of {', '.join(NAMES)}, imagefolder/NAME.")
    folder = store.data_dir(root) / name.removeprefix("imagefolder").removeprefix("/")
    return folders.image_folder(folder, only, view)

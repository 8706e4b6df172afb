"""Images from files: torchvision's CIFAR and MNIST, and folders of pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from lsbook.data import store
from lsbook.data.store import DataError
from lsbook.data.vision import import_torchvision

if TYPE_CHECKING:
    from PIL.Image import Image

Arrays = dict[str, np.ndarray]
Named = tuple[Arrays, tuple[str, ...]]

VALIDATION = 10_000  # of the training images of CIFAR and MNIST; appendix A of the paper for CIFAR

_MNIST_MD5 = {
    "MNIST/raw/train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "MNIST/raw/train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "MNIST/raw/t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "MNIST/raw/t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
_TINY_IMAGENET = "tiny-imagenet-30"


@dataclass(frozen=True)
class View:
    """The square that a network is evaluated on: shorter side to ``resize``, central ``crop``."""

    resize: int
    crop: int
    interpolation: str = "bilinear"


def cifar(name: str, seed: int, root: str | Path | None, download: bool) -> Named:
    """Read CIFAR-10 or CIFAR-100 ("cifar10", "cifar100"): 40,000 + 10,000 + 10,000 images."""
    kind = getattr(import_torchvision().datasets, name.upper())
    batches = [*kind.train_list, *kind.test_list, (kind.meta["filename"], kind.meta["md5"])]
    files = {f"{kind.base_folder}/{file}": md5 for file, md5 in batches}

    def fetch(path: str, directory: Path) -> None:
        archive = store.fetch(directory / kind.filename, [kind.url], kind.tgz_md5)
        store.unpack(archive, directory)
        archive.unlink()

    # torchvision unpickles the batches: `ensure` has checked their md5 before, and it does again.
    directory = store.ensure(name, root, files, fetch, download)
    train, test = (kind(directory, train=part) for part in (True, False))
    images = [part.data.transpose(0, 3, 1, 2) for part in (train, test)]
    return _split(images, (train.targets, test.targets), seed), tuple(train.classes)


def mnist(seed: int, root: str | Path | None, download: bool) -> Named:
    """Read MNIST: 50,000 + 10,000 + 10,000 images of 28×28."""
    kind = import_torchvision().datasets.MNIST

    def fetch(path: str, directory: Path) -> None:
        urls = [f"{mirror}{Path(path).name}.gz" for mirror in kind.mirrors]
        store.fetch(directory / path, urls, _MNIST_MD5[path], gzipped=True)

    directory = store.ensure("mnist", root, _MNIST_MD5, fetch, download)
    train, test = (kind(directory, train=part) for part in (True, False))
    images = [part.data.numpy()[:, None] for part in (train, test)]
    return _split(images, (train.targets, test.targets), seed), tuple("0123456789")


def tiny_imagenet(root: str | Path | None) -> Named:
    """Read ``tiny-imagenet-30``, 30 classes of Tiny ImageNet at 64×64, from the data directory."""
    directory = Path(root) if root is not None else store.data_dir()
    arrays, wnids = image_folder(directory / _TINY_IMAGENET)
    names = directory / _TINY_IMAGENET / "classes.txt"
    if not names.is_file():
        return arrays, wnids
    table = dict(line.split("\t", 1) for line in names.read_text("utf-8").splitlines() if line)
    return arrays, tuple(table.get(wnid, wnid).split(",")[0] for wnid in wnids)


def image_folder(
    root: str | Path | None, only: Sequence[str] | None = None, view: View | None = None
) -> Named:
    """Read ``train/CLASS/*`` and ``val/CLASS/*`` as RGB.

    Parameters
    ----------
    only
        Folders to read; the others keep their number and name, as ImageNet's thousand must.
    view
        How pictures are brought to one size; without it they must be of one.
    """
    if root is None:
        raise DataError('load_images("imagefolder") needs root, the folder with train/ and val/.')
    arrays: Arrays = {}
    classes: dict[str, tuple[str, ...]] = {}
    for part in ("train", "val"):
        folder = Path(root) / part
        if not folder.is_dir():
            raise DataError(
                f"No folder {folder}. Pictures are read from train/CLASS/* and val/CLASS/* in "
                f"{root}; there is no public download of them. Set LSBOOK_DATA or root."
            )
        arrays[f"{part}_x"], arrays[f"{part}_y"], classes[part] = _pictures(folder, only, view)
    if classes["train"] != classes["val"]:
        odd = sorted(set(classes["train"]) ^ set(classes["val"]))
        raise DataError(f"train/ and val/ in {root} differ in their classes: {', '.join(odd)}.")
    if arrays["train_x"].shape[1:] != arrays["val_x"].shape[1:]:
        raise DataError(
            f"train/ and val/ in {root} differ in image size; resize the pictures first.")
    return arrays, classes["train"]


def _pictures(
    folder: Path, only: Sequence[str] | None, view: View | None
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    torchvision = import_torchvision()
    try:
        listing = torchvision.datasets.ImageFolder(folder)
    except FileNotFoundError as error:
        raise DataError(f"No pictures in {folder}: {error}.") from error
    if unknown := sorted(set(only or ()) - set(listing.classes)):
        raise DataError(f"{folder} has no folder {', '.join(unknown)}.")
    chosen = {listing.class_to_idx[name] for name in only or listing.classes}
    samples = [sample for sample in listing.samples if sample[1] in chosen]
    square = _square(torchvision, view)
    pixels = None
    for i, (path, _) in enumerate(samples):
        try:
            picture = np.asarray(square(listing.loader(path)))
        except (OSError, ValueError, SyntaxError) as error:
            raise DataError(f"{path} is not a readable picture ({error}). Replace it.") from error
        if pixels is None:
            pixels = np.empty((len(samples), *picture.shape), np.uint8)
        if picture.shape != pixels.shape[1:]:
            raise DataError(
                f"{path} has {picture.shape[:2]} pixels, others {pixels.shape[1:3]}; resize the "
                "pictures to one size first."
            )
        pixels[i] = picture
    targets = np.array([target for _, target in samples])
    return pixels.transpose(0, 3, 1, 2), targets, tuple(listing.classes)


def _square(torchvision: ModuleType, view: View | None) -> Callable[[Image], Image]:
    if view is None:
        return lambda picture: picture
    v2 = torchvision.transforms.v2
    how = v2.InterpolationMode(view.interpolation)
    return v2.Compose([v2.Resize(view.resize, how), v2.CenterCrop(view.crop)])


def _split(images: list[np.ndarray], targets: tuple, seed: int) -> Arrays:
    """Cut the validation part from the training images by a permutation fixed by ``seed``."""
    train_y, test_y = (np.asarray(y, dtype=np.int64) for y in targets)
    order = np.random.RandomState(seed).permutation(len(train_y))
    train, val = order[:-VALIDATION], order[-VALIDATION:]
    return {
        "train_x": images[0][train],
        "train_y": train_y[train],
        "val_x": images[0][val],
        "val_y": train_y[val],
        "test_x": images[1],
        "test_y": test_y,
    }

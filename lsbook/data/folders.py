"""Images from files: torchvision's CIFAR and MNIST, and folders of pictures."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from lsbook.data import store
from lsbook.data.pictures import View, read_all
from lsbook.data.store import DataError
from lsbook.data.tiny_imagenet import CLASSES
from lsbook.data.vision import import_torchvision

Arrays = dict[str, np.ndarray]
Named = tuple[Arrays, tuple[str, ...]]
Sample = tuple[Path, int]

VALIDATION = 10_000  # of the training images of CIFAR and MNIST; appendix A of the paper for CIFAR

_MNIST_MD5 = {
    "MNIST/raw/train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "MNIST/raw/train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "MNIST/raw/t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "MNIST/raw/t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


def cifar(name: str, seed: int, root: str | Path | None, download: bool) -> Named:
    """Read CIFAR-10 or CIFAR-100 ("cifar10", "cifar100"): 40,000 + 10,000 + 10,000 images."""
    kind = getattr(import_torchvision().datasets, name.upper())
    batches = [*kind.train_list, *kind.test_list, (kind.meta["filename"], kind.meta["md5"])]
    files = {f"{kind.base_folder}/{file}": md5 for file, md5 in batches}

    def fetch(path: str, directory: Path) -> None:
        archive = directory / kind.filename
        by_hand = archive.exists()
        store.unpack(store.fetch(archive, [kind.url], kind.tgz_md5), directory)
        if not by_hand:
            archive.unlink(missing_ok=True)

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
    """Read the 30 `CLASSES` of Tiny ImageNet at 64×64 from the data directory.

    They lie in ``tiny-imagenet-30`` as a folder of pictures, or in ``tiny-imagenet-200`` as the
    whole set is published; both give the same arrays.
    """
    directory = store.data_dir(root)
    ours, published = directory / "tiny-imagenet-30", directory / "tiny-imagenet-200"
    if ours.is_dir() or not published.is_dir():
        arrays, found = image_folder(ours)
        if found != tuple(CLASSES):
            odd = ", ".join(sorted(set(found) ^ set(CLASSES)))
            raise DataError(
                f"{ours} must hold the classes of lsbook.data.tiny_imagenet; not {odd}.")
    else:
        train, val = _in_folders(published / "train", CLASSES), _annotated(published / "val")
        arrays = _arrays({"train": train, "val": val})
    return arrays, tuple(CLASSES.values())


def image_folder(
    root: Path, only: Sequence[str] | None = None, view: View | None = None
) -> Named:
    """Read ``train/CLASS/*`` and ``val/CLASS/*`` as RGB; names that begin with a dot are skipped.

    Parameters
    ----------
    only
        Folders to read; the others keep their number and name, as ImageNet's thousand must.
    view
        How pictures are brought to one size; without it they must be of one.
    """
    folders = {part: root / part for part in ("train", "val")}
    classes = {part: _visible_folders(folder) for part, folder in folders.items()}
    if classes["train"] != classes["val"]:
        odd = sorted(set(classes["train"]) ^ set(classes["val"]))
        raise DataError(f"train/ and val/ in {root} differ in their classes: {', '.join(odd)}.")
    if unknown := sorted(set(only or ()) - set(classes["train"])):
        raise DataError(f"{folders['train']} has no folder {', '.join(unknown)}.")
    samples = {part: _in_folders(folders[part], classes[part], only) for part in folders}
    return _arrays(samples, view), classes["train"]


def _visible_folders(folder: Path) -> tuple[str, ...]:
    if not folder.is_dir():
        raise DataError(
            f"No folder {folder}. Pictures are read from train/CLASS/* and val/CLASS/* in "
            f"{folder.parent}; there is no public download of them. Set LSBOOK_DATA or root."
        )
    names = [path.name for path in folder.iterdir() if path.is_dir() and path.name[0] != "."]
    if not names:
        raise DataError(f"{folder} holds no folders; it must have one for each class.")
    return tuple(sorted(names))


def _in_folders(
    folder: Path, classes: Collection[str], only: Collection[str] | None = None
) -> list[Sample]:
    """The pictures of each class anywhere in its folder, in the order torchvision lists them."""
    endings = import_torchvision().datasets.folder.IMG_EXTENSIONS
    samples = []
    for number, name in enumerate(classes):
        if only and name not in only:
            continue
        found = [
            Path(path, file)
            for path, _, files in sorted(os.walk(folder / name, followlinks=True))
            for file in sorted(files)
            if file.lower().endswith(endings)
        ]
        found = [p for p in found if not any(n[0] == "." for n in p.relative_to(folder).parts)]
        if not found:
            raise DataError(f"No pictures in {folder / name}; they end in {', '.join(endings)}.")
        samples += [(path, number) for path in found]
    return samples


def _annotated(folder: Path) -> list[Sample]:
    """Tiny ImageNet's validation pictures of `CLASSES`, which lie together, as in their folders."""
    table = folder / "val_annotations.txt"
    try:
        rows = [line.split("\t")[:2] for line in table.read_text("utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{table} cannot be read ({error}). Unpack tiny-imagenet-200.zip again.") from error
    numbers = {wnid: number for number, wnid in enumerate(CLASSES)}
    chosen = sorted((numbers[row[1]], row[0]) for row in rows if row[1:] and row[1] in numbers)
    return [(folder / "images" / file, number) for number, file in chosen]


def _arrays(samples: Mapping[str, list[Sample]], view: View | None = None) -> Arrays:
    arrays = {}
    for part, pairs in samples.items():
        arrays[f"{part}_x"] = read_all([path for path, _ in pairs], view)
        arrays[f"{part}_y"] = np.array([number for _, number in pairs])
    sizes = [arrays[f"{part}_x"].shape[2:] for part in samples]
    if len(set(sizes)) > 1:
        raise DataError(
            f"train/ and val/ differ in image size, {sizes[0]} and {sizes[1]}; resize the "
            "pictures first."
        )
    return arrays


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

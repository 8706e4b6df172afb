"""Pictures from files, as 8-bit RGB of one size."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lsbook.data.store import DataError
from lsbook.data.vision import import_torchvision

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True)
class View:
    """The square that a network is evaluated on: shorter side to ``resize``, central ``crop``."""

    resize: int
    crop: int
    interpolation: str = "bilinear"

    def __call__(self, picture: Image) -> Image:
        v2 = import_torchvision().transforms.v2
        how = v2.InterpolationMode(self.interpolation)
        return v2.Compose([v2.Resize(self.resize, how), v2.CenterCrop(self.crop)])(picture)


def read_all(paths: Sequence[Path], view: View | None = None) -> np.ndarray:
    """Pixels (N, 3, H, W) in uint8 of the pictures at ``paths``, brought to one size by ``view``.

    Raises
    ------
    DataError
        If one is no picture, has more than 16 bits a pixel and channel, more pixels than
        ``PIL.Image.MAX_IMAGE_PIXELS``, or another size than the others; the message names it.
    """
    pixels = None
    for i, path in enumerate(paths):
        picture = np.asarray(view(read(path)) if view else read(path))
        if pixels is None:
            pixels = np.empty((len(paths), *picture.shape), np.uint8)
        if picture.shape != pixels.shape[1:]:
            raise DataError(
                f"{path} has {picture.shape[:2]} pixels, others {pixels.shape[1:3]}; resize the "
                "pictures to one size first."
            )
        pixels[i] = picture
    return pixels.transpose(0, 3, 1, 2)


def read(path: Path) -> Image:
    """The picture at ``path`` as 8-bit RGB: 16 bits are scaled, what is transparent shows white."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as picture:
                return _rgb(picture)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise DataError(
            f"{path} claims more than {Image.MAX_IMAGE_PIXELS:,} pixels and was not opened. Remove "
            "it, or raise PIL.Image.MAX_IMAGE_PIXELS if you trust it."
        ) from error
    except Exception as error:  # a damaged file can raise anything in its decoder
        raise DataError(f"{path} is not a readable picture ({error}). Replace it.") from error


def _rgb(picture: Image) -> Image:
    from PIL import Image

    # Pillow gives 16-bit grey as I;16, from PGM and in old versions from PNG as I; converting
    # either cuts off at 255.
    if picture.mode.startswith("I;16") or picture.mode == "I" and picture.format in ("PNG", "PPM"):
        return Image.fromarray(np.rint(np.asarray(picture) / 257).astype(np.uint8)).convert("RGB")
    if picture.mode in ("I", "F"):
        raise ValueError("it has 32 bits a pixel; save it with 8 or 16")
    if "transparency" in picture.info or picture.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
        white = Image.new("RGBA", picture.size, "white")
        white.alpha_composite(picture.convert("RGBA"))
        picture = white
    return picture.convert("RGB")

"""Data: image sets, parallel text and augmentation."""

from lsbook.data.augment import apply, augment, centre, draw
from lsbook.data.images import Images, load_images

__all__ = ["Images", "apply", "augment", "centre", "draw", "load_images"]

"""Data: image sets, parallel text and augmentation."""

from lsbook.data.augment import apply, augment, centre, draw
from lsbook.data.grammar import Grammar
from lsbook.data.images import Images, load_images
from lsbook.data.store import DataError, data_dir
from lsbook.data.text import Text, load_text

__all__ = [
    "DataError",
    "Grammar",
    "Images",
    "Text",
    "apply",
    "augment",
    "centre",
    "data_dir",
    "draw",
    "load_images",
    "load_text",
]

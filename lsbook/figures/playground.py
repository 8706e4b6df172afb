"""The signals that the playground trains on: MNIST-1D, quantised; ``python -m`` writes them."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
from torch import Tensor

from lsbook.data import load_images

TRAINED = 3000
FILE = Path(__file__).parents[2] / "book" / "_static" / "playground" / "data.js"


def packed() -> dict:
    """MNIST-1D for the browser: 3,000 training and 1,000 validation signals of 40 points.

    Returns
    -------
    dict
        ``scale``, the unit of one int8 level; ``length``; and ``train`` and ``val``, each with
        ``signals``, the levels row by row in base64, and ``classes``, a digit a signal.
    """
    images = load_images("mnist1d")
    scale = float(np.float32(images.train_x.abs().max() / 127))
    return {
        "length": images.train_x.shape[1],
        "scale": scale,
        "train": _part(images.train_x[:TRAINED], images.train_y[:TRAINED], scale),
        "val": _part(images.val_x, images.val_y, scale),
    }


def script(data: dict) -> str:
    """``data`` as a script that pages and node both read."""
    return (
        f"const lsMnist1d = {json.dumps(data, separators=(',', ':'))};\n"
        'if (typeof module !== "undefined") module.exports = lsMnist1d;\n'
    )


def _part(x: Tensor, y: Tensor, scale: float) -> dict[str, str]:
    levels = np.clip(np.rint(x.numpy() / scale), -127, 127).astype(np.int8)
    return {
        "signals": base64.b64encode(levels.tobytes()).decode(),
        "classes": "".join(str(int(label)) for label in y),
    }


if __name__ == "__main__":
    FILE.write_text(script(packed()))

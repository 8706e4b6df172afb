"""A run's arrays as a script that a page loads from anywhere, the file system included."""

from __future__ import annotations

import base64
import gzip
import importlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

LEVELS = 32767


def key(run: Any, kind: str) -> str:
    """Name of the evaluation of ``run`` that explorers of ``kind`` read."""
    return f"{run.recipe.hash}-{kind}"


def named(run: Any, kind: str) -> dict[str, Any]:
    """What a page is told of a run: ``alpha``, ``seed``, and the ``key`` of its evaluation."""
    return {"alpha": run.recipe.alpha, "seed": run.recipe.seed, "key": key(run, kind)}


def encode(name: str, arrays: Mapping[str, np.ndarray]) -> str:
    """A script that hands ``arrays`` to evaluations.js under ``name``.

    Integers (at most 16 bits) and half-precision floats arrive as they are, other floats rounded to
    the nearest of 2 · 32767 + 1 levels, symmetric about 0, that reach the largest magnitude.

    Raises
    ------
    ValueError
        For values that are not finite, or integers that do not fit into 16 bits.
    """
    packed = {label: _packed(label, np.asarray(array)) for label, array in arrays.items()}
    return f"lsEvaluations.arrived({json.dumps(name)}, {json.dumps(packed)});\n"


def arrays(run: Any, kind: str) -> Mapping[str, np.ndarray]:
    """What explorers of ``kind`` read of ``run``."""
    return importlib.import_module(f"lsbook.explore.{kind}").arrays(run)


def write(run: Any, kind: str, folder: Path) -> Path:
    """Write the evaluation of ``run`` for ``kind`` into ``folder``; whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{key(run, kind)}.js"
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(encode(path.stem, arrays(run, kind)))
    draft.replace(path)
    return path


def named_in(page: str) -> list[str]:
    """The evaluations that the explorers of an HTML page name, each once."""
    names = " ".join(re.findall(r'data-evaluations="([^"]*)"', page)).split()
    return list(dict.fromkeys(names))


def _packed(label: str, array: np.ndarray) -> dict[str, Any]:
    scale = 1.0
    if array.dtype == bool:
        array = array.astype(np.uint8)
    elif np.issubdtype(array.dtype, np.integer):
        array = _narrow(label, array)
    elif not np.isfinite(array).all():
        raise ValueError(f"{label} holds values that are not finite; leave them out.")
    elif array.dtype != np.float16:
        scale = float(np.abs(array).max(initial=0)) / LEVELS or 1.0
        array = np.rint(array / scale).astype(np.int16)
    bytes_ = np.frombuffer(array.astype(array.dtype.newbyteorder("<")).tobytes(), np.uint8)
    # All low bytes, then all high ones: gzip finds more in like beside like.
    planes = bytes_.reshape(-1, array.itemsize).T.tobytes()
    data = base64.b64encode(gzip.compress(planes, 6, mtime=0)).decode()
    return {"type": array.dtype.name, "shape": array.shape, "scale": scale, "data": data}


def _narrow(label: str, array: np.ndarray) -> np.ndarray:
    least, most = array.min(initial=0), array.max(initial=0)
    for dtype in (np.uint8, np.int16):
        if np.iinfo(dtype).min <= least and most <= np.iinfo(dtype).max:
            return array.astype(dtype)
    raise ValueError(f"{label} holds integers from {least} to {most}; only 16 bits are shipped.")

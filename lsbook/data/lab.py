"""The embedded image sets: generated or bundled with a package, never downloaded."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

MNIST1D_SEED = 42  # that of the published data set


def mnist1d(seed: int = 0) -> dict[str, np.ndarray]:
    """Generate MNIST-1D (Greydanus & Kobak 2020): 4,000 + 1,000 signals of 40 points, 10 classes.

    ``seed`` 0 is the published data set; the global random states are left as they were.
    """
    from mnist1d.data import get_dataset_args, make_dataset

    args = get_dataset_args()
    args.seed = (MNIST1D_SEED + seed) % 2**32
    with _global_random_states_kept():
        made = make_dataset(args)
    return {
        "train_x": _signals(made["x"]),
        "train_y": made["y"].astype(np.int64),
        "val_x": _signals(made["x_test"]),
        "val_y": made["y_test"].astype(np.int64),
    }


def digits(seed: int = 0) -> dict[str, np.ndarray]:
    """Split scikit-learn's 1,797 handwritten digits, 8×8 pixels of 0 to 16, into 1,297 + 500.

    The split is stratified by class and fixed by ``seed``.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    x, y = load_digits(return_X_y=True)
    x = x.reshape(-1, 1, 8, 8).astype(np.uint8)
    train_x, val_x, train_y, val_y = train_test_split(
        x, y.astype(np.int64), test_size=500, stratify=y, random_state=seed
    )
    return {"train_x": train_x, "train_y": train_y, "val_x": val_x, "val_y": val_y}


def _signals(x: np.ndarray) -> np.ndarray:
    # Rounded so that last-bit differences between platforms do not change the content hash.
    return x.round(5).astype(np.float32)


@contextmanager
def _global_random_states_kept() -> Iterator[None]:
    numpy_state, python_state = np.random.get_state(), random.getstate()
    try:
        yield
    finally:
        np.random.set_state(numpy_state)
        random.setstate(python_state)

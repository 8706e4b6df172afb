"""Examples of a few classes out of a run, whether it kept all its classes or a chosen twenty.

A published run of a data set named in ``KEPT`` holds of its training examples those of the kept
classes alone, and of their logits the kept columns:

- ``shown_classes`` (20,) uint8: the kept classes, ascending, by their number in the data set;
- ``train_logits`` (n, 20): column j is the logit of class ``shown_classes[j]``;
- ``train_targets`` (n,): positions in ``shown_classes``, so that they index those columns.

``val_logits`` (N, K), ``val_targets`` and ``templates`` (K, d + 1) stay whole. Runs without
``shown_classes`` hold every class in ``train_logits`` too. `examples` reads both alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lsbook.runs.store import Run

KEPT = {
    "cifar100": (
        0, 2, 4, 8, 11, 13, 30, 35, 46, 47, 52, 53, 55, 56, 59, 69, 72, 95, 96, 98,
    ),
}
"""Of CIFAR-100: the five water mammals (beaver, dolphin, otter, seal, whale), the five trees
(maple, oak, palm, pine, willow), the five people (baby, boy, girl, man, woman), and apple, orange,
bicycle, bus and rocket: look-alikes, and classes that are nothing like them."""


def shown_classes(run: Run) -> np.ndarray:
    """The classes a published run keeps training examples of, ascending: a chosen few, or all."""
    kept = KEPT.get(run.recipe.dataset)
    return np.arange(run.arrays["val_logits"].shape[-1]) if kept is None else np.array(kept)


def examples(
    run: Run, part: str, classes: Sequence[int], most: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Logits of ``classes`` alone, of the examples of these classes.

    Parameters
    ----------
    run : Run
    part : str
        ``train`` or ``val``.
    classes : sequence of int
        Numbers of classes in the data set; the columns come in this order.
    most : int, optional
        At most so many examples a class, the first.

    Returns
    -------
    logits : array (n, len(classes))
    targets : array of int, (n,)
        Positions in ``classes``, ascending.

    Raises
    ------
    ValueError
        If the run keeps no examples of a class.
    """
    held = range(run.arrays["val_logits"].shape[-1])
    if part == "train" and "shown_classes" in run.arrays:
        held = run.arrays["shown_classes"].tolist()
    column = {label: j for j, label in enumerate(held)}
    if missing := [k for k in classes if k not in column]:
        raise ValueError(
            f"Run {run.recipe.hash} keeps no {part} examples of class {missing[0]}; choose among "
            f"{', '.join(map(str, column))}."
        )
    columns = [column[k] for k in classes]
    targets = run.arrays[f"{part}_targets"]
    rows = [np.flatnonzero(targets == j)[:most] for j in columns]
    logits = run.arrays[f"{part}_logits"][np.ix_(np.concatenate(rows), columns)]
    return logits, np.repeat(np.arange(len(columns)), [len(r) for r in rows])


def thinned(dataset: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """``arrays`` in the published layout: see the head of this module."""
    if dataset not in KEPT or "shown_classes" in arrays or "train_logits" not in arrays:
        return arrays
    kept = np.array(KEPT[dataset], dtype=np.uint8)
    targets = arrays["train_targets"]
    rows = np.flatnonzero(np.isin(targets, kept))
    return arrays | {
        "train_logits": arrays["train_logits"][np.ix_(rows, kept)],
        "train_targets": np.searchsorted(kept, targets[rows]).astype(np.uint8),
        "shown_classes": kept,
    }

"""How the classes find their places: a few examples and the templates at moments of a training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from torch import nn

from lsbook.data import Images
from lsbook.recipes import Recipe
from lsbook.training.evaluation import kept, predict, shown_examples

if TYPE_CHECKING:
    from lsbook.training.trace import Trace

EXAMPLES = 25  # of each class
MOMENTS = 8
MOST_CLASSES = 10


class Snapshots:
    """Logits of the first examples of each class, training and validation, as training goes on.

    Taken before the first epoch and then at intervals that grow by a constant factor; the end is
    not among them, the run itself records it. Data sets of more than ten classes have none.
    """

    def __init__(self, recipe: Recipe, images: Images, epochs: int):
        self.recipe, self.images = recipe, images
        K = len(images.classes)
        self.due = moments(epochs) if K <= MOST_CLASSES else []
        self.parts = {
            "train": images.train_x[shown_examples(images.train_y, K, EXAMPLES)],
            "val": images.val_x[shown_examples(images.val_y, K, EXAMPLES)],
        }

    def take(self, model: nn.Module, trace: Trace, epoch: int) -> None:
        """Add to ``trace`` what ``model`` says after ``epoch`` epochs, if this is a moment."""
        if epoch not in self.due:
            return
        w = model.templates().detach().cpu().double().numpy()
        logits = {
            f"snapshot_{part}_logits": kept(predict(model, self.images, x, self.recipe.augment))
            for part, x in self.parts.items()
        }
        trace.add(
            snapshot_epoch=epoch,
            snapshot_templates=rotated(w).astype(np.float32).tolist(),
            **{name: values.tolist() for name, values in logits.items()},
        )


def moments(epochs: int) -> list[int]:
    """Epochs to look at, of a training that lasts ``epochs``, without its end."""
    later = np.geomspace(1, epochs, MOMENTS).round().astype(int).tolist()
    return sorted({0, *later} - {epochs})


def rotated(templates: np.ndarray) -> np.ndarray:
    """Templates (K, K) with the inner products of ``templates`` (K, d): the same, turned."""
    return np.linalg.qr(templates.T, mode="r").T

"""The recorded path of a training: scores an epoch, and information on a clock of its own."""

from __future__ import annotations

import time

import numpy as np
from torch import Tensor

from lsbook.recipes import Recipe
from lsbook.training.deadline import check_deadline
from lsbook.training.evaluation import InformationProbe, scores


ARRAYS = {
    "mi_mean": np.float16,
    "mi_scored": np.float16,
    "snapshot_epoch": np.int16,
    "snapshot_templates": np.float32,
    "snapshot_train_logits": np.float16,
    "snapshot_val_logits": np.float16,
}


class Trace:
    """Collects the history of one run; `state` and `resume` carry it over an interruption."""

    def __init__(self, history: dict[str, list] | None = None, seconds: float = 0.0):
        self.history: dict[str, list] = history or {}
        self._started = time.monotonic() - seconds

    @classmethod
    def resume(cls, saved: dict | None) -> Trace:
        """The trace that `state` gave, or a new one."""
        return cls(saved["history"], saved.get("seconds", 0.0)) if saved else cls()

    @property
    def state(self) -> dict:
        """What a checkpoint keeps, as plain JSON values."""
        return {"history": self.history, "seconds": self.seconds}

    @property
    def seconds(self) -> float:
        """Time trained up to now, over all sessions."""
        return time.monotonic() - self._started

    @property
    def epochs(self) -> int:
        """Epochs trained up to the last one recorded."""
        return self.history["epoch"][-1] if "epoch" in self.history else 0

    def check_deadline(self, deadline: float | None) -> None:
        """Raise `OutOfTime` if what lies between two records does not fit, by the mean so far."""
        records = len(self.history.get("epoch", []))
        check_deadline(deadline, self.seconds / records if records else 0.0)

    def add(self, **values) -> None:
        """Append one value to each named list."""
        for name, value in values.items():
            self.history.setdefault(name, []).append(value)

    def add_epoch(
        self, epoch: int, step: int, loss: float, logits: Tensor, targets: Tensor
    ) -> None:
        """Record the mean training loss of an epoch and the validation scores after it."""
        self.add(epoch=epoch, step=step, train_loss=loss, **scores(logits, targets))

    def add_information(self, step: int, probe: InformationProbe, logits: Tensor) -> None:
        """Record both estimates, and mean and scored draw of each example."""
        estimates, mean, scored = probe.summary(logits)
        self.add(
            mi_step=step,
            mi_mean=mean.astype(np.float16).tolist(),
            mi_scored=scored.astype(np.float16).tolist(),
            **estimates,
        )

    def split(self) -> tuple[dict[str, list], dict[str, np.ndarray]]:
        """History of numbers, and what was recorded of single examples and templates as arrays.

        Their first axis counts the moments; see `add_information` and `Snapshots`.
        """
        history = dict(self.history)
        arrays = {
            name: np.array(history.pop(name), dtype=dtype)
            for name, dtype in ARRAYS.items()
            if name in history
        }
        return history, arrays


def information_is_due(recipe: Recipe, step: int) -> bool:
    """Whether the probe is read after ``step`` steps: at 0, every ``probe_every``, at the end."""
    if not recipe.probe_every:
        return False
    return step % recipe.probe_every == 0 or step == recipe.total_steps

"""Runs as tidy frames, what figures are drawn from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from lsbook.runs.store import Run


def metrics(runs: Iterable[Run]) -> pd.DataFrame:
    """One row a run: run, name, alpha, seed, scale, train_fraction, teacher_alpha and T (None
    without a teacher), then every metric."""
    return pd.DataFrame([_labels(run) | run.metrics for run in runs])


def history(runs: Iterable[Run], clock: str, quantities: Sequence[str]) -> pd.DataFrame:
    """One row a run and tick of ``clock`` (``epoch``, ``step``, ``mi_step``): ``quantities``."""
    frames = [
        pd.DataFrame({name: run.history[name] for name in (clock, *quantities)}).assign(
            **_labels(run)
        )
        for run in runs
    ]
    return pd.concat(frames, ignore_index=True)


def uncased_bleu(run: Run) -> float:
    """BLEU in lower case, as the paper gives it; the lab's sentences have no capitals to lower."""
    return run.metrics.get("bleu_lowercase", run.metrics["bleu"])


def _labels(run: Run) -> dict:
    recipe = run.recipe
    return {
        "run": recipe.hash,
        "name": recipe.name,
        "alpha": recipe.alpha,
        "seed": recipe.seed,
        "scale": recipe.scale,
        "train_fraction": recipe.train_fraction,
        "teacher_alpha": recipe.distil.teacher.alpha if recipe.distil else None,
        "T": recipe.distil.T if recipe.distil else None,
    }

"""Runs as tidy frames, what figures are drawn from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from lsbook.runs.store import Run


def metrics(runs: Iterable[Run]) -> pd.DataFrame:
    """One row a run: run, name, alpha, seed, scale, train_fraction, teacher_alpha and T (None
    without a teacher), then every metric."""
    return pd.DataFrame([_labels(run) | run.metrics for run in runs])


def means(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Columns ``names`` by α as means over the same seeds, so that the α can be ranked.

    They are the seeds that most hard and smoothed runs share; an α without one of them is left out.
    """
    by_alpha = frame.groupby("alpha")["seed"].agg(set)
    paired = (by_alpha[0.0] & seeds for seeds in by_alpha.drop(0.0))
    shared = max(paired, key=len, default=by_alpha[0.0])
    alphas = [alpha for alpha, seeds in by_alpha.items() if shared <= seeds]
    alike = frame[frame["alpha"].isin(alphas) & frame["seed"].isin(shared)]
    return alike.groupby("alpha")[list(names)].mean()


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

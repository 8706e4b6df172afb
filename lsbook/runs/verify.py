"""Recompute a run's metrics from what it keeps, and compare with what it recorded.

What only another training would tell is left: the history, snapshots on the way, and readings of
the mutual information. So is BLEU at temperatures other than 1, which takes hours of beam search.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lsbook.data import DataError, Images, Text
from lsbook.recipes import Recipe
from lsbook.runs.classes import thinned
from lsbook.runs.store import BrokenRun, Run, find
from lsbook.training import translation
from lsbook.training.data import images_of, text_of
from lsbook.training.device import keep_freed_memory, one_thread, to_device
from lsbook.training.evaluation import classifier_metrics, predict, record

Metrics = dict[str, float | None]

# Weights are kept in half precision, and CUDA evaluates in bfloat16.
ARRAY_TOLERANCE = 0.03
METRIC_TOLERANCE = 0.02
STEPS = {"ece": 0.005, "bleu": 0.5}  # absolute: a changed bin or word moves these by a step
STORED_TOLERANCE = 1e-4
TEXT_ARRAYS = ("curve_ece", "curve_nll", "plane_logits", "plane_templates")


@dataclass(frozen=True)
class Verdict:
    """What was found of one run.

    Attributes
    ----------
    wrong
        Each recorded thing that does not follow from what the run keeps.
    absent
        What is missing to compute from weights and data: "weights", "data" or "the same data".
    unchecked
        Names of the recorded metrics, and of a curve, that were not recomputed.
    """

    run: Run
    wrong: tuple[str, ...] = ()
    absent: str | None = None
    unchecked: tuple[str, ...] = ()


def verify(runs: Iterable[Run], device: torch.device) -> Iterator[Verdict]:
    """Each run's verdict; runs are taken by data set, so that each set is loaded once."""
    keep_freed_memory()
    data: Images | Text | None = None
    loaded = None
    for run in sorted(runs, key=lambda run: (run.recipe.dataset, run.recipe.name)):
        if run.has_weights and (wanted := _source(run.recipe)) != loaded:
            loaded, data = wanted, _load(run.recipe, device)
        try:
            with one_thread(device):
                verdict = _verdict(run, data, device)
        except (BrokenRun, ValueError) as error:  # a file, or numbers that are not finite
            verdict = Verdict(run, (str(error),))
        yield verdict


def _source(recipe: Recipe) -> tuple:
    """What decides which data a recipe is evaluated on."""
    which = recipe.split, recipe.split_seed, recipe.pool, recipe.train_fraction, recipe.sentences
    return recipe.dataset, *which


def _load(recipe: Recipe, device: torch.device) -> Images | Text | None:
    try:
        return text_of(recipe) if recipe.is_text else to_device(images_of(recipe), device)
    except DataError:
        return None


def _verdict(run: Run, data: Images | Text | None, device: torch.device) -> Verdict:
    kept = _from_arrays(run)
    wrong = [*_of_another_recipe(run), *_differing(run, kept, STORED_TOLERANCE, {})]
    metrics: Metrics = {}
    if (absent := _absent(run, data)) is None:
        from_weights = _text_from_weights if run.recipe.is_text else _images_from_weights
        metrics, arrays = from_weights(run, data, device)
        wrong += _differing(run, metrics, METRIC_TOLERANCE, STEPS)
        wrong += _differing_arrays(run, arrays)
    unchecked = run.metrics.keys() - kept.keys() - metrics.keys()
    if run.recipe.is_text:
        unchecked.add("curve_bleu")
    return Verdict(run, tuple(wrong), absent, tuple(sorted(unchecked)))


def _of_another_recipe(run: Run) -> Iterator[str]:
    """Fields of the manifest that are not those of the recipe."""
    recipe = run.recipe
    expected = {
        "run": recipe.hash,
        "name": recipe.name,
        "seed": recipe.seed,
        "scale": recipe.scale,
        "train_fraction": recipe.train_fraction,
        "steps": recipe.total_steps,
    }
    for name, value in expected.items():
        found = run.manifest.get(name, value)  # older ones have no train_fraction
        same = np.isclose(found, value) if isinstance(value, float) else found == value
        if not same:
            yield f"{name} is {found} in the manifest and {value} in the recipe"


def _absent(run: Run, data: Images | Text | None) -> str | None:
    if not run.has_weights:
        return "weights"
    if data is None:
        return "data"
    return None if data.content_hash == run.manifest["data_hash"] else "the same data"


def _from_arrays(run: Run) -> Metrics:
    """Metrics that follow from the stored arrays and the recipe alone."""
    arrays = run.arrays
    smoothing = {} if run.recipe.distil else {"gamma": run.recipe.alpha}
    if not run.recipe.is_text:
        return classifier_metrics(arrays) | smoothing
    metrics = translation.curve_metrics(arrays) | smoothing
    if "token_confidence" in arrays:
        at_one = arrays["token_confidence"][arrays["curve_T"] == 1][0]
        metrics["val_ece"] = translation.token_ece(at_one, arrays["token_correct"])
        metrics["val_accuracy"] = float(arrays["token_correct"].mean())
    return metrics


def _images_from_weights(
    run: Run, images: Images, device: torch.device
) -> tuple[Metrics, dict[str, np.ndarray]]:
    """What `record` says of the kept weights; without its teacher's, no gamma of a student."""
    recipe = run.recipe
    taught = _teacher_logits(recipe, images, device)
    metrics, arrays = record(recipe, run.model().to(device), images, taught)
    if recipe.distil and taught is None:
        del metrics["gamma"]
    return metrics, thinned(recipe.dataset, arrays) if "shown_classes" in run.arrays else arrays


def _teacher_logits(recipe: Recipe, images: Images, device: torch.device) -> Tensor | None:
    teacher = recipe.distil and find(recipe.distil.teacher)
    if not (teacher and teacher.has_weights):
        return None
    return predict(teacher.model().to(device), images, images.train_x, teacher.recipe.augment)


def _text_from_weights(
    run: Run, text: Text, device: torch.device
) -> tuple[Metrics, dict[str, np.ndarray]]:
    model = run.model().to(device)
    metrics, arrays = translation.on_tokens(run.recipe, model, text, device)
    search = translation.Search(model, text, device)
    metrics |= translation.on_test_sets(text, search)[0]
    # A run recorded before there were further test sets has no BLEU of theirs.
    metrics = {name: value for name, value in metrics.items() if name in run.metrics}
    return metrics, {name: arrays[name] for name in TEXT_ARRAYS}


def _differing(
    run: Run, expected: Metrics, tolerance: float, steps: dict[str, float]
) -> Iterator[str]:
    """Recorded metrics further from the expected ones than a relative ``tolerance`` or a step."""
    for name, value in expected.items():
        recorded = run.metrics.get(name)
        least = next((step for part, step in steps.items() if part in name), 1e-6)
        same = recorded == value or (
            None not in (recorded, value)
            and np.isclose(recorded, value, rtol=tolerance, atol=least)
        )
        if not same:
            yield f"{name} is recorded as {recorded} and comes out as {value}"


def _differing_arrays(run: Run, expected: dict[str, np.ndarray]) -> Iterator[str]:
    """Stored arrays that are not the expected ones: whole numbers exactly, others nearly."""
    for name in sorted(expected.keys() & run.arrays.keys()):
        stored, value = run.arrays[name], expected[name]
        whole = np.issubdtype(stored.dtype, np.integer)
        if stored.shape != value.shape or (whole and not np.array_equal(stored, value)):
            yield f"{name} differ"
        elif not whole:
            change = np.sqrt(np.square(value - stored).mean() / np.square(stored).mean())
            if not change <= ARRAY_TOLERANCE:
                yield f"{name} differ by {change:.1%} of their size"


def report(verdict: Verdict) -> str:
    """One line on a verdict."""
    recipe = verdict.run.recipe
    names = ", ".join(verdict.unchecked)
    if verdict.wrong:
        found = "DIFFERS: " + "; ".join(verdict.wrong)
    elif verdict.absent:
        found = f"follows from its arrays; unchecked, for want of {verdict.absent}: {names}"
    elif names:
        found = f"verified from weights and data, but for {names}"
    else:
        found = "verified from weights and data"
    cut = f"  scale {recipe.scale:.3g}" if recipe.scale != 1 else ""
    cut += f"  images {recipe.train_fraction:.3g}" if recipe.train_fraction != 1 else ""
    return f"{recipe.hash}  {recipe.name}  α={recipe.alpha:g}  seed {recipe.seed}{cut}  {found}"

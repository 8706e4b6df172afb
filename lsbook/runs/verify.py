"""Recompute a run's evaluations from what it keeps, and compare with what it recorded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from lsbook.data import DataError, Images, Text, load_images, load_text
from lsbook.estimators import calibration
from lsbook.estimators.translation import token_calibration
from lsbook.runs.classes import thinned
from lsbook.runs.store import BrokenRun, Run
from lsbook.training.device import to_device
from lsbook.training.evaluation import classifier_metrics, predict, shown_examples
from lsbook.training.sequence import by_length, pad

# Weights are kept in half precision, and CUDA evaluates in bfloat16.
LOGIT_TOLERANCE = 0.03
METRIC_TOLERANCE = 0.02
STORED_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Verdict:
    """What was found of one run.

    Attributes
    ----------
    wrong
        Each recorded thing that does not follow from what the run keeps.
    absent
        Why logits could not be recomputed: "weights" or "data" missing, or "same data"; else None.
    """

    run: Run
    wrong: tuple[str, ...] = ()
    absent: str | None = None


def verify(runs: Iterable[Run], device: torch.device) -> Iterator[Verdict]:
    """Each run's verdict; runs are taken by data set, so that each set is loaded once."""
    data: Images | Text | None = None
    loaded = None
    for run in sorted(runs, key=lambda run: (run.recipe.dataset, run.recipe.name)):
        if run.has_weights and run.recipe.dataset != loaded:
            loaded, data = run.recipe.dataset, _load(run.recipe.dataset, run.recipe.is_text, device)
        try:
            wrong = tuple(_against_arrays(run))
            absent = _absent(run, data)
            if absent is None:
                again = _text_again if run.recipe.is_text else _logits_again
                wrong += tuple(again(run, data, device))
        except BrokenRun as error:
            wrong, absent = (str(error),), None
        yield Verdict(run, wrong, absent)


def _load(name: str, is_text: bool, device: torch.device) -> Images | Text | None:
    try:
        return load_text(name) if is_text else to_device(load_images(name), device)
    except DataError:
        return None


def _absent(run: Run, data: Images | Text | None) -> str | None:
    if not run.has_weights:
        return "weights"
    if data is None:
        return "data"
    return None if data.content_hash == run.manifest["data_hash"] else "same data"


def _against_arrays(run: Run) -> Iterator[str]:
    """Recorded metrics that do not follow from the stored arrays."""
    if not run.recipe.is_text:
        expected = classifier_metrics(run.arrays)
    elif "token_confidence" in run.arrays:
        at_one = int(np.flatnonzero(run.arrays["curve_T"] == 1.0)[0])
        confidence = run.arrays["token_confidence"][at_one].astype(np.float64)
        expected = {"val_ece": calibration.reliability(confidence, run.arrays["token_correct"]).ece}
    else:
        expected = {}
    yield from _differing(run, expected, STORED_TOLERANCE)


def _logits_again(run: Run, images: Images, device: torch.device) -> Iterator[str]:
    """Logits of validation and training examples from weights and data, and their metrics."""
    model = run.model().to(device)
    logits = predict(model, images, images.val_x, run.recipe.augment).cpu().numpy()
    targets = images.val_y.cpu().numpy()
    yield from _differing_logits(run, "val", logits, targets)
    again = {
        "val_accuracy": calibration.accuracy(logits, targets),
        "val_nll": calibration.nll(logits, targets),
    }
    yield from _differing(run, again, METRIC_TOLERANCE)
    if "train_logits" in run.arrays:
        part = images.part(run.recipe.train_fraction)
        shown = shown_examples(part.train_y, len(images.classes))
        logits = predict(model, images, part.train_x[shown], run.recipe.augment).cpu().numpy()
        targets = part.train_y[shown].cpu().numpy()
        if "shown_classes" in run.arrays:
            alike = thinned(
                run.recipe.dataset, {"train_logits": logits, "train_targets": targets}
            )
            logits, targets = alike["train_logits"], alike["train_targets"]
        yield from _differing_logits(run, "train", logits, targets)


def _differing_logits(
    run: Run, part: str, logits: np.ndarray, targets: np.ndarray
) -> Iterator[str]:
    stored = run.arrays[f"{part}_logits"]
    if not np.array_equal(run.arrays[f"{part}_targets"], targets):
        yield f"{part}_targets differ"
        return
    change = np.sqrt(np.square(logits - stored).mean() / np.square(stored).mean())
    if not change <= LOGIT_TOLERANCE:
        yield f"{part}_logits differ by {change:.1%} of their size"


def _text_again(run: Run, text: Text, device: torch.device) -> Iterator[str]:
    """NLL and accuracy of the validation tokens from weights and text."""
    batches = [pad([text.val[i] for i in batch], device) for batch in by_length(text.val, 4096)]
    tokens = token_calibration(run.model().to(device), batches, T=1.0)
    again = {"val_nll": float(tokens.nll.mean()), "val_accuracy": float(tokens.correct.mean())}
    yield from _differing(run, again, METRIC_TOLERANCE)


def _differing(run: Run, expected: dict[str, float | None], tolerance: float) -> Iterator[str]:
    for name, value in expected.items():
        recorded = run.metrics.get(name)
        same = recorded == value or (
            None not in (recorded, value) and np.isclose(recorded, value, rtol=tolerance, atol=1e-6)
        )
        if not same:
            yield f"{name} is recorded as {recorded} and comes out as {value}"


def report(verdict: Verdict) -> str:
    """One line on a verdict."""
    recipe = verdict.run.recipe
    if verdict.wrong:
        found = "DIFFERS: " + "; ".join(verdict.wrong)
    elif verdict.absent:
        found = f"metrics follow from the arrays; not recomputed, for want of {verdict.absent}"
    else:
        found = "verified from weights and data"
    cut = f"  scale {recipe.scale:.3g}" if recipe.scale != 1 else ""
    cut += f"  images {recipe.train_fraction:.3g}" if recipe.train_fraction != 1 else ""
    return f"{recipe.hash}  {recipe.name}  α={recipe.alpha:g}  seed {recipe.seed}{cut}  {found}"

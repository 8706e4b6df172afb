"""What a trained classifier's run records: logits, templates, metrics and the path to them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from lsbook.data import Images
from lsbook.data.augment import augment, centre
from lsbook.estimators import calibration
from lsbook.estimators.information import from_draws
from lsbook.estimators.smoothness import gamma
from lsbook.estimators.temperature import fit_temperature
from lsbook.estimators.templates import geometry
from lsbook.recipes import Recipe
from lsbook.training.batches import generator

SHOWN_PER_CLASS = 100
MI_EXAMPLES = 600
MI_DRAWS = 5
MI_STREAM = 1
LEVELS_PER_SD = 128  # of kept logits: a coarse grid packs well
OF_A_COMPACT_STUDENT = 16  # there are many, and all that is shown of them is how often they are right


@torch.no_grad()
def predict(
    model: nn.Module,
    images: Images,
    x: Tensor,
    kind: str,
    *,
    activations: bool = False,
    batch: int = 1000,
) -> Tensor | tuple[Tensor, Tensor]:
    """Logits (N, K) of raw inputs ``x`` at the evaluation window of augmentation ``kind``.

    In full precision: bfloat16 is coarser than the clusters that smoothing makes. With
    ``activations=True`` also the penultimate activations (N, d).
    """
    model.eval()
    parts = []
    for part in x.split(batch):
        inputs = images.normalise(centre(part, kind))
        parts.append(model(inputs, return_activations=activations))
    if activations:
        logits, hidden = zip(*parts)
        return torch.cat(logits), torch.cat(hidden)
    return torch.cat(parts)


def scores(logits: Tensor, targets: Tensor) -> dict[str, float]:
    """Validation accuracy, NLL in nats and 15-bin ECE, named as the history names them."""
    logits, targets = logits.cpu().numpy(), targets.cpu().numpy()
    return {
        "val_accuracy": calibration.accuracy(logits, targets),
        "val_nll": calibration.nll(logits, targets),
        "val_ece": calibration.ece(logits, targets),
    }


class InformationProbe:
    """The logit differences behind Figure 6: N examples of two classes, L + 1 draws each."""

    def __init__(self, recipe: Recipe, images: Images):
        self.recipe, self.images = recipe, images
        first, second = recipe.mi_classes
        half = MI_EXAMPLES // 2
        self.index = torch.cat(
            [torch.nonzero(images.train_y == label).flatten()[:half] for label in (first, second)]
        )

    def inputs(self, step: int) -> Tensor:
        """Freshly augmented raw inputs (N·(L+1), ...), the draws of an example side by side."""
        x = self.images.train_x[self.index].repeat_interleave(MI_DRAWS + 1, 0)
        random = generator(self.recipe.seed, step, x.device, MI_STREAM)
        return augment(x, self.recipe.augment, random)

    def summary(self, logits: Tensor) -> tuple[dict[str, float], np.ndarray, np.ndarray]:
        """Both estimates in nats; mean and scored draw (N,) of each example's logit difference."""
        first, second = self.recipe.mi_classes
        y = (logits[:, first] - logits[:, second]).reshape(-1, MI_DRAWS + 1).cpu().numpy()
        estimates = {
            "mi_fresh": from_draws(y, form="fresh"),
            "mi_reused": from_draws(y[:, :-1], form="reused"),
        }
        return estimates, y[:, :-1].mean(1), y[:, -1]


def record(
    recipe: Recipe, model: nn.Module, images: Images, teacher_logits: Tensor | None
) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Metrics and evaluation arrays of a trained classifier.

    Templates and logits are kept in half precision, logits on a grid of at least 128 steps to their
    standard deviation, and the validation metrics are computed from what is kept, so that anybody
    gets the same numbers from the arrays. Train and test accuracy, the geometry and a student's
    gamma rest on what is not kept: every training and test example, the activations, the teacher's
    logits.
    ``teacher_logits`` (N, K) are the teacher's on the clean training set, for the equivalent
    smoothing gamma of a distilled student.
    """
    kind = recipe.augment
    train_logits, hidden = predict(model, images, images.train_x, kind, activations=True)
    val_logits = predict(model, images, images.val_x, kind)
    templates = model.templates().detach().cpu().numpy()
    shown = shown_examples(images.train_y, len(images.classes))
    arrays = {
        "val_logits": kept(val_logits, _levels(recipe)),
        "val_targets": _classes(images.val_y, len(images.classes)),
        "train_logits": kept(train_logits[shown]),
        "train_targets": _classes(images.train_y[shown], len(images.classes)),
        "templates": templates.astype(np.float16),
    }
    metrics = classifier_metrics(arrays)
    metrics["train_accuracy"] = calibration.accuracy(
        train_logits.cpu().numpy(), images.train_y.cpu().numpy()
    )
    if images.test_x is not None:
        test_logits = predict(model, images, images.test_x, kind)
        metrics["test_accuracy"] = calibration.accuracy(
            test_logits.cpu().numpy(), images.test_y.cpu().numpy()
        )
    plane = geometry(hidden.cpu().numpy(), images.train_y.cpu().numpy(), templates)
    for name in ("within_spread", "centre_distance", "ratio", "simplex_deviation", "nc1", "nc2"):
        metrics[name] = float(getattr(plane, name))
    if teacher_logits is None:
        metrics["gamma"] = recipe.alpha
    else:
        y = images.train_y.cpu().numpy()
        metrics["gamma"] = float(gamma(teacher_logits.cpu().numpy(), y, T=recipe.distil.T))
    return metrics, arrays


def classifier_metrics(arrays: dict[str, np.ndarray]) -> dict[str, float | None]:
    """The headline numbers that follow from a run's stored validation logits alone.

    The temperature is fitted by NLL on one half of the validation examples and used on the
    other, and the other way about; ``ece_at_optimal_T`` is over all examples so treated. Where a half
    has no finite best temperature these numbers are None.
    """
    logits, targets = (
        arrays["val_logits"].astype(np.float64),
        arrays["val_targets"].astype(np.int64),
    )
    metrics = {
        "val_accuracy": calibration.accuracy(logits, targets),
        "val_nll": calibration.nll(logits, targets),
        "val_ece": calibration.ece(logits, targets),
        "val_brier": calibration.brier(logits, targets),
        "optimal_T": None,
        "ece_at_optimal_T": None,
        "nll_at_optimal_T": None,
    }
    half = np.arange(len(targets)) % 2
    try:
        T = np.array([fit_temperature(logits[half == h], targets[half == h]).T for h in (0, 1)])
    except ValueError:
        return metrics
    scaled = logits / T[1 - half][:, None]
    return metrics | {
        "optimal_T": float(T.mean()),
        "ece_at_optimal_T": calibration.ece(scaled, targets),
        "nll_at_optimal_T": calibration.nll(scaled, targets),
    }


def shown_examples(targets: Tensor, classes: int, most: int = SHOWN_PER_CLASS) -> Tensor:
    """Indices of the first examples of each class, at most ``most``, in class order."""
    return torch.cat(
        [torch.nonzero(targets == label).flatten()[:most] for label in range(classes)]
    )


def kept(logits: Tensor, levels: int = LEVELS_PER_SD) -> np.ndarray:
    """Logits in half precision, on a grid of at least ``levels`` steps to their deviation."""
    z = logits.cpu().numpy()
    step = 2.0 ** np.floor(np.log2(z.std())) / levels
    return (np.rint(z / step) * step).astype(np.float16)


def _classes(targets: Tensor, K: int) -> np.ndarray:
    return targets.cpu().numpy().astype(np.min_scalar_type(K - 1))


def _levels(recipe: Recipe) -> int:
    return OF_A_COMPACT_STUDENT if recipe.name == "compact/student-cifar10" else LEVELS_PER_SD

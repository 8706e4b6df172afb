"""What a classifier's run records, against closed forms."""

import dataclasses

import numpy as np
import pytest
import torch

from lsbook.data.images import Images
from lsbook.recipes import Distil, Recipe
from lsbook.training.classifier import initial_model
from lsbook.training.evaluation import InformationProbe, record


def images(K, N=None):
    """``N`` signals of 6 points, one class after another."""
    random = torch.Generator().manual_seed(K)
    y = torch.arange(N or 2 * K) % K
    x = torch.randn(len(y), 6, generator=random)
    return Images(
        name="mnist1d", train_x=x, train_y=y, val_x=x, val_y=y, test_x=None, test_y=None,
        classes=tuple(map(str, range(K))), mean=torch.tensor(0.0), std=torch.tensor(1.0),
        content_hash="0" * 64,
    )


def recipe(K, **changes):
    size = (("inputs", 6), ("hidden", (5,)), ("classes", K))
    return Recipe(
        name="lab/x", dataset="mnist1d", model="mlp", size=size, steps=3, lr=0.1, **changes)


@pytest.mark.parametrize("K, dtype", [(3, np.uint8), (256, np.uint8), (257, np.uint16),
                                      (1000, np.uint16)])
def test_targets_are_as_wide_as_their_classes(K, dtype):
    data = images(K)
    _, arrays = record(recipe(K), initial_model(recipe(K)), data, None)
    for part, y in (("val", data.val_y), ("train", data.train_y.sort().values)):
        assert arrays[f"{part}_targets"].dtype == dtype
        assert arrays[f"{part}_targets"].tolist() == y.tolist()


@pytest.mark.parametrize("T", [0.5, 1.0, 2.0, 8.0])
def test_a_students_gamma_is_that_at_its_temperature(T):
    K, data = 4, images(4, 40)
    teacher = torch.randn(40, K, generator=torch.Generator().manual_seed(1)).double() * 3
    student = recipe(K, distil=Distil(teacher=recipe(K), T=T), alpha=0.3)
    metrics, _ = record(student, initial_model(student), data, teacher)
    z = np.exp(teacher.numpy() / T)
    p = z[np.arange(40), data.train_y] / z.sum(1)
    assert metrics["gamma"] == pytest.approx(K / (K - 1) * (1 - p).mean(), rel=1e-6)


@pytest.mark.parametrize("alpha", [0.0, 0.3])
def test_gamma_of_a_run_without_a_teacher_is_its_alpha(alpha):
    one = recipe(3, alpha=alpha)
    assert record(one, initial_model(one), images(3), None)[0]["gamma"] == alpha


@pytest.mark.parametrize("classes", [(0, 1), (2, 1), (3, 0)])
def test_the_information_probe_looks_at_the_recipes_two_classes(classes):
    data = images(4, 40)
    probe = InformationProbe(recipe(4, mi_classes=classes, mi_every=1), data)
    assert data.train_y[probe.index].tolist() == [classes[0]] * 10 + [classes[1]] * 10
    N, draws = len(probe.index), len(probe.inputs(0)) // len(probe.index)
    logits = torch.randn(N * draws, 4, generator=torch.Generator().manual_seed(2))
    _, mean, scored = probe.summary(logits)
    z = logits.numpy().reshape(N, draws, 4)
    y = z[..., classes[0]] - z[..., classes[1]]
    np.testing.assert_allclose(mean, y[:, :-1].mean(1), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(scored, y[:, -1], rtol=1e-5)


def test_scores_are_those_of_each_part():
    data = images(3, 30)
    random = torch.Generator().manual_seed(3)
    data = dataclasses.replace(
        data, val_y=torch.randint(3, (30,), generator=random),
        test_x=torch.randn(30, 6, generator=random),
        test_y=torch.randint(3, (30,), generator=random),
    )
    model = initial_model(recipe(3)).eval()
    metrics, _ = record(recipe(3), model, data, None)
    with torch.no_grad():
        for part in ("train", "val", "test"):
            x, y = getattr(data, f"{part}_x"), getattr(data, f"{part}_y")
            expected = (model(x).argmax(1) == y).double().mean().item()
            assert metrics[f"{part}_accuracy"] == pytest.approx(expected)
    assert len({metrics[f"{part}_accuracy"] for part in ("train", "val", "test")}) == 3

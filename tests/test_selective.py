"""Ranking of right above wrong predictions, against scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from lsbook.estimators.selective import (
    NORMS,
    auroc,
    choose_norm,
    confidence_score,
    normalised_max_logit,
)


@pytest.mark.parametrize("levels", [4, 10**6])
def test_auroc_is_that_of_scikit_learn(levels):
    rng = np.random.default_rng(0)
    score = rng.integers(levels, size=500) / levels
    correct = rng.random(500) < 0.3 + 0.5 * score
    assert auroc(score, correct) == pytest.approx(roc_auc_score(correct, score))


def test_auroc_of_known_orders():
    assert auroc(np.array([1.0, 2.0, 3.0]), [False, False, True]) == 1
    assert auroc(np.array([1.0, 1.0]), [False, True]) == 0.5


def test_auroc_needs_both_kinds():
    with pytest.raises(ValueError, match="right and wrong"):
        auroc(np.array([1.0, 2.0]), [True, True])


@pytest.mark.parametrize("call, message", [
    (lambda: auroc([1.0, 2.0, 3.0], [True, False]), r"one length; got shapes \(3,\) and \(2,\)"),
    (lambda: auroc([1.0, 2.0], [True, False, True]), "one length"),
    (lambda: auroc([[1.0, 2.0]], [[True, False]]), "one length"),
    (lambda: auroc([1.0, 2.0], [0.9, 0.0]), "only 0 and 1"),
    (lambda: auroc(None, [True]), "score must be an array"),
    (lambda: auroc([1.0, 2.0], None), "correct must be an array"),
    (lambda: auroc([1.0, 2.0], ["right", "wrong"]), "correct must be an array"),
    (lambda: normalised_max_logit(None), "logits must be an array"),
    (lambda: normalised_max_logit(np.zeros(3)), "K at least 2"),
    (lambda: normalised_max_logit(np.zeros((3, 1))), "K at least 2"),
])
def test_bad_input_says_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_normalised_logit_ignores_scale_and_shift():
    logits = np.random.default_rng(0).normal(size=(7, 5))
    assert normalised_max_logit(3 * logits + 2) == pytest.approx(normalised_max_logit(logits))
    # One class against K - 1 equal ones: sqrt((K - 1) / K).
    assert normalised_max_logit(np.eye(5)) == pytest.approx(np.full(5, np.sqrt(0.8)))


@pytest.mark.parametrize("p", NORMS)
def test_normalised_logit_of_any_norm_against_torch(p):
    logits = np.random.default_rng(p).normal(size=(6, 4))
    centred = torch.from_numpy(logits - logits.mean(1, keepdims=True))
    expected = centred.amax(1) if p == 0 else torch.nn.functional.normalize(centred, p).amax(1)
    assert normalised_max_logit(logits, p) == pytest.approx(expected.numpy())


def test_no_norm_is_negative():
    with pytest.raises(ValueError, match="p is the order of a norm"):
        normalised_max_logit(np.eye(3), -1)


def test_plain_confidence_orders_as_the_largest_probability():
    logits = 30 * np.random.default_rng(0).normal(size=(50, 4))
    largest = torch.from_numpy(logits).log_softmax(1).amax(1).numpy()
    assert confidence_score(logits, None) == pytest.approx(largest)


def test_the_norm_is_chosen_that_ranks_best_and_none_where_confidence_does():
    """Right predictions have one high logit, wrong ones two, at any scale: a norm tells them."""
    rng = np.random.default_rng(0)
    scale = rng.uniform(1, 10, (400, 1))
    shapes = np.array([[1.0, 0, 0, 0], [1.0, 0.8, 0, 0]])
    correct = np.arange(400) % 2 == 0
    logits = scale * shapes[np.where(correct, 0, 1)]
    p = choose_norm(logits, correct)
    assert p is not None and auroc(normalised_max_logit(logits, p), correct) == 1
    assert auroc(confidence_score(logits, None), correct) < 1
    sure = np.where(correct, 5, 1)[:, None] * shapes[0] + 0.01 * rng.normal(size=(400, 4))
    assert choose_norm(sure, correct) is None

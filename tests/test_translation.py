"""BLEU against sacrebleu, perplexity and token calibration against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sacrebleu
import torch
from torch import nn

from lsbook import models
from lsbook.estimators import translation
from lsbook.estimators.translation import bleu, perplexity, token_calibration

HYPOTHESES = [
    "Der Hund läuft über die Wiese.",
    "Ein Mann, der singt, steht da.",
    "zwei Kinder spielen",
]
REFERENCES = [
    "Der Hund rennt über die Wiese.",
    "Ein singender Mann steht da.",
    "Zwei Kinder spielen.",
]


@pytest.mark.parametrize("options", [{}, {"lowercase": True}, {"tokenize": "none"}])
def test_bleu_is_sacrebleus(options):
    for _ in range(2):
        expected = sacrebleu.corpus_bleu(HYPOTHESES, [REFERENCES], **options).score
        assert bleu(HYPOTHESES, REFERENCES, **options).score == pytest.approx(expected, abs=1e-9)
    backwards = bleu(HYPOTHESES[::-1], REFERENCES, **options).score
    assert backwards == pytest.approx(
        sacrebleu.corpus_bleu(HYPOTHESES[::-1], [REFERENCES], **options).score, abs=1e-9
    )


def test_bleu_says_how_it_was_computed():
    assert bleu(REFERENCES, REFERENCES).score == pytest.approx(100)
    cased, lower = bleu(HYPOTHESES, REFERENCES), bleu(HYPOTHESES, REFERENCES, lowercase=True)
    assert "case:mixed" in cased.signature and "tok:13a" in cased.signature
    assert "case:lc" in lower.signature and sacrebleu.__version__ in lower.signature
    assert lower.score > cased.score
    assert str(cased).startswith(f"{cased.score:.1f} (")


@pytest.mark.parametrize("hypotheses, references", [([], []), (["a"], ["a", "b"]), ("a", "a")])
def test_bleu_refuses_unequal_lists(hypotheses, references):
    with pytest.raises(ValueError):
        bleu(hypotheses, references)


def test_bleu_lists_the_tokenizers_there_are():
    with pytest.raises(ValueError, match="13a.*got 'words'"):
        bleu(REFERENCES, REFERENCES, tokenize="words")


def test_perplexity_of_a_uniform_guess_is_the_vocabulary():
    assert perplexity(torch.zeros(2, 3, 7), torch.ones(2, 3).long()) == pytest.approx(7)


def test_perplexity_is_exp_of_summed_nll_over_tokens(monkeypatch):
    torch.manual_seed(0)
    logits, targets = 3 * torch.randn(4, 6, 9), torch.randint(1, 9, (4, 6))
    targets[0, 2:] = targets[3, 5:] = 0
    total, count = 0.0, 0
    for row, labels in zip(logits.double(), targets):
        for scores, label in zip(row, labels):
            if label:
                total -= math.log(scores[label].exp() / scores.exp().sum())
                count += 1
    assert count == 19
    assert perplexity(logits, targets) == pytest.approx(math.exp(total / count), rel=1e-9)
    assert perplexity(logits.numpy(), targets.numpy()) == pytest.approx(math.exp(total / count))
    monkeypatch.setattr(translation, "CHUNK", 20)
    assert perplexity(logits, targets) == pytest.approx(math.exp(total / count), rel=1e-9)


@pytest.mark.parametrize(
    "logits, targets, message",
    [
        (torch.zeros(2, 3), torch.zeros(2).long(), "ignored"),
        (torch.zeros(2, 3), torch.ones(3).long(), "shape"),
        (torch.zeros(2, 3), torch.full((2,), 3), "Targets"),
        (torch.full((2, 3), float("nan")), torch.ones(2).long(), "NaN"),
    ],
)
def test_perplexity_refuses_bad_input(logits, targets, message):
    with pytest.raises(ValueError, match=message):
        perplexity(logits, targets)


def random_batches(vocab: int = 9) -> tuple[nn.Module, list[tuple[torch.Tensor, ...]]]:
    torch.manual_seed(0)
    model = models.build("transformer", vocab=vocab, d_model=16, layers=1, heads=2, d_ff=16)
    batches = []
    for width in (4, 6):
        source, tokens = torch.randint(3, vocab, (3, 5)), torch.randint(3, vocab, (3, width))
        target_in, target = tokens.clone(), tokens.roll(-1, 1)
        target_in[:, 0], target[:, -1] = 1, 2
        target_in[1, 3:], target[1, 2], target[1, 3:] = 0, 2, 0
        batches.append((source, target_in, target))
    return model, batches


@pytest.mark.parametrize("chunk", [translation.CHUNK, 30])
def test_token_calibration_is_softmax_of_the_true_prefix(chunk, monkeypatch):
    monkeypatch.setattr(translation, "CHUNK", chunk)
    model, batches = random_batches()
    temperatures = [0.5, 1.0, 3.0]
    found = token_calibration(model, batches, temperatures)
    model.eval()
    for row, T in enumerate(temperatures):
        confidence, correct, nll = [], [], []
        for source, target_in, target in batches:
            probs = (model(source, target_in).double() / T).softmax(-1).detach()
            for p, label in zip(probs.flatten(0, 1), target.flatten()):
                if label:
                    confidence.append(p.max().item())
                    correct.append(p.argmax() == label)
                    nll.append(-math.log(p[label]))
        assert len(nll) == 11 + 15
        np.testing.assert_allclose(found.confidence[row], confidence, rtol=1e-5)
        np.testing.assert_allclose(found.nll[row], nll, rtol=1e-5)
        np.testing.assert_array_equal(found.correct, correct)
        alone = token_calibration(model, batches, T)
        np.testing.assert_allclose(alone.confidence, confidence, rtol=1e-5)
        assert alone.nll.shape == (26,)


def test_token_calibration_agrees_with_perplexity():
    model, (_, batch) = random_batches()
    _, _, nll = token_calibration(model, [batch])
    with torch.no_grad():
        logits = model.eval()(*batch[:2])
    assert math.exp(nll.mean()) == pytest.approx(perplexity(logits, batch[2]), rel=1e-5)


def test_token_calibration_refuses_bad_input():
    model, batches = random_batches()
    with pytest.raises(ValueError, match="temperature"):
        token_calibration(model, batches, [1.0, 0.0])
    with pytest.raises(ValueError, match="token"):
        token_calibration(model, [])
    with pytest.raises(ValueError, match="no temperature"):
        token_calibration(model, batches, [])

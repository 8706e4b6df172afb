"""BLEU against sacrebleu, perplexity and token calibration against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
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


@pytest.mark.parametrize("tokenize", ["13a", "char", "intl", "none"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_bleu_is_100_at_most(tokenize, count):
    """As sacrebleu prints it: exp(log 100) is above 100 in floating point."""
    for sentence in REFERENCES:
        found = bleu([sentence] * count, [sentence] * count, tokenize=tokenize).score
        theirs = sacrebleu.corpus_bleu([sentence] * count, [[sentence] * count], tokenize=tokenize)
        assert found <= 100 and f"{found:.12g}" == f"{theirs.score:.12g}"


SECOND = ["Der Hund läuft auf der Wiese.", "", "Zwei Kinder spielen zusammen."]
THIRD = [None, "Ein Mann, der singt, steht da.", None]
SMOOTHINGS = [
    {},
    {"smooth_method": "none"},
    {"smooth_method": "floor"},
    {"smooth_method": "floor", "smooth_value": 0.01},
    {"smooth_method": "add-k"},
    {"smooth_method": "add-k", "smooth_value": 2.5},
]


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("more", [(), (SECOND,), (SECOND, THIRD)])
@pytest.mark.parametrize("lowercase", [False, True])
@pytest.mark.parametrize("hypotheses", [HYPOTHESES, ["Der Mann", "", "ab c"], SECOND])
def test_bleu_of_several_references_and_smoothings_is_sacrebleus(
    smoothing, more, lowercase, hypotheses
):
    metric = sacrebleu.BLEU(lowercase=lowercase, force=True, **smoothing)
    expected = metric.corpus_score(hypotheses, [REFERENCES, *more]).score
    found = bleu(hypotheses, REFERENCES, lowercase, more_references=more, **smoothing)
    assert found.score == pytest.approx(expected, abs=1e-9)
    assert found.signature == str(metric.get_signature())


def test_bleu_takes_sequences_of_any_maker():
    expected = bleu(HYPOTHESES, REFERENCES, more_references=[SECOND])
    hypotheses, references = np.array(HYPOTHESES), pd.Series(REFERENCES, index=[5, 3, 9])
    assert bleu(hypotheses, references, more_references=(np.array(SECOND),)) == expected


@pytest.mark.parametrize(
    "hypotheses, references, options, message",
    [
        ([], [], {}, "hypotheses must be a list of sentences"),
        (["a"], ["a", "b"], {}, "1 hypotheses and 2 references"),
        (["a", "b"], ["a", "b"], {"more_references": [["a"]]}, "2 hypotheses and 2, 1 references"),
        ("a", ["a"], {}, "hypotheses.*list"),
        (["a"], "a", {}, "references.*list"),
        (None, ["a"], {}, "hypotheses.*list"),
        (["a"], None, {}, "references.*list"),
        ([3], ["a"], {}, "hypotheses.*string.*number 0"),
        (["a"], [None], {}, "references.*string.*number 0"),
        (["a"], [["a"]], {}, "references.*string.*more_references"),
        (["a", "b"], [["a", "b"]], {}, "references.*string.*more_references"),
        (["a"], ["a"], {"more_references": ["a"]}, "more_references.*list"),
        (["a"], ["a"], {"more_references": "a"}, "more_references.*list"),
        (["a"], ["a"], {"more_references": None}, "more_references.*list"),
        (["a"], ["a"], {"more_references": [[4]]}, "more_references.*string"),
        (["a"], ["a"], {"tokenize": "words"}, "tokenize.*13a.*got 'words'"),
        (["a"], ["a"], {"tokenize": None}, "tokenize.*got None"),
        (["a"], ["a"], {"smooth_method": "laplace"}, "smooth_method.*add-k.*got 'laplace'"),
        (["a"], ["a"], {"smooth_method": None}, "smooth_method.*got None"),
        (["a"], ["a"], {"smooth_value": "0.1"}, "smooth_value.*number"),
        (["a"], ["a"], {"smooth_value": -1.0}, "smooth_value.*at least 0"),
        (["a"], ["a"], {"smooth_value": math.nan}, "smooth_value.*finite"),
    ],
)
def test_bleu_names_what_is_wrong(hypotheses, references, options, message):
    with pytest.raises(ValueError, match=message):
        bleu(hypotheses, references, **options)


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


def test_perplexity_beyond_any_float_is_infinite():
    target = torch.tensor([1])
    for far in (-700.0, -2000.0, -math.inf):
        expected = math.exp(-far) if far > -709 else math.inf
        found = perplexity(torch.tensor([[0.0, far]], dtype=torch.float64), target, ignore_index=-1)
        assert found == pytest.approx(expected)


def test_perplexity_leaves_masked_classes_out():
    torch.manual_seed(0)
    logits, targets = torch.randn(20, 6), torch.randint(1, 4, (20,))
    logits[:, 4:] = -math.inf
    assert perplexity(logits, targets) == pytest.approx(perplexity(logits[:, :4], targets))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int16, torch.uint16])
def test_perplexity_takes_integers_of_any_type(dtype):
    torch.manual_seed(0)
    logits, targets = torch.randn(20, 300), torch.randint(1, 127, (20,))
    assert perplexity(logits, targets.to(dtype)) == perplexity(logits, targets)
    high = torch.full((20,), min(255, torch.iinfo(dtype).max))
    assert perplexity(logits, high.to(dtype), ignore_index=-1) == perplexity(logits, high)


@pytest.mark.parametrize(
    "logits, targets, message",
    [
        (None, torch.ones(2).long(), "logits"),
        ([["a", "b"]], torch.ones(2).long(), "logits"),
        (torch.zeros(2, 3), None, "targets"),
        (torch.zeros(2, 3), ["a", "b"], "targets"),
        (torch.zeros(2, 3), torch.zeros(2).long(), "ignored"),
        (torch.zeros(2, 3), torch.ones(3).long(), "shape"),
        (torch.zeros(2, 3), torch.full((2,), 3), "Targets"),
        (torch.full((2, 3), float("nan")), torch.ones(2).long(), "NaN"),
    ],
)
def test_perplexity_refuses_bad_input(logits, targets, message):
    with pytest.raises(ValueError, match=message):
        perplexity(logits, targets)


@pytest.mark.parametrize("ignore_index", [None, "pad"])
def test_perplexity_ignores_by_number(ignore_index):
    with pytest.raises(ValueError, match="ignore_index"):
        perplexity(torch.zeros(2, 3), torch.ones(2).long(), ignore_index)


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


@pytest.mark.parametrize("fails", [False, True])
def test_token_calibration_leaves_the_model_in_its_mode(fails):
    model, batches = random_batches()
    model.train()
    model.decoder[0].eval()
    before = [module.training for module in model.modules()]
    if fails:
        with pytest.raises(ValueError, match="Targets"):
            token_calibration(model, [batches[0], (*batches[1][:2], batches[1][2] + 9)])
    else:
        found = token_calibration(model, batches)
        np.testing.assert_array_equal(found.nll, token_calibration(model, batches).nll)
    assert [module.training for module in model.modules()] == before


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_token_calibration_tells_broken_logits(bad):
    model, batches = random_batches()
    with torch.no_grad():
        model.embedding.weight[5, 0] = bad
    with pytest.raises(ValueError, match="NaN"):
        token_calibration(model, batches)


SOURCE = torch.tensor([[3, 2]])


@pytest.mark.parametrize(
    "batches, T, message",
    [
        (None, 1.0, "batches"),
        ([], 1.0, "token"),
        ([(SOURCE, SOURCE)], 1.0, "triples"),
        ([([[3, 2]], SOURCE, SOURCE)], 1.0, "tensors"),
        ([(SOURCE, SOURCE, SOURCE[:, :1])], 1.0, "shape"),
        ([(SOURCE, SOURCE, SOURCE + 7)], 1.0, "[Tt]argets.*found 10"),
        ([(SOURCE, SOURCE, 0 * SOURCE)], 1.0, "token"),
        ([(SOURCE, SOURCE, SOURCE)], [1.0, 0.0], "temperature"),
        ([(SOURCE, SOURCE, SOURCE)], None, "temperature"),
        ([(SOURCE, SOURCE, SOURCE)], "warm", "temperature"),
        ([(SOURCE, SOURCE, SOURCE)], [], "no temperature"),
    ],
)
def test_token_calibration_names_what_is_wrong(batches, T, message):
    with pytest.raises((ValueError, TypeError), match=message):
        token_calibration(random_batches()[0], batches, T)


@pytest.mark.parametrize("given", [None, 3, "one sentence", np.array("word"), []])
@pytest.mark.parametrize("name", ["hypotheses", "references"])
def test_what_is_no_list_of_sentences_is_named(given, name):
    lists = {"hypotheses": ["a b"], "references": ["a b"]} | {name: given}
    with pytest.raises(ValueError, match=f"^{name} must be a list of sentences"):
        bleu(**lists)

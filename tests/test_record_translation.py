"""What a translation run records, against sacrebleu and the network's own probabilities."""

import dataclasses

import numpy as np
import pytest
import sacrebleu
import torch

from lsbook.data import load_text
from lsbook.data.tokenizers import BOS, EOS
from lsbook.recipes import named
from lsbook.training import checkpoint, translation
from lsbook.training.optimisation import make_optimizer
from lsbook.training.sequence import initial_model

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def recorded():
    text = load_text("grammar")
    few = dataclasses.replace(
        text, val=text.val[:40], test=text.test[:8],
        references=text.references | {
            "test": text.references["test"][:8], "newstest2015": text.references["val"]},
        more_tests={"newstest2015": text.val},
    )
    recipe = named("lab/transformer-grammar", alpha=0.1)
    model = initial_model(recipe, few).eval()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(translation, "TEMPERATURES", (0.8, 1.0))
        patch.setattr(translation, "OUT_OF_DOMAIN", {"newstest2015": 5})
        return few, model, *translation.record(recipe, model, few, CPU, progress=False)


def test_bleu_of_every_test_set_is_sacrebleus(recorded):
    text, model, metrics, arrays, _ = recorded
    assert arrays["tests_name"].tolist() == ["test", "newstest2015"]
    sets = {"test": text.test, "newstest2015": text.more_tests["newstest2015"][:5]}
    for row, (name, pairs) in enumerate(sets.items()):
        found = [best.tokens for (best,) in translation.translate(model, text, pairs, 1.0, CPU)]
        strings = [text.tokenizer.decode(tokens) for tokens in found]
        for column, lowercase in enumerate((False, True)):
            want = sacrebleu.corpus_bleu(
                strings, [text.references[name][: len(pairs)]], lowercase=lowercase, force=True)
            assert arrays["tests_bleu"][row, column] == pytest.approx(want.score)
    assert metrics["bleu"] == arrays["tests_bleu"][0, 0] == arrays["curve_bleu"][1]
    assert metrics["bleu_lowercase_newstest2015"] == arrays["tests_bleu"][1, 1]
    assert "case:lc" in arrays["tests_signature"][1] and "tok:13a" in arrays["tests_signature"][1]


def test_no_search_begins_again(recorded, tmp_path, monkeypatch):
    """A budget shorter than all searches together gets somewhere each time."""
    text, model, *expected = recorded
    recipe, state = named("lab/transformer-grammar", alpha=0.1), tmp_path / "state.safetensors"
    checkpoint.save(state, model, make_optimizer(recipe, dict(model.named_parameters())), {"a": 1})
    search, searched = translation.translated, []

    def interrupted(model, text, pairs, T, device):
        if len(searched) % 2:
            searched.append(None)
            raise KeyboardInterrupt
        searched.append((len(pairs), T))
        return search(model, text, pairs, T, device)

    monkeypatch.setattr(translation, "TEMPERATURES", (0.8, 1.0))
    monkeypatch.setattr(translation, "OUT_OF_DOMAIN", {"newstest2015": 5})
    monkeypatch.setattr(translation, "translated", interrupted)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            translation.record(recipe, model, text, CPU, progress=False, state=state)
    metrics, arrays, _ = translation.record(recipe, model, text, CPU, progress=False, state=state)
    assert [each for each in searched if each] == [(8, 0.8), (8, 1.0), (5, 1.0)]
    assert metrics == expected[0]
    assert np.array_equal(arrays["curve_bleu"], expected[1]["curve_bleu"])
    assert checkpoint.progress(state)["a"] == 1


def test_samples_hold_the_beam_with_its_probabilities(recorded):
    text, model, _, _, samples = recorded
    assert len(samples) == 8
    for sample, (source, target) in zip(samples, text.test):
        beam = sample["hypotheses"]
        assert len(beam) == translation.BEAM
        assert beam[0]["tokens"] == sample["tokens"]
        scores = [hypothesis["score"] for hypothesis in beam]
        assert scores == sorted(scores, reverse=True)
        for tokens, probabilities in (
            (sample["reference_tokens"], sample["reference_probabilities"]),
            (sample["tokens"], sample["probabilities"]),
        ):
            ids = [text.tokenizer.id(token) for token in tokens]
            logits = model(torch.tensor([source + [EOS]]), torch.tensor([[BOS] + ids]))
            p = logits[0].softmax(-1)[range(len(ids)), ids]
            assert probabilities == pytest.approx(p.tolist(), abs=2e-3)
        assert sample["reference_tokens"] == text.tokenizer.decode(target).split()


def test_words_on_the_plane_are_the_commonest_with_their_names(recorded):
    text, _, _, arrays, _ = recorded
    targets = np.concatenate([target for _, target in text.val])
    words, counts = np.unique(targets, return_counts=True)
    least = np.sort(counts)[-translation.PLANE_TOKENS]
    for word, name in zip(arrays["plane_words"], arrays["plane_names"]):
        assert text.tokenizer.word(int(word)) == name
        assert counts[words == word] >= least

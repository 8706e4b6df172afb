"""Searches against enumeration and a plain beam search that recomputes everything."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import nn

from lsbook import models
from lsbook.estimators.decoding import Hypothesis, beam_search, greedy, penalty

PAD, BOS, EOS = 0, 1, 2


def random_model(vocab: int, seed: int = 5) -> nn.Module:
    """A network whose predictions depend on the whole prefix and are neither flat nor certain."""
    torch.manual_seed(seed)
    model = models.build("transformer", vocab=vocab, d_model=16, layers=2, heads=2, d_ff=32)
    for name, parameter in model.named_parameters():
        if parameter.ndim == 2:
            nn.init.normal_(parameter, std=0.5 if name.startswith("embedding") else 1.0)
    return model.double().eval().requires_grad_(False)


def sources(vocab: int, lengths=(5, 2, 4, 3, 5, 1), seed: int = 5) -> torch.Tensor:
    """A padded batch of sentences of the given lengths."""
    random = torch.Generator().manual_seed(seed)
    source = torch.randint(3, vocab, (len(lengths), 5), generator=random)
    for row, length in zip(source, lengths):
        row[length:] = PAD
    return source


def next_log_probs(model: nn.Module, source: torch.Tensor, prefix: tuple, T: float) -> list[float]:
    logits = model(source[source != PAD][None], torch.tensor([[BOS, *prefix]]))[0, -1]
    return (logits / T).log_softmax(-1).tolist()


def plain_beam_search(
    model: nn.Module, source: torch.Tensor, beam: int, exponent: float, T: float, max_len: int
) -> list[tuple[float, tuple]]:
    """Scores and tokens of all that ended, best first; no cache, no batch, never stops early."""
    live, ended = [(0.0, ())], []
    for length in range(1, max_len + 1):
        candidates = [
            (score + log_prob, prefix + (token,))
            for score, prefix in live
            for token, log_prob in enumerate(next_log_probs(model, source, prefix, T))
            if token not in (PAD, BOS)
        ]
        candidates = sorted(candidates, reverse=True)[: 2 * beam]
        divisor = ((5 + length) / 6) ** exponent
        ended += [(s / divisor, tokens) for s, tokens in candidates[:beam] if tokens[-1] == EOS]
        live = [c for c in candidates if c[1][-1] != EOS][:beam]
    return sorted(ended, reverse=True)


def test_full_width_equals_enumeration():
    model, vocab, max_len, T, exponent = random_model(5), 5, 4, 1.3, 0.6
    source = sources(vocab, (3, 5))
    found = beam_search(
        model, source, beam=24, length_penalty=exponent, T=T, max_len=max_len, n_best=15
    )
    for row, hypotheses in zip(source, found):
        expected = []
        for length in range(max_len):
            for body in itertools.product(range(3, vocab), repeat=length):
                tokens = (*body, EOS)
                parts = [next_log_probs(model, row, tokens[:i], T)[t] for i, t in enumerate(tokens)]
                expected.append((sum(parts) / ((6 + length) / 6) ** exponent, tokens, parts))
        expected.sort(reverse=True)
        assert [h.tokens for h in hypotheses] == [tokens for _, tokens, _ in expected]
        for hypothesis, (score, _, parts) in zip(hypotheses, expected):
            assert hypothesis.score == pytest.approx(score, abs=1e-5)
            assert hypothesis.token_log_probs == pytest.approx(parts, abs=1e-5)


@pytest.mark.parametrize(
    "beam, exponent, T", [(1, 0.0, 1.0), (2, 0.6, 1.0), (3, 1.0, 2.0), (5, 0.3, 0.7)]
)
def test_equals_a_plain_beam_search(beam, exponent, T):
    """Sentences end at different steps, so this also tests early stopping and dropped rows."""
    vocab, max_len, lengths = 9, 8, set()
    for seed in (5, 6, 23):
        model, source = random_model(vocab, seed), sources(vocab, seed=seed)
        n_best = min(2, beam)
        found = beam_search(model, source, beam, exponent, T=T, max_len=max_len, n_best=n_best)
        for row, hypotheses in zip(source, found):
            expected = plain_beam_search(model, row, beam, exponent, T, max_len)[:n_best]
            ended = [h for h in hypotheses if h.tokens[-1] == EOS]
            assert [h.tokens for h in ended] == [tokens for _, tokens in expected]
            assert [h.score for h in ended] == pytest.approx([s for s, _ in expected], abs=1e-5)
            lengths |= {len(h.tokens) for h in ended}
    assert len(lengths) >= 3


def same(a: list[list[Hypothesis]], b: list[list[Hypothesis]]) -> None:
    for first, second in zip(a, b, strict=True):
        assert [h.tokens for h in first] == [h.tokens for h in second]
        assert [h.score for h in first] == pytest.approx([h.score for h in second], abs=1e-5)


def test_greedy_is_a_beam_of_one_without_penalty():
    model, source = random_model(9), sources(9)
    for T in (1.0, 0.5):
        same(greedy(model, source, T=T), beam_search(model, source, 1, 0.0, T=T))


def test_greedy_takes_the_most_probable_token():
    model, source = random_model(9), sources(9)
    for row, (hypothesis,) in zip(source, greedy(model, source, max_len=6)):
        for i, token in enumerate(hypothesis.tokens):
            log_probs = next_log_probs(model, row, hypothesis.tokens[:i], 1.0)
            assert token == max(range(EOS, 9), key=log_probs.__getitem__)
            assert hypothesis.token_log_probs[i] == pytest.approx(log_probs[token], abs=1e-5)
        assert hypothesis.tokens[-1] == EOS or len(hypothesis.tokens) == 6


def test_a_sentence_alone_equals_the_same_in_a_padded_batch():
    model, lengths = random_model(9), (5, 2, 4, 3, 5, 1)
    source = sources(9, lengths)
    together = beam_search(model, source, n_best=3)
    for row, length, hypotheses in zip(source, lengths, together):
        same(beam_search(model, row[None, :length], n_best=3), [hypotheses])
        assert max(len(h.tokens) for h in hypotheses) <= 2 * length + 10
    same(greedy(model, source)[1:2], greedy(model, source[1:2, :2]))


def test_scores_are_penalised_sums_in_falling_order():
    for hypotheses in beam_search(random_model(9), sources(9), length_penalty=0.8, n_best=4):
        scores = [h.score for h in hypotheses]
        assert scores == sorted(scores, reverse=True)
        for h in hypotheses:
            assert len(h.tokens) == len(h.token_log_probs)
            assert h.score == pytest.approx(sum(h.token_log_probs) / penalty(len(h.tokens), 0.8))


def test_cut_off_hypotheses_follow_those_that_ended():
    """A model that never ends: every hypothesis is cut off at max_len."""
    model = random_model(9)
    logits = torch.zeros(9)
    logits[EOS] = -50.0
    model.step = lambda state, tokens: logits.expand(len(tokens), -1).clone()
    hypotheses = beam_search(model, sources(9), beam=3, length_penalty=0.0, max_len=4, n_best=3)[0]
    assert [len(h.tokens) for h in hypotheses] == [4, 4, 4]
    assert hypotheses[0].score == pytest.approx(-4 * math.log(8), abs=1e-5)


def test_padding_and_start_are_never_chosen():
    """They keep their probability, so the others' do not sum to one."""
    model = random_model(9)
    logits = torch.zeros(9)
    logits[[PAD, BOS]] = 5.0
    model.step = lambda state, tokens: logits.expand(len(tokens), -1).clone()
    (hypothesis,) = greedy(model, sources(9, (3,)), max_len=1)[0]
    assert hypothesis.tokens[0] not in (PAD, BOS)
    assert hypothesis.score == pytest.approx(-math.log(7 + 2 * math.exp(5)), abs=1e-5)


def test_penalty_is_gnmts():
    assert penalty(1, 0.6) == 1.0
    assert penalty(7, 0.5) == pytest.approx(math.sqrt(2))
    assert penalty(30, 0.0) == 1.0


@pytest.mark.parametrize(
    "options, message",
    [
        ({"n_best": 5}, "n_best"),
        ({"beam": 0}, "n_best"),
        ({"length_penalty": -1.0}, "length_penalty"),
        ({"T": 0.0}, "temperature"),
        ({"max_len": 0}, "max_len"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        beam_search(random_model(9), sources(9), **options)


@pytest.mark.parametrize(
    "source, message", [(torch.zeros(2, 3).long(), "EOS"), (torch.ones(3).long(), "batch")]
)
def test_bad_sources_are_refused(source, message):
    for search in (greedy, beam_search):
        with pytest.raises(ValueError, match=message):
            search(random_model(9), source)

"""Searches against enumeration and a plain beam search that recomputes everything."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import nn

from lsbook import models
from lsbook.estimators.decoding import Hypothesis, beam_search, greedy, penalty

PAD, BOS, EOS = 0, 1, 2
NEVER = -math.inf


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


class Table(nn.Module):
    """Next-token logits (V,) by sentence and prefix; counts the steps it is asked for."""

    def __init__(self, logits: Callable[[int, tuple], torch.Tensor]):
        super().__init__()
        self.logits, self.steps = logits, 0

    def encode(self, source, beams=1, max_len=None):
        rows = [[i, ()] for i in range(len(source)) for _ in range(beams)]
        return {"rows": rows, "beams": beams}

    def step(self, state, tokens):
        self.steps += 1
        state["rows"] = [[i, (*p, t)] for (i, p), t in zip(state["rows"], tokens.tolist())]
        return torch.stack([self.logits(i, prefix[1:]) for i, prefix in state["rows"]])

    def reorder(self, state, index):
        state["rows"] = [state["rows"][i] for i in index.tolist()]

    def select(self, state, sentences):
        blocks = zip(*[iter(state["rows"])] * state["beams"])
        blocks = [list(block) for block in blocks]
        state["rows"] = [row for i in sentences.tolist() for row in blocks[i]]


def random_table(vocab: int, seed: int, eos: float = 0.0) -> Callable[[int, tuple], torch.Tensor]:
    """Random logits for each prefix, EOS ``eos`` above its own."""

    def logits(sentence: int, prefix: tuple) -> torch.Tensor:
        random = torch.Generator().manual_seed(hash((seed, sentence, prefix)) % 2**40)
        found = torch.randn(vocab, generator=random)
        found[EOS] += eos
        return found

    return logits


def plain_beam_search(
    log_probs: Callable[[tuple], list[float]], beam: int, exponent: float, max_len: int
) -> list[tuple[float, tuple]]:
    """Scores and tokens of all that ended, best first; no cache, no batch, never stops early."""
    live, ended = [(0.0, ())], []
    for length in range(1, max_len + 1):
        candidates = [
            (score + log_prob, prefix + (token,))
            for score, prefix in live
            for token, log_prob in enumerate(log_probs(prefix))
            if token not in (PAD, BOS) and log_prob > NEVER
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
            given = partial(next_log_probs, model, row, T=T)
            expected = plain_beam_search(given, beam, exponent, max_len)[:n_best]
            ended = [h for h in hypotheses if h.tokens[-1] == EOS]
            assert [h.tokens for h in ended] == [tokens for _, tokens in expected]
            assert [h.score for h in ended] == pytest.approx([s for s, _ in expected], abs=1e-5)
            lengths |= {len(h.tokens) for h in ended}
    assert len(lengths) >= 3


@pytest.mark.parametrize("eos", [-1.0, 1.0, 3.0])
@pytest.mark.parametrize("beam, n_best", [(1, 1), (2, 1), (2, 2), (3, 2), (4, 4), (6, 3)])
@pytest.mark.parametrize("exponent", [0.0, 0.6, 2.0])
def test_many_may_end_at_once(eos, beam, n_best, exponent):
    """Up to a whole beam ends at a step, and still as many go on; -inf is never chosen."""
    vocab, max_len, most_ended = 9, 5, 0
    for seed in range(6):
        table = random_table(vocab, seed, eos)

        def logits(i: int, prefix: tuple) -> torch.Tensor:
            out = table(i, prefix)
            out[vocab - 1 - len(prefix) :] = NEVER
            return out

        found = beam_search(
            Table(logits), sources(vocab), beam, exponent, max_len=max_len, n_best=n_best
        )
        for i, hypotheses in enumerate(found):
            expected = plain_beam_search(
                lambda prefix: logits(i, prefix).log_softmax(0).tolist(), beam, exponent, max_len
            )[:n_best]
            ended = [h for h in hypotheses if h.tokens[-1] == EOS]
            assert [h.tokens for h in ended] == [tokens for _, tokens in expected]
            assert [h.score for h in ended] == pytest.approx([s for s, _ in expected], abs=1e-5)
            most_ended = max(most_ended, len(ended))
    assert most_ended == n_best


@pytest.mark.parametrize("exponent", [0.6, 1.0, 2.0])
@pytest.mark.parametrize("limit", [2, 3, 7])
@pytest.mark.parametrize("wins", [True, False])
def test_stops_when_what_goes_on_cannot_win_at_the_limit_and_not_before(exponent, limit, wins):
    """EOS at once, or token 3 and, for sure, EOS at the limit: which scores more?

    The longer one gains most by the penalty at the limit itself, so that a bound by any shorter
    length would stop too early.
    """
    ratio = penalty(limit, exponent) / penalty(1, exponent)
    nearly = penalty(limit, exponent) / penalty(limit - 1, exponent)
    # EOS has a log-probability of -1; the longer one wins while it loses less than the ratio.
    longer = -ratio / nearly**0.5 if wins else -1.01 * ratio

    def logits(sentence: int, prefix: tuple) -> torch.Tensor:
        out = torch.full((5,), NEVER)
        if not prefix:
            out[EOS], out[3] = -1, longer
            out[PAD] = math.log(1 - math.exp(-1) - math.exp(longer))
        else:
            out[EOS if len(prefix) == limit - 1 else 3] = 0.0
        return out

    model = Table(logits)
    ((found,),) = beam_search(model, sources(5, (1,)), 1, exponent, max_len=limit)
    assert found.tokens == ((3,) * (limit - 1) + (EOS,) if wins else (EOS,))
    assert model.steps == (limit if wins else 1)


BROKEN = {
    "one NaN": torch.tensor([0, 0, 0, math.nan, 0]),
    "all NaN": torch.full((5,), math.nan),
    "+inf": torch.tensor([0, 0, 0, math.inf, 0]),
    "all -inf": torch.full((5,), -math.inf),
}


@pytest.mark.parametrize("search", [greedy, beam_search])
@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("step", [0, 1, 2])
def test_broken_logits_are_told(search, broken, step):
    fine = torch.tensor([0, 0, -5.0, 1, 2])
    model = Table(lambda i, prefix: (broken if len(prefix) == step else fine).clone()).train()
    with pytest.raises(ValueError, match="NaN.*inf|-inf to every token"):
        search(model, sources(5, (3, 2)), max_len=4)
    assert model.training


@pytest.mark.parametrize("search", [greedy, beam_search])
def test_a_model_that_leaves_no_token_is_told(search):
    """-inf to all but padding and start, after which nothing that has ended is left to give."""
    none, one = torch.tensor([5, 5, NEVER, NEVER, NEVER]), torch.tensor([5, 5, NEVER, 0, NEVER])
    model = Table(lambda i, prefix: (one if len(prefix) < i else none).clone())
    with pytest.raises(ValueError, match="-inf to every token"):
        search(model, sources(5, (3, 2)), max_len=4)


@pytest.mark.parametrize("search", [greedy, partial(beam_search, beam=1)])
@pytest.mark.parametrize("after", [math.nan, NEVER])
def test_what_follows_a_finished_sentence_does_not_matter(search, after):
    def logits(sentence: int, prefix: tuple) -> torch.Tensor:
        if sentence == 0 and prefix:
            return torch.tensor([0.0, 0, after, after, after])
        out = torch.tensor([0, 0, -9.0, 9, 0])
        out[EOS] = 20 if sentence == 0 or len(prefix) == 3 else -9
        return out

    found = search(Table(logits), sources(5, (3, 2, 4)), max_len=6)
    assert [h.tokens for (h,) in found] == [(EOS,), (3, 3, 3, EOS), (3, 3, 3, EOS)]


@pytest.mark.parametrize("search", [greedy, beam_search])
@pytest.mark.parametrize("fails", [False, True])
def test_the_model_stays_in_its_mode(search, fails):
    model = random_model(9).train()
    model.decoder[0].eval()
    before = [module.training for module in model.modules()]
    seen = []
    step = model.step

    def watched(state, tokens):
        seen.append(any(module.training for module in model.modules()))
        if fails:
            raise RuntimeError("out of memory")
        return step(state, tokens)

    model.step = watched
    if fails:
        with pytest.raises(RuntimeError, match="memory"):
            search(model, sources(9))
    else:
        search(model, sources(9))
    assert seen and not any(seen)
    assert [module.training for module in model.modules()] == before


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
        ({"n_best": 0}, "n_best"),
        ({"n_best": None}, "n_best"),
        ({"beam": 0}, "beam"),
        ({"beam": 2.5}, "beam"),
        ({"beam": "4"}, "beam"),
        ({"length_penalty": None}, "length_penalty"),
        ({"length_penalty": math.nan}, "length_penalty"),
        ({"T": None}, "temperature"),
        ({"max_len": 2.5}, "max_len"),
        ({"max_len": "long"}, "max_len"),
        ({"length_penalty": -1.0}, "length_penalty"),
        ({"T": 0.0}, "temperature"),
        ({"max_len": 0}, "max_len"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        beam_search(random_model(9), sources(9), **options)


@pytest.mark.parametrize(
    "source, message",
    [
        (torch.zeros(2, 3).long(), "EOS"),
        (torch.ones(3).long(), "batch"),
        (torch.ones(2, 0).long(), "batch"),
        (torch.ones(2, 3), "source.*integer"),
        (torch.ones(2, 3) > 0, "source.*integer"),
        (None, "source"),
        ("Ein Hund", "source"),
        ([[3, 4], [2]], "source"),
    ],
)
def test_bad_sources_are_refused(source, message):
    for search in (greedy, beam_search):
        with pytest.raises(ValueError, match=message):
            search(random_model(9), source)


@pytest.mark.parametrize("search", [greedy, beam_search])
@pytest.mark.parametrize("beyond", [-1, 9, 10**9])
def test_tokens_beyond_the_vocabulary_are_refused(search, beyond):
    source = sources(9)
    source[1, 0] = beyond
    with pytest.raises(ValueError, match=rf"source .*in \[0, 8\].*found {beyond}\."):
        search(random_model(9), source)


@pytest.mark.parametrize("search", [greedy, beam_search])
def test_sources_of_any_maker_and_integer_type_are_taken(search):
    model, source = random_model(9), sources(9)
    expected = search(model, source)
    for other in (source.numpy(), source.tolist(), source.to(torch.uint8), source.int()):
        same(search(model, other), expected)


@pytest.mark.parametrize("search", [greedy, beam_search])
def test_a_model_is_a_module(search):
    with pytest.raises(TypeError, match="model"):
        search(None, sources(9))

"""Greedy and beam search over a translation model with incremental decoding.

A model here is anything with the ``encode``, ``step``, ``reorder`` and ``select`` of
`lsbook.models.transformer.Transformer`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lsbook.data.tokenizers import BOS, EOS, PAD
from lsbook.estimators.arrays import Array, as_tensor
from lsbook.validation import check_count, check_number, check_temperature

NEVER = float("-inf")
NO_TOKEN = "The model gives -inf to every token that may follow; leave one that can be chosen."


@dataclass(frozen=True)
class Hypothesis:
    """A translation found by a search.

    ``tokens`` end with EOS unless cut off by the search's ``max_len``; ``token_log_probs`` are
    theirs in nats, at the search's temperature; ``score`` is the sum of these over the penalty.
    """

    tokens: tuple[int, ...]
    score: float
    token_log_probs: tuple[float, ...]


def penalty(length: int | Tensor, exponent: float) -> float | Tensor:
    """((5 + l) / 6)^exponent, which divides a log-probability (Wu et al. 2016, eq. 14)."""
    return ((5 + length) / 6) ** exponent


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode within, and after it the mode that each part of ``model`` came in."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module; got {type(model).__name__}.")
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


@torch.no_grad()
def greedy(
    model: nn.Module, source: Tensor, max_len: int | None = None, T: float = 1.0
) -> list[list[Hypothesis]]:
    """One hypothesis a sentence, of the most probable token at each step; see `beam_search`."""
    source = _source(source)
    limit = _limits(source, max_len)
    T = check_temperature(T)
    longest = int(limit.max())
    tokens = source.new_full((len(source), longest), PAD)
    log_probs = torch.zeros(tokens.shape, device=source.device)
    last = source.new_full((len(source),), BOS)
    done = torch.zeros_like(last, dtype=torch.bool)
    with evaluating(model):
        state = model.encode(source, max_len=longest)
        for t in range(longest):
            log_probs[:, t], last = _log_probs(model.step(state, last), T, ~done).max(1)
            if (log_probs[:, t].isneginf() & ~done).any():
                raise ValueError(NO_TOKEN)
            tokens[:, t] = last.masked_fill(done, PAD)
            done |= (last == EOS) | (t + 1 >= limit)
            if done.all():
                break
    scores = log_probs.masked_fill(tokens == PAD, 0).sum(1)
    return [[_hypothesis(*parts)] for parts in zip(tokens, scores, log_probs)]


@torch.no_grad()
def beam_search(
    model: nn.Module,
    source: Tensor,
    beam: int = 4,
    length_penalty: float = 0.6,
    T: float = 1.0,
    max_len: int | None = None,
    n_best: int = 1,
) -> list[list[Hypothesis]]:
    """The ``n_best`` hypotheses found for each sentence, best first.

    Each step looks at the 2·beam best continuations. Those that end and are among the first
    ``beam`` are kept aside with their score; the first ``beam`` that go on stay on the beam. A
    sentence is done when no hypothesis on its beam can still enter its ``n_best``. Where fewer
    have ended within ``max_len`` tokens, the best unfinished ones follow.

    Parameters
    ----------
    source
        Token ids (B, S), each row ended by EOS and padded at the end; on the model's device.
    beam
        Number of hypotheses W followed at once.
    length_penalty
        Exponent of `penalty` in [0, 10], 0 for none.
    T
        Temperature that divides the logits before the softmax.
    max_len
        Most tokens of a hypothesis, EOS included; by default twice those of its source, and 10.
    n_best
        Hypotheses to return, ``beam`` at most.

    Raises
    ------
    ValueError
        If an argument is out of range, a source is empty or not of the model's vocabulary, or the
        model gives NaN, +inf or no token that can follow. Tokens of -inf are never chosen.
    """
    source = _source(source)
    limit = _limits(source, max_len)
    T = check_temperature(T)
    beam, n_best = check_count(beam, "beam"), check_count(n_best, "n_best")
    if n_best > beam:
        raise ValueError(f"n_best must lie in [1, beam]; got n_best={n_best}, beam={beam}.")
    exponent = check_number(length_penalty, "length_penalty")
    if not 0 <= exponent <= 10:
        raise ValueError(f"length_penalty must lie in [0, 10]; got {exponent:g}.")
    search = _Search(source, limit, beam, exponent, n_best)
    with evaluating(model):
        state = model.encode(source, beams=beam, max_len=int(limit.max()))
        while True:
            live = (~search.done).repeat_interleave(beam)
            parents = search.advance(_log_probs(model.step(state, search.last), T, live))
            if search.done.all():
                return search.results
            model.reorder(state, parents)
            # Copying the state at every ending would cost more than the idle rows do.
            if 2 * int(search.done.sum()) >= len(search.done):
                model.select(state, search.drop_done())


class _Search:
    """The hypotheses of B sentences: W each on the beam, n each that have ended, -inf if none."""

    PER_SENTENCE = (
        "limit", "sentence", "done",
        "scores", "tokens", "log_probs",
        "ended", "ended_tokens", "ended_log_probs",
    )

    def __init__(self, source: Tensor, limit: Tensor, beam: int, exponent: float, n_best: int):
        batch, longest = len(source), int(limit.max())
        self.beam, self.exponent, self.limit, self.t = beam, exponent, limit, 0
        self.results: list[list[Hypothesis]] = [[] for _ in range(batch)]
        self.sentence = torch.arange(batch, device=source.device)
        self.done = torch.zeros_like(self.sentence, dtype=torch.bool)
        self.last = source.new_full((batch * beam,), BOS)
        self.scores, self.tokens, self.log_probs = _none(source, beam, longest)
        self.ended, self.ended_tokens, self.ended_log_probs = _none(source, n_best, longest)
        self.scores[:, 0] = 0  # all beams start alike, so only one may branch

    def advance(self, log_probs: Tensor) -> Tensor:
        """Add a token to every beam, given (B·W, V); the row (B·W,) each one goes on from."""
        batch, beam = self.scores.shape
        # The best that go on are within the first W + 1 of their row, as one of these may be EOS.
        width = min(beam + 1, log_probs.shape[1])
        log_probs, tokens = (part.view(batch, -1) for part in log_probs.topk(width))
        scores = self.scores.repeat_interleave(width, 1) + log_probs
        scores, order = scores.topk(min(2 * beam, scores.shape[1]))
        tokens, log_probs = tokens.gather(1, order), log_probs.gather(1, order)
        parents = order // width

        ends = tokens == EOS
        self._keep_aside(scores, ends, parents, log_probs)
        self.scores, best = scores.masked_fill(ends, NEVER).topk(beam)
        tokens, log_probs, parents = (part.gather(1, best) for part in (tokens, log_probs, parents))
        self._continue(parents, tokens, log_probs)
        self._close()
        return (parents + beam * torch.arange(batch, device=parents.device)[:, None]).flatten()

    def _keep_aside(self, scores: Tensor, ends: Tensor, parents: Tensor, log_probs: Tensor) -> None:
        """Let those of the best W candidates that end compete with what has ended before."""
        scores, ends, parents, log_probs = (
            part[:, : self.beam] for part in (scores, ends, parents, log_probs)
        )
        if not ends.any():
            return
        scores = (scores / penalty(self.t + 1, self.exponent)).masked_fill(~ends, NEVER)
        tokens, history = _rows(self.tokens, parents), _rows(self.log_probs, parents)
        tokens[:, :, self.t], history[:, :, self.t] = EOS, log_probs
        self.ended, best = torch.cat([self.ended, scores], 1).topk(self.ended.shape[1])
        self.ended_tokens = _rows(torch.cat([self.ended_tokens, tokens], 1), best)
        self.ended_log_probs = _rows(torch.cat([self.ended_log_probs, history], 1), best)

    def _continue(self, parents: Tensor, tokens: Tensor, log_probs: Tensor) -> None:
        self.tokens, self.log_probs = _rows(self.tokens, parents), _rows(self.log_probs, parents)
        self.tokens[:, :, self.t], self.log_probs[:, :, self.t] = tokens, log_probs
        self.last = tokens.flatten()
        self.t += 1

    def _close(self) -> None:
        """Record the sentences at their limit and those whose beam cannot win any more.

        A log-probability only falls, and the penalty is largest at the limit.
        """
        reachable = self.scores[:, 0] / penalty(self.limit, self.exponent)
        closed = ((self.t >= self.limit) | (self.ended[:, -1] >= reachable)) & ~self.done
        for i in torch.nonzero(closed).flatten().tolist():
            ended = zip(self.ended_tokens[i], self.ended[i], self.ended_log_probs[i])
            scores = self.scores[i] / penalty(self.t, self.exponent)
            unfinished = zip(self.tokens[i], scores, self.log_probs[i])
            found = [_hypothesis(*parts) for parts in (*ended, *unfinished) if parts[1] > NEVER]
            if not found:
                raise ValueError(NO_TOKEN)
            self.results[self.sentence[i]] = found[: self.ended.shape[1]]
        self.done |= closed

    def drop_done(self) -> Tensor:
        """Forget the recorded sentences; the indices (n,) of the others."""
        kept = torch.nonzero(~self.done).flatten()
        self.last = self.last.view(-1, self.beam)[kept].flatten()
        for name in _Search.PER_SENTENCE:
            setattr(self, name, getattr(self, name)[kept])
        return kept


def _source(source: Array) -> Tensor:
    if not isinstance(source, Tensor):
        source = as_tensor(source, "source")
    if source.ndim != 2 or source.numel() == 0:
        raise ValueError(f"source must be a batch (B, S) of token ids; got {tuple(source.shape)}.")
    if source.is_floating_point() or source.dtype == torch.bool:
        raise ValueError(f"source must hold integer token ids; got {source.dtype}.")
    return source.long()


def _limits(source: Tensor, max_len: int | None) -> Tensor:
    """Most tokens (B,) of each sentence's hypotheses."""
    lengths = (source != PAD).sum(1)
    if not lengths.all():
        raise ValueError("A source sentence holds padding alone; give it EOS at least.")
    if max_len is None:
        return 2 * lengths + 10
    return torch.full_like(lengths, check_count(max_len, "max_len"))


def _log_probs(logits: Tensor, T: float, live: Tensor) -> Tensor:
    """Log-probabilities (rows, V) at temperature T, where PAD and BOS cannot be chosen.

    Rows that are not ``live`` (rows,) belong to sentences that are done, and may hold anything.
    """
    logits = logits.float()
    log_probs = torch.log_softmax(logits if T == 1 else logits / T, -1)
    if (log_probs[:, EOS].isnan() & live).any():  # one bad logit makes its whole row NaN
        raise ValueError(
            "The model's logits hold NaN, +inf or nothing but -inf; look for a diverged run."
        )
    log_probs[:, PAD] = log_probs[:, BOS] = NEVER
    return log_probs


def _none(source: Tensor, count: int, longest: int) -> tuple[Tensor, Tensor, Tensor]:
    """Scores (B, count), tokens and log-probabilities (B, count, longest) of no hypotheses."""
    tokens = source.new_full((len(source), count, longest), PAD)
    log_probs = torch.zeros(tokens.shape, device=source.device)
    return torch.full_like(log_probs[:, :, 0], NEVER), tokens, log_probs


def _rows(x: Tensor, index: Tensor) -> Tensor:
    """x[b, index[b, i]] for (B, n, L) and (B, m)."""
    return x.gather(1, index[:, :, None].expand(-1, -1, x.shape[2]))


def _hypothesis(tokens: Tensor, score: Tensor, log_probs: Tensor) -> Hypothesis:
    length = int((tokens != PAD).sum())
    return Hypothesis(
        tuple(tokens[:length].tolist()), score.item(), tuple(log_probs[:length].tolist())
    )

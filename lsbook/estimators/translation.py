"""Translation quality and the calibration of next-token predictions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lsbook.data.tokenizers import PAD
from lsbook.estimators.arrays import Array, as_tensor
from lsbook.validation import check_logits, check_targets, check_temperature

CHUNK = 2**22


@dataclass(frozen=True)
class Bleu:
    """A corpus BLEU ``score`` in [0, 100] and sacrebleu's ``signature``, which says how it came."""

    score: float
    signature: str

    def __str__(self) -> str:
        return f"{self.score:.1f} ({self.signature})"


def bleu(
    hypotheses: Sequence[str],
    references: Sequence[str],
    lowercase: bool = False,
    tokenize: str = "13a",
) -> Bleu:
    """Corpus BLEU by sacrebleu (Post 2018) of detokenised strings, one reference each.

    The references' n-grams are kept, so that scoring again against the same ones is cheap.

    Raises
    ------
    ValueError
        If the two differ in length or are empty, or sacrebleu has no such tokenizer.
    """
    if isinstance(hypotheses, str) or isinstance(references, str):
        raise ValueError("Give lists of sentences, not one string.")
    if len(hypotheses) != len(references) or not references:
        raise ValueError(
            "BLEU needs one reference a hypothesis, and at least one; "
            f"got {len(hypotheses)} hypotheses and {len(references)} references."
        )
    metric = _metric(tuple(references), lowercase, tokenize)
    score = metric.corpus_score(hypotheses, None).score
    return Bleu(score, str(metric.get_signature()))


@lru_cache(maxsize=4)
def _metric(references: tuple[str, ...], lowercase: bool, tokenize: str):
    from sacrebleu.metrics import BLEU

    if tokenize not in BLEU.TOKENIZERS:
        raise ValueError(f"tokenize must be one of {', '.join(BLEU.TOKENIZERS)}; got {tokenize!r}.")
    # Our sentences may end in " ."; 13a splits it off anyway, so no warning is due.
    return BLEU(lowercase=lowercase, tokenize=tokenize, force=True, references=[list(references)])


def perplexity(logits: Array, targets: Array, ignore_index: int = PAD) -> float:
    """exp(sum of NLL / number of tokens), without padding and without smoothing.

    Parameters
    ----------
    logits, targets
        (..., V) and (...); targets equal to ``ignore_index`` do not count.

    Raises
    ------
    ValueError
        If no target counts, or a value is out of range.
    """
    logits = check_logits(as_tensor(logits))
    targets = check_targets(as_tensor(targets), logits.shape[-1], ignore_index).long()
    if targets.shape != logits.shape[:-1]:
        raise ValueError(
            f"Targets must have shape {tuple(logits.shape[:-1])}; got {tuple(targets.shape)}."
        )
    counted = targets != ignore_index
    if not counted.any():
        raise ValueError("Every target is ignored; there is no token to count.")
    total = sum(
        F.cross_entropy(part.double(), labels, reduction="sum").item()
        for part, labels in _chunks(logits[counted], targets[counted])
    )
    return math.exp(total / int(counted.sum()))


class TokenCalibration(NamedTuple):
    """Next-token predictions given the correct prefix, N tokens in the order of the batches.

    ``confidence`` and ``nll`` (in nats, of the true token) are (N,) for one temperature,
    (number of T, N) for several; ``correct`` (N,) does not depend on the temperature.
    """

    confidence: np.ndarray
    correct: np.ndarray
    nll: np.ndarray


@torch.no_grad()
def token_calibration(
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor, Tensor]],
    T: float | Sequence[float] = 1.0,
) -> TokenCalibration:
    """How sure and how right ``model`` is of each target token (paper, section 3 and Figure 3).

    Parameters
    ----------
    model
        Gives logits (B, L, V) of ``model(source, target_in)``.
    batches
        Triples ``source`` (B, S), ``target_in`` (B, L) with BOS and ``target`` (B, L) with EOS,
        padded at the end. Padding does not count. Only one batch's logits are held at a time.
    T
        Temperature or temperatures that divide the logits.

    Raises
    ------
    ValueError
        For a temperature that is not above 0, or without any temperature or token.
    """
    model.eval()
    temperatures = [check_temperature(t) for t in np.atleast_1d(T)]
    if not temperatures:
        raise ValueError("There is no temperature; give at least one.")
    parts = []
    for source, target_in, target in batches:
        counted = target != PAD
        logits = model(source, target_in)[counted]
        parts += [_predictions(*part, temperatures) for part in _chunks(logits, target[counted])]
    if not parts:
        raise ValueError("There is no target token; give batches with at least one.")
    confidence, correct, nll = (torch.cat(part, -1).cpu().numpy() for part in zip(*parts))
    if np.ndim(T) == 0:
        confidence, nll = confidence[0], nll[0]
    return TokenCalibration(confidence, correct, nll)


def _predictions(logits: Tensor, truth: Tensor, temperatures: list[float]) -> tuple[Tensor, ...]:
    """Confidence (number of T, n), correct (n,) and NLL (number of T, n) of logits (n, V)."""
    top, predicted = logits.max(1)
    below_top = logits.float() - top[:, None]
    log_sums = torch.stack([(below_top / T).exp_().sum(1).log_() for T in temperatures])
    true_below_top = below_top.gather(1, truth[:, None])[:, 0]
    nll = torch.stack([log_sum - true_below_top / T for log_sum, T in zip(log_sums, temperatures)])
    return log_sums.neg().exp(), predicted == truth, nll


def _chunks(logits: Tensor, targets: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Rows of logits (n, V) with their targets, a bounded number of values at a time."""
    rows = max(1, CHUNK // logits.shape[1])
    return ((logits[i : i + rows], targets[i : i + rows]) for i in range(0, len(targets), rows))

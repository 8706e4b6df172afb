"""Translation quality and the calibration of next-token predictions."""

from __future__ import annotations

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
from lsbook.estimators.decoding import evaluating
from lsbook.validation import check_logits, check_number, check_targets, check_temperature

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
    *,
    more_references: Sequence[Sequence[str | None]] = (),
    smooth_method: str = "exp",
    smooth_value: float | None = None,
) -> Bleu:
    """Corpus BLEU by sacrebleu (Post 2018) of detokenised strings.

    The references' n-grams are kept, so that scoring again against the same ones is cheap.

    Parameters
    ----------
    hypotheses, references
        A sentence each, in the same order.
    lowercase
        Whether case is ignored.
    tokenize
        One of sacrebleu's tokenizers.
    more_references
        Where sentences have several references: lists like ``references``, the second reference
        of each sentence, the third, and so on; None where a sentence has no more.
    smooth_method, smooth_value
        What a count of 0 becomes (Chen and Cherry 2014): "exp", "floor", "add-k" or "none", and
        the value of "floor" (0.1 by default) or "add-k" (1).

    Raises
    ------
    ValueError
        If the lists differ in length, are empty or hold no strings, or sacrebleu has no such
        tokenizer or smoothing.
    """
    hypotheses = _sentences(hypotheses, "hypotheses")
    if isinstance(more_references, str) or not isinstance(more_references, Iterable):
        raise ValueError("more_references must be a list of lists of sentences.")
    streams = (
        _sentences(references, "references"),
        *(_sentences(more, "more_references", str | None) for more in more_references),
    )
    lengths = [len(stream) for stream in streams]
    if set(lengths) != {len(hypotheses)}:
        raise ValueError(
            "BLEU needs one reference a hypothesis, and at least one; "
            f"got {len(hypotheses)} hypotheses and {', '.join(map(str, lengths))} references."
        )
    if smooth_value is not None:
        smooth_value = check_number(smooth_value, "smooth_value")
        if not 0 <= smooth_value < float("inf"):
            raise ValueError(f"smooth_value must be finite and at least 0; got {smooth_value:g}.")
    metric = _metric(streams, bool(lowercase), tokenize, smooth_method, smooth_value)
    score = metric.corpus_score(hypotheses, None).score
    # exp(log 100) is 100.00000000000004.
    return Bleu(min(score, 100.0), str(metric.get_signature()))


def _sentences(given: Sequence, name: str, kind: type = str) -> tuple:
    try:
        sentences = tuple(() if isinstance(given, str) else given)
    except TypeError:  # a single thing, an array without axes among them
        sentences = ()
    if not sentences:
        raise ValueError(f"{name} must be a list of sentences; got {given!r:.40}.")
    for i, sentence in enumerate(sentences):
        if not isinstance(sentence, kind):
            raise ValueError(
                f"{name} must hold a string a sentence; number {i} is a {type(sentence).__name__}. "
                "Further references of a sentence go into more_references."
            )
    return sentences


@lru_cache(maxsize=4)
def _metric(
    streams: tuple[tuple[str | None, ...], ...],
    lowercase: bool,
    tokenize: str,
    smooth_method: str,
    smooth_value: float | None,
):
    from sacrebleu.metrics import BLEU

    for name, value, known in (
        ("tokenize", tokenize, BLEU.TOKENIZERS),
        ("smooth_method", smooth_method, BLEU.SMOOTH_DEFAULTS),
    ):
        if value not in known:
            raise ValueError(f"{name} must be one of {', '.join(known)}; got {value!r}.")
    return BLEU(
        lowercase=lowercase,
        tokenize=tokenize,
        smooth_method=smooth_method,
        smooth_value=smooth_value,
        references=streams,
        # Our sentences may end in " ."; 13a splits it off anyway, so no warning is due.
        force=True,
    )


def perplexity(logits: Array, targets: Array, ignore_index: int = PAD) -> float:
    """exp(sum of NLL / number of tokens), without padding and without smoothing.

    It is inf where a target has no probability or no float holds the value.

    Parameters
    ----------
    logits, targets
        (..., V) and (...); targets equal to ``ignore_index`` do not count.

    Raises
    ------
    ValueError
        If no target counts, or a value is out of range.
    """
    logits = check_logits(as_tensor(logits, "logits"), masked=True)
    check_number(ignore_index, "ignore_index")
    targets = check_targets(as_tensor(targets, "targets"), logits.shape[-1], ignore_index)
    _check_shape(targets, logits)
    counted = targets != ignore_index
    if not counted.any():
        raise ValueError("Every target is ignored; there is no token to count.")
    total = sum(
        F.cross_entropy(part.double(), labels, reduction="sum").item()
        for part, labels in _chunks(logits[counted], targets[counted])
    )
    # Unlike math.exp this becomes inf where no float is large enough.
    return torch.tensor(total / int(counted.sum()), dtype=torch.float64).exp().item()


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

    The model is in evaluation mode meanwhile.

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
        For a temperature that is not above 0, without any temperature or token, or for logits
        that are NaN or +inf.
    """
    # No smaller T can be told from 0 in the single precision below.
    least = torch.finfo(torch.float32).tiny
    given = np.asarray(T, dtype=object).ravel()
    temperatures = [max(check_temperature(t), least) for t in given]
    if not temperatures:
        raise ValueError("There is no temperature; give at least one.")
    try:
        batches = iter(batches)
    except TypeError:
        raise TypeError(
            f"batches must be a list of triples; got {type(batches).__name__}.") from None
    parts = []
    with evaluating(model):
        for batch in batches:
            if len(batch) != 3 or not all(isinstance(part, Tensor) for part in batch):
                raise ValueError("batches must be triples of tensors: source, target_in, target.")
            source, target_in, target = batch
            logits = model(source, target_in)
            _check_shape(target, logits)
            counted = target != PAD
            chunks = _chunks(logits[counted], check_targets(target[counted], logits.shape[-1]))
            parts += [_predictions(*part, temperatures) for part in chunks]
    if not parts:
        raise ValueError("There is no target token; give batches with at least one.")
    confidence, correct, nll = (torch.cat(part, -1).cpu().numpy() for part in zip(*parts))
    if np.ndim(T) == 0:
        confidence, nll = confidence[0], nll[0]
    return TokenCalibration(confidence, correct, nll)


def _predictions(logits: Tensor, truth: Tensor, temperatures: list[float]) -> tuple[Tensor, ...]:
    """Confidence (number of T, n), correct (n,) and NLL (number of T, n) of logits (n, V)."""
    top, predicted = logits.max(1)
    if not top.isfinite().all():
        raise ValueError(
            "The model's logits hold NaN, +inf or nothing but -inf; look for a diverged run."
        )
    below_top = logits.float() - top[:, None]
    log_sums = torch.stack([(below_top / T).exp_().sum(1).log_() for T in temperatures])
    true_below_top = below_top.gather(1, truth[:, None])[:, 0]
    nll = torch.stack([log_sum - true_below_top / T for log_sum, T in zip(log_sums, temperatures)])
    return log_sums.neg().exp(), predicted == truth, nll


def _check_shape(targets: Tensor, logits: Tensor) -> None:
    if targets.shape != logits.shape[:-1]:
        raise ValueError(
            f"Targets must have shape {tuple(logits.shape[:-1])}; got {tuple(targets.shape)}."
        )


def _chunks(logits: Tensor, targets: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Rows of logits (n, V) with their targets, a bounded number of values at a time."""
    rows = max(1, CHUNK // logits.shape[1])
    return ((logits[i : i + rows], targets[i : i + rows]) for i in range(0, len(targets), rows))

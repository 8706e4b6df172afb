"""What a trained translation model's run records: BLEU, ECE and NLL against temperature."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from lsbook.data import Grammar, Text
from lsbook.data.tokenizers import EOS
from lsbook.estimators import calibration
from lsbook.estimators.decoding import beam_search
from lsbook.estimators.translation import bleu, token_calibration
from lsbook.recipes import Recipe
from lsbook.training.sequence import by_length, pad

TEMPERATURES = (0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.6, 1.8)
BEAM = 4
LENGTH_PENALTY = 0.6
SHOWN_SENTENCES = 20
SHOWN_TOKENS = 1000
PLANE_TOKENS = 6
SENTENCES_A_BATCH = 128


def translate(model: nn.Module, text: Text, pairs, T: float, device: torch.device) -> list:
    """The best hypothesis of beam search for each pair's source, in the order of ``pairs``."""
    found = [None] * len(pairs)
    order = sorted(range(len(pairs)), key=lambda i: len(pairs[i][0]))
    for start in range(0, len(order), SENTENCES_A_BATCH):
        batch = order[start : start + SENTENCES_A_BATCH]
        source, _, _ = pad([pairs[i] for i in batch], device)
        best = beam_search(model, source, beam=BEAM, length_penalty=LENGTH_PENALTY, T=T)
        for i, hypotheses in zip(batch, best):
            found[i] = hypotheses[0]
    return found


def record(
    recipe: Recipe, model: nn.Module, text: Text, device: torch.device, progress: bool = True
) -> tuple[dict[str, float], dict[str, np.ndarray], list[dict]]:
    """Metrics, evaluation arrays and sample sentences of a trained model.

    BLEU is that of the test sentences, found by beam search at each temperature; ECE and NLL are
    those of the validation tokens given the correct prefix. ``token_confidence`` (temperatures,
    N) and ``token_correct`` (N,) are what they are computed from.
    """
    model.eval()
    batches = [pad([text.val[i] for i in batch], device) for batch in by_length(text.val, 4096)]
    tokens = token_calibration(model, batches, T=TEMPERATURES)
    confidence = tokens.confidence.astype(np.float16).astype(np.float64)
    one = TEMPERATURES.index(1.0)
    best = int(tokens.nll.mean(1).argmin())
    curves = {
        "curve_T": np.array(TEMPERATURES, dtype=np.float32),
        "curve_ece": np.array([calibration.reliability(c, tokens.correct).ece for c in confidence]),
        "curve_nll": tokens.nll.mean(1),
    }
    scores, samples = [], []
    temperatures = tqdm(TEMPERATURES, desc="beam search", unit="temperature", disable=not progress)
    for T in temperatures:
        found = translate(model, text, text.test, T, device)
        strings = [text.tokenizer.decode(_words(h)) for h in found]
        scores.append(bleu(strings, text.references["test"]).score)
        if T == 1.0:
            samples = [_sample(text, i, found[i]) for i in range(min(SHOWN_SENTENCES, len(found)))]
    arrays = curves | {
        "curve_bleu": np.array(scores),
        "token_confidence": tokens.confidence.astype(np.float16),
        "token_correct": tokens.correct,
    }
    arrays |= _plane(model, batches)
    metrics = {
        "bleu": scores[one],
        "val_nll": float(curves["curve_nll"][one]),
        "val_ece": float(curves["curve_ece"][one]),
        "val_accuracy": float(tokens.correct.mean()),
        "perplexity": float(np.exp(curves["curve_nll"][one])),
        "optimal_T": TEMPERATURES[best],
        "ece_at_optimal_T": float(curves["curve_ece"][best]),
        "gamma": recipe.alpha,
    }
    if recipe.dataset == "grammar":
        truth, truth_metrics = _against_truth(model, text)
        arrays |= truth
        metrics |= truth_metrics
    return metrics, arrays, samples


def _words(hypothesis) -> list[int]:
    return [token for token in hypothesis.tokens if token != EOS]


def _sample(text: Text, i: int, hypothesis) -> dict:
    source, target = text.test[i]
    return {
        "source": text.tokenizer.decode(source),
        "reference": text.tokenizer.decode(target),
        "hypothesis": text.tokenizer.decode(_words(hypothesis)),
        "tokens": [text.tokenizer.decode([token]) for token in _words(hypothesis)],
        "probabilities": np.exp(hypothesis.token_log_probs[: len(_words(hypothesis))])
        .round(3)
        .tolist(),
    }


@torch.no_grad()
def _plane(model: nn.Module, batches: list[tuple[Tensor, Tensor, Tensor]]) -> dict[str, np.ndarray]:
    """Logits (n, 6) of the six most frequent target words where one of them is next, and templates."""
    targets = torch.cat([target.flatten() for _, _, target in batches])
    counts = torch.bincount(targets[targets > EOS])
    words = counts.argsort(descending=True)[:PLANE_TOKENS]
    logits, labels = [], []
    for source, target_in, target in batches:
        hit = target[..., None] == words
        chosen = hit.any(-1)
        logits.append(model(source, target_in)[chosen][:, words].float())
        labels.append(hit[chosen].int().argmax(-1))
    return {
        "plane_words": words.cpu().numpy(),
        "plane_logits": torch.cat(logits)[:SHOWN_TOKENS].cpu().numpy().astype(np.float16),
        "plane_targets": torch.cat(labels)[:SHOWN_TOKENS].cpu().numpy().astype(np.uint8),
        "plane_templates": model.templates()[words].cpu().numpy().astype(np.float32),
    }


@torch.no_grad()
def _against_truth(model: nn.Module, text: Text) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """The grammar's true probability beside the model's, for its top word at each position.

    ``truth_confidence`` and ``truth_probability`` are (N,); ``true_kl`` is the mean KL divergence
    in nats from truth to model, and ``true_entropy`` the truth's own entropy.
    """
    grammar = Grammar(0)
    device = next(model.parameters()).device
    confidence, probability, kl, entropy = [], [], [], []
    for source_ids, target_ids in text.val[: SHOWN_TOKENS // 5]:
        source, target_in, _ = pad([(source_ids, target_ids)], device)
        p = model(source, target_in)[0].float().log_softmax(-1).cpu().numpy()
        for position in range(len(target_ids) + 1):
            q = grammar.next_token_distribution(source_ids, target_ids[:position])
            top = int(p[position].argmax())
            confidence.append(np.exp(p[position, top]))
            probability.append(q[top])
            some = q > 0
            entropy.append(-(q[some] * np.log(q[some])).sum())
            kl.append((q[some] * (np.log(q[some]) - p[position, some])).sum())
    arrays = {
        "truth_confidence": np.array(confidence, dtype=np.float16),
        "truth_probability": np.array(probability, dtype=np.float16),
    }
    return arrays, {"true_kl": float(np.mean(kl)), "true_entropy": float(np.mean(entropy))}

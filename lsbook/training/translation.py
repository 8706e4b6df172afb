"""What a trained translation model's run records: BLEU, ECE and NLL against temperature."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from lsbook.data import Grammar, Text
from lsbook.data.text import Pair
from lsbook.data.tokenizers import EOS, SubwordTokenizer, WordTokenizer
from lsbook.estimators import calibration
from lsbook.estimators.decoding import Hypothesis, beam_search
from lsbook.estimators.translation import bleu, token_calibration
from lsbook.recipes import Recipe
from lsbook.training import checkpoint
from lsbook.training.sequence import by_length, pad

TEMPERATURES = (0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.6, 1.8)
BEAM = 4
LENGTH_PENALTY = 0.6
SHOWN_SENTENCES = 20
OUT_OF_DOMAIN = {"newstest2015": 300}  # sentences scored: few, as nothing was learnt for them
BLEU_FORMS = {"bleu": False, "bleu_lowercase": True}
SHOWN_TOKENS = 1000
PLANE_TOKENS = 6
SENTENCES_A_BATCH = 128


def translate(
    model: nn.Module, text: Text, pairs, T: float, device: torch.device, n_best: int = 1
) -> list[list[Hypothesis]]:
    """The ``n_best`` hypotheses of beam search for each source, in the order of ``pairs``."""
    found = [None] * len(pairs)
    order = sorted(range(len(pairs)), key=lambda i: len(pairs[i][0]))
    for start in range(0, len(order), SENTENCES_A_BATCH):
        batch = order[start : start + SENTENCES_A_BATCH]
        source, _, _ = pad([pairs[i] for i in batch], device)
        best = beam_search(
            model, source, beam=BEAM, length_penalty=LENGTH_PENALTY, T=T, n_best=n_best
        )
        for i, hypotheses in zip(batch, best):
            found[i] = hypotheses
    return found


def translated(
    model: nn.Module, text: Text, pairs: list[Pair], T: float, device: torch.device
) -> list[str]:
    """The best translation of each source as a string, in the order of ``pairs``."""
    found = translate(model, text, pairs, T, device)
    return [text.tokenizer.decode(_words(hypotheses[0])) for hypotheses in found]


class Search:
    """The best translations of a test set, searched for once; ``state`` keeps them for later."""

    def __init__(
        self, model: nn.Module, text: Text, device: torch.device, state: Path | None = None
    ):
        self.model, self.text, self.device, self.state = model, text, device, state
        self.found = checkpoint.progress(state).get("translations", {}) if state else {}

    def __call__(self, name: str, T: float = 1.0) -> list[str]:
        key = f"{name} at T = {T}"
        if key not in self.found:
            pairs = self.text.test if name == "test" else self.text.more_tests[name]
            pairs = pairs[: OUT_OF_DOMAIN.get(name)]
            self.found[key] = translated(self.model, self.text, pairs, T, self.device)
            if self.state:
                checkpoint.amend(self.state, translations=self.found)
        return self.found[key]


def record(
    recipe: Recipe,
    model: nn.Module,
    text: Text,
    device: torch.device,
    progress: bool = True,
    state: Path | None = None,
) -> tuple[dict[str, float], dict[str, np.ndarray], list[dict]]:
    """Metrics, evaluation arrays and sample sentences of a trained model.

    BLEU is that of the test sentences, found by beam search at each temperature; the rest is
    `on_tokens` and, at T = 1, `on_test_sets`. ``state`` is the file of the training's state, where
    there is one: what each search finds is kept in it, so that none begins again.
    """
    model.eval()
    metrics, arrays = on_tokens(recipe, model, text, device)
    search = Search(model, text, device, state)
    temperatures = tqdm(TEMPERATURES, desc="beam search", unit="temperature", disable=not progress)
    scores = [bleu(search("test", T), text.references["test"]).score for T in temperatures]
    of_tests, tests = on_test_sets(text, search)
    arrays |= tests | {"curve_bleu": np.array(scores)}
    return metrics | of_tests, arrays, samples(model, text, device)


def on_tokens(
    recipe: Recipe, model: nn.Module, text: Text, device: torch.device
) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Metrics and arrays of the validation tokens given the correct prefix, no sentence searched.

    ``curve_ece`` and ``curve_nll`` are those at ``curve_T``; ``token_confidence`` (temperatures,
    N) and ``token_correct`` (N,) are what they are computed from.
    """
    batches = [pad([text.val[i] for i in batch], device) for batch in by_length(text.val, 4096)]
    tokens = token_calibration(model, batches, T=TEMPERATURES)
    # A token's confidences side by side pack a quarter smaller.
    confidence = np.asfortranarray(tokens.confidence, dtype=np.float16)
    arrays = {
        "curve_T": np.array(TEMPERATURES, dtype=np.float32),
        "curve_ece": np.array([token_ece(c, tokens.correct) for c in confidence]),
        "curve_nll": tokens.nll.mean(1),
        "token_confidence": confidence,
        "token_correct": tokens.correct,
    }
    metrics = curve_metrics(arrays) | {
        "val_accuracy": float(tokens.correct.mean()),
        "gamma": recipe.alpha,
    }
    arrays |= _plane(model, batches, text.tokenizer)
    if recipe.dataset == "grammar":
        truth, truth_metrics = _against_truth(model, text)
        arrays |= truth
        metrics |= truth_metrics
    return metrics, arrays


def token_ece(confidence: np.ndarray, correct: np.ndarray) -> float:
    """ECE of kept confidences (N,), in half precision, in predictions ``correct`` (N,)."""
    return calibration.reliability(confidence.astype(np.float64), correct).ece


def curve_metrics(arrays: dict[str, np.ndarray]) -> dict[str, float]:
    """The headline numbers that follow from a run's stored curves alone."""
    nll, ece = arrays["curve_nll"], arrays["curve_ece"]
    one, best = int(np.flatnonzero(arrays["curve_T"] == 1)[0]), int(nll.argmin())
    return {
        "val_nll": float(nll[one]),
        "val_ece": float(ece[one]),
        "perplexity": float(np.exp(nll[one])),
        "optimal_T": float(arrays["curve_T"][best]),
        "ece_at_optimal_T": float(ece[best]),
    }


def on_test_sets(
    text: Text, search: Search
) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """BLEU at T = 1 of every test set, cased and lower-cased, as metrics and as arrays.

    ``tests_bleu`` (sets, 2) holds the BLEU
    of each test set in ``tests_name``, as it is and in lower case, whose sacrebleu signatures are
    ``tests_signature`` (2,).
    """
    table, signatures = {}, []
    for name in ("test", *text.more_tests):
        references = text.references[name][: OUT_OF_DOMAIN.get(name)]
        forms = [bleu(search(name), references, low) for low in BLEU_FORMS.values()]
        table[name] = [form.score for form in forms]
        signatures = [form.signature for form in forms]
    metrics = {
        form if name == "test" else f"{form}_{name}": score
        for name, row in table.items()
        for form, score in zip(BLEU_FORMS, row)
    }
    return metrics, {
        "tests_name": np.array(list(table)),
        "tests_bleu": np.array(list(table.values())),
        "tests_signature": np.array(signatures),
    }


def samples(model: nn.Module, text: Text, device: torch.device) -> list[dict]:
    """The first test sentences with the hypotheses that the beam ends with at T = 1, best first.

    ``tokens`` and their ``probabilities`` are those of the best hypothesis; ``hypotheses`` holds
    them of each, with its ``score``; ``reference_tokens`` and ``reference_probabilities`` those of
    the reference, given its own beginning.
    """
    pairs = text.test[:SHOWN_SENTENCES]
    found = translate(model, text, pairs, 1.0, device, n_best=BEAM)
    return [
        _sample(text, pair, hypotheses) | _forced(model, text, pair, device)
        for pair, hypotheses in zip(pairs, found)
    ]


def _words(hypothesis) -> list[int]:
    return [token for token in hypothesis.tokens if token != EOS]


def _sample(text: Text, pair: Pair, hypotheses: list[Hypothesis]) -> dict:
    source, target = pair
    beam = [
        {
            "tokens": [text.tokenizer.word(token) for token in _words(hypothesis)],
            "probabilities": np.exp(hypothesis.token_log_probs[: len(_words(hypothesis))])
            .round(3)
            .tolist(),
            "score": hypothesis.score,
        }
        for hypothesis in hypotheses
    ]
    return {
        "source": text.tokenizer.decode(source),
        "reference": text.tokenizer.decode(target),
        "hypothesis": text.tokenizer.decode(_words(hypotheses[0])),
        "tokens": beam[0]["tokens"],
        "probabilities": beam[0]["probabilities"],
        "hypotheses": beam,
    }


@torch.no_grad()
def _forced(model: nn.Module, text: Text, pair: Pair, device: torch.device) -> dict:
    source, target_in, target = pad([pair], device)
    p = model(source, target_in)[0].float().softmax(-1)
    p = p.gather(1, target[0][:, None])[:-1, 0].cpu().double().numpy()
    return {
        "reference_tokens": [text.tokenizer.word(token) for token in pair[1]],
        "reference_probabilities": p.round(3).tolist(),
    }


@torch.no_grad()
def _plane(
    model: nn.Module,
    batches: list[tuple[Tensor, Tensor, Tensor]],
    tokenizer: WordTokenizer | SubwordTokenizer,
) -> dict[str, np.ndarray]:
    """Logits (n, 6) of the six commonest target words where one of them is next, and templates."""
    targets = torch.cat([target.flatten() for _, _, target in batches])
    counts = torch.bincount(targets[targets > EOS])
    words = counts.argsort(descending=True, stable=True)[:PLANE_TOKENS]
    logits, labels = [], []
    for source, target_in, target in batches:
        hit = target[..., None] == words
        chosen = hit.any(-1)
        logits.append(model(source, target_in)[chosen][:, words].float())
        labels.append(hit[chosen].int().argmax(-1))
    return {
        "plane_words": words.cpu().numpy(),
        "plane_names": np.array([tokenizer.word(word) for word in words.tolist()]),
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

"""Explorers of the translation chapter: reliability of next words, temperature, and sentences."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lsbook.data import Grammar
from lsbook.explore import evaluation
from lsbook.explore.figure import Explorer
from lsbook.figures import translation as figures
from lsbook.figures.standalone import on_site
from lsbook.recipes import CATALOGUE
from lsbook.runs.best import compares, recorded
from lsbook.runs.queue import SENTENCES

KIND = "translation"
PARADOX = 0.05  # the α with which texts of several sizes start
Sets = Mapping[str, Sequence[Any]]


def arrays(run: Any) -> dict[str, np.ndarray]:
    """What the page needs of a run: its next-word predictions at each T, and sample sentences.

    ``sentences`` holds JSON in UTF-8: for each sentence ``source``, ``reference``, and
    ``hypotheses`` with ``tokens``, their probabilities ``p`` and, of the grammar, ``truth``.
    """
    grammar = Grammar() if run.recipe.dataset == "grammar" else None
    words = json.dumps([_sentence(sample, grammar) for sample in run.samples])
    stored = run.stored_arrays()
    return {
        "token_confidence": stored["token_confidence"],
        "token_correct": stored["token_correct"],
        "sentences": np.frombuffer(words.encode(), np.uint8),
    }


def sets(own: str = "") -> dict[str, list[Any]]:
    """Recorded runs by recipe, real data first, where hard and smoothed ones can be compared.

    A notebook offers those of its ``own`` recipe alone, since a figure there carries its numbers.
    """
    names = figures.RECIPES if on_site() or not own else (own,)
    found = {name: recorded(CATALOGUE[name]) for name in names}
    return {name: runs for name, runs in found.items() if compares(runs)}


def by_size() -> dict[str, list[Any]]:
    """Recorded runs of the grammar at every size of its training text, under their recipe."""
    recipe = CATALOGUE[figures.SIZES]
    runs = [run for n in SENTENCES for run in recorded(recipe.with_(sentences=n))]
    return {recipe.name: runs} if compares(runs) else {}


def temperature(sets: Sets, alpha: float = 0.1, command: str = "") -> Explorer:
    """Figure 4: BLEU, ECE and NLL against temperature, one marker through all of them.

    Parameters
    ----------
    sets
        Runs to choose from, by recipe, from `sets`.
    alpha
        Smoothing at the start, or the recorded strength nearest to it.

    Raises
    ------
    LookupError
        If there are no hard and smoothed runs.
    """
    shown = _some(sets)
    name, runs = next(iter(shown.items()))
    chosen = figures.nearest(runs, alpha)
    words = "; ".join(
        f"{label}: " + ", ".join(f"{curve} {value:.3f}" for curve, value in row.items())
        for label, row in _at_one(runs, chosen).items())
    return _explorer(
        "temperature", "temperatures", shown, alpha, command,
        title="One temperature moves quality, calibration and likelihood",
        note="line: mean over seeds; band, faint lines: the seeds; hollow: the best T of a curve",
        alt=f"BLEU, ECE and NLL against temperature, {figures.label(runs[0].recipe)}. At T = 1, "
        f"{words}.",
        caption="BLEU of the test sentences, beam 4, length penalty 0.6; ECE and NLL of validation "
        "tokens. The slider stops at the recorded temperatures.",
    )


def reliability(sets: Sets, alpha: float = 0.1, command: str = "") -> Explorer:
    """Figure 3: next-word reliability with hard targets, the same at T, and with smoothing."""
    shown = _detailed(sets)
    runs = next(iter(shown.values()))
    hard = runs[0]
    smoothed = next(run for run in runs if run.recipe.alpha == figures.nearest(runs, alpha))
    T, at = figures.fitted_temperature(hard), figures.at_temperature
    tokens = len(hard.arrays["token_correct"])
    return _explorer(
        "reliability", "diagrams", shown, alpha, command,
        title="Is the next word as often right as the model says?",
        note="above: accuracy against confidence, given the reference so far; below: tokens a bin",
        alt=f"Reliability of {tokens} next-word predictions, {figures.label(hard.recipe)}. ECE "
        f"with hard targets {at(hard, 'ece', 1):.3f}, at T = {T:g} {at(hard, 'ece', T):.3f}, with "
        f"alpha {smoothed.recipe.alpha:g} {at(smoothed, 'ece', 1):.3f}.",
        caption="T starts where the hard network's NLL is least among those recorded, on these "
        "same tokens; with one number to fit, that flatters it little.",
    )


def sentences(sets: Sets, alpha: float = 0.1, command: str = "") -> Explorer:
    """Source, reference and the beam's hypotheses with the probability of each token."""
    shown = _detailed(sets)
    runs = next(iter(shown.values()))
    first = runs[0].samples[0]
    return _explorer(
        "sentences", "sentences", shown, alpha, command,
        title="How sure is the model of each word?",
        note="below each token: its probability after those before it; in the lab's grammar, in "
        "italics, its true probability",
        alt=f"Source: {first['source']} Reference: {first['reference']} Best hypothesis with hard "
        f"targets: {first['hypothesis']} Mean probability of its tokens "
        f"{np.mean(first['probabilities']):.2f}.",
        caption="What a beam of 4 ends with at T = 1, best first; score: sum of log probabilities "
        "over a length penalty. A long word may be several tokens.",
    )


def _detailed(sets: Sets) -> Sets:
    """The runs that keep single tokens and sentences."""
    found = {name: figures.paired(runs) for name, runs in sets.items()}
    return _some({name: runs for name, runs in found.items() if compares(runs)})


def _some(found: Sets) -> Sets:
    if not found:
        raise LookupError("No hard and smoothed runs are recorded; run the chapter's first cells.")
    return found


def _explorer(
    name: str, view: str, shown: Sets, alpha: float, command: str, **words: str
) -> Explorer:
    runs = [run for runs in shown.values() for run in runs]
    shipped = [] if view == "temperatures" else runs
    return Explorer(
        kind=KIND, name=name, command=command,
        runs=shipped, sources=[] if shipped else runs,
        config={"view": view, "alpha": alpha, "sets": [
            {"name": name, "label": _label(name, runs[0]), **_of_view(view, runs)}
            for name, runs in shown.items()]},
        **words)


def _label(name: str, run: Any) -> str:
    label = figures.label(run.recipe)
    return label.replace(":", " at several sizes:", 1) if name == figures.SIZES else label


def _of_view(view: str, runs: list[Any]) -> dict[str, Any]:
    first = runs[0]
    T = [float(f"{T:.3g}") for T in first.arrays["curve_T"]]
    if view == "temperatures":
        return {"T": T, "runs": [_curves(run) for run in runs]} | _sizes(runs)
    keyed = [evaluation.named(run, KIND) for run in runs]
    if view == "sentences":
        return {"sources": [sample["source"] for sample in first.samples], "runs": keyed}
    return {"T": T, "fitted": figures.fitted_temperature(first), "runs": keyed}


def _sizes(runs: Sequence[Any]) -> dict[str, Any]:
    """The sizes of the training text, where there are several, and the one to start from.

    That is where smoothing makes the likelihood worse and everything else better, if there is one.
    """
    sizes = sorted({run.recipe.sentences for run in runs if run.recipe.sentences})
    if len(sizes) < 2:
        return {}
    found = figures.paradoxical(runs, PARADOX)
    return {"sizes": sizes, "size": next(iter(found), sizes[0]), "alpha": PARADOX}


def _curves(run: Any) -> dict[str, Any]:
    return {"alpha": run.recipe.alpha, "seed": run.recipe.seed} | (
        {"sentences": run.recipe.sentences} if run.recipe.sentences else {}) | {
        name: [float(f"{value:.7g}") for value in run.arrays[f"curve_{name}"]]
        for name in figures.CURVES}


def _at_one(runs: Sequence[Any], alpha: float) -> dict[str, dict[str, float]]:
    frame = figures.curve_frame(runs)
    means = frame[frame["T"] == 1].groupby("alpha")[list(figures.CURVES)].mean()
    return {("hard" if a == 0 else f"alpha {a:g}"): means.loc[a].to_dict() for a in (0.0, alpha)}


def _sentence(sample: dict[str, Any], grammar: Grammar | None) -> dict[str, Any]:
    kept = {key: sample[key] for key in ("source", "reference")}
    kept["hypotheses"] = [
        _hypothesis(hypothesis, sample["source"], grammar)
        for hypothesis in sample.get("hypotheses", [sample])
    ]
    if "reference_probabilities" in sample:
        kept["reference_tokens"] = sample["reference_tokens"]
        kept["reference_p"] = sample["reference_probabilities"]
    return kept


def _hypothesis(found: dict[str, Any], source: str, grammar: Grammar | None) -> dict[str, Any]:
    kept = {"tokens": found["tokens"], "p": found["probabilities"]}
    if "score" in found:
        kept["score"] = round(found["score"], 3)
    if grammar:
        kept["truth"] = figures.truths(grammar, source, found["tokens"])
    return kept

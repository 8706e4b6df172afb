"""Numbers and words of section 3: calibration of hard and smoothed networks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from lsbook import paper
from lsbook.estimators import calibration
from lsbook.estimators.calibration import Reliability, from_logits
from lsbook.estimators.temperature import fit_temperature
from lsbook.figures.ledger import scale_words, spread_text
from lsbook.figures.scale import DATASETS, MODELS, scaled_setting, setting
from lsbook.ledger import Group, Spread, groups
from lsbook.runs import tables
from lsbook.runs.tables import metrics

_TABLE_3 = (
    ("cifar100", "resnet56", ("paper/resnet56-cifar100", "compact/resnet20-cifar100"), 0.05),
    ("imagenet", "inception-v4",
     ("paper/inception-tinyimagenet", "compact/resnet20-tinyimagenet"), 0.1),
    ("en-de", "transformer", (), 0.1),
    ("cifar10", "resnet9", ("compact/teacher-cifar10",), 0.05),
    ("mnist1d", "mlp", ("lab/mlp-mnist1d",), 0.05),
    ("digits", "mlp", ("lab/mlp-digits",), 0.05),
)

_STANDS_FOR = {"cifar100": "cifar100", "tinyimagenet": "imagenet"}
"""Our data sets that Table 3 has a value for, and the paper's that each stands for."""

_SMALL = 1 / 3
"""The largest share of its error that a calibrated network may keep."""


# The reliability diagram


def series(
    hard: Any, smoothed: Any, T: float = 1.9, bins: int = 15, binning: str = "width"
) -> dict[str, tuple[str, Reliability, dict[str, float]]]:
    """Name, reliability table and scores of hard targets, hard targets at T, and smoothing."""
    asked = {
        "hard": ("hard targets", hard, 1.0),
        "scaled": (f"hard, T = {T:.2f}", hard, T),
        "smoothed": (f"smoothing, α = {smoothed.recipe.alpha:g}", smoothed, 1.0),
    }
    found = {}
    for key, (name, run, t) in asked.items():
        logits, targets = run.arrays["val_logits"], run.arrays["val_targets"]
        table = calibration.reliability(*from_logits(logits, targets, t), bins, binning)
        scores = {
            "ECE": table.ece,
            "NLL": calibration.nll(logits, targets, t),
            "Brier": calibration.brier(logits, targets, t),
            "accuracy": calibration.accuracy(logits, targets),
        }
        found[key] = name, table, scores
    return found


def published(dataset: str, symbol: str) -> list[paper.Number]:
    """Table 3's values of the paper's network that our runs on ``dataset`` stand for, if any."""
    return paper.numbers(place="Table 3", dataset=_STANDS_FOR.get(dataset, ""), symbol=symbol)


def network(number: paper.Number) -> str:
    """The paper's network and data behind a number, for instance "ResNet-56 on CIFAR-100"."""
    return f"{MODELS[number.model]} on {DATASETS[number.dataset]}"


# Table 3


def table_3(runs: Iterable[Any], alpha: float | None = None) -> pd.DataFrame:
    """Table 3: ECE of hard targets, at the best temperature, and with smoothing; paper and ours.

    Ours is the mean over seeds with the least and the greatest, of the largest experiment that was
    run, at the paper's α. ``alpha`` replaces it in the lab.
    """
    grouped = groups(runs)
    rows = []
    for dataset, model, recipes, strength in _TABLE_3:
        network = f"{MODELS[model]}, {DATASETS[dataset]}"
        if paper.numbers(place="Table 3", dataset=dataset, model=model):
            rows.append({"network": network, "whose": "the paper"} | {
                head: f"{paper.number(f'table3/{dataset}/{model}/{key}').value:g}"
                for head, (key, _) in _COLUMNS.items()} | {"α": f"{strength:g}"})
        group = next((found[0] for name in recipes if (found := grouped.get(name))), None)
        if recipes and group is None:
            rows.append({"network": network, "whose": "ours", "hard": "not yet run"})
        elif group:
            recipe = group.runs[0].recipe
            lab = recipe.preset == "lab"
            ours = alpha if lab and alpha is not None else strength
            rows.append({
                "network": network if lab else scaled_setting(recipe),
                "whose": "ours",
                "α": f"{ours:g}",
            } | {head: _measured(group, name, ours if head == "smoothed" else 0.0)
                 for head, (_, name) in _COLUMNS.items()})
    return pd.DataFrame(rows, columns=["network", "whose", *_COLUMNS, "α"]).fillna("")


_COLUMNS = {
    "hard": ("hard", "val_ece"),
    "with temperature": ("scaled", "ece_at_optimal_T"),
    "best T": ("temperature", "optimal_T"),
    "smoothed": ("smoothed", "val_ece"),
}


def _measured(group: Group, name: str, alpha: float) -> str:
    runs = group.alone(alpha)
    values = {seed: run.metrics.get(name) for seed, run in runs.items()}
    values = {seed: value for seed, value in values.items() if value is not None}
    return spread_text(Spread.of("", values), name) if values else "not yet run"


# Words and numbers of the chapter


def told(hard: Any, smoothed: Any) -> str:
    """How bold a hard network is, what temperature mends it, and what smoothing does instead."""
    T = best_T(hard)
    found = series(hard, smoothed, T or 1.0)
    sure = {key: np.nansum(table.confidence * table.count) / table.count.sum()
            for key, (_, table, _) in found.items()}
    ece = {key: f"ECE {scores['ECE']:.3f}" for key, (_, _, scores) in found.items()}
    right = {key: scores["accuracy"] for key, (_, _, scores) in found.items()}
    mended = f"The temperature of least NLL is {T:.2f}; with it: {ece['scaled']}. " if T else ""
    return (
        f"{setting(hard.recipe)}, {scale_words(hard.recipe)}, seed {hard.recipe.seed}. "
        f"Hard targets: {sure['hard']:.1%} sure on average, {right['hard']:.1%} right, "
        f"{ece['hard']}. {mended}Smoothing with "
        f"α = {smoothed.recipe.alpha:g}: {sure['smoothed']:.1%} sure, "
        f"{right['smoothed']:.1%} right, {ece['smoothed']}. "
        + _outcome(found["hard"][2]["ECE"], found["smoothed"][2]["ECE"],
                   sure["smoothed"] - right["smoothed"]))


def _outcome(before: float, after: float, boldness: float) -> str:
    """What smoothing did to the ECE, by how much of it is left."""
    says = f"the network says too {'little' if boldness < 0 else 'much'}"
    if after >= before:
        return f"Smoothing does not calibrate here: {says}."
    left = f"{after / before:.0%} of the error is left"
    if after <= _SMALL * before:
        return f"Smoothing calibrates here: {left}."
    return f"Smoothing helps here, but {left}: {says}."


def beside_paper(runs: Sequence[Any]) -> str:
    """Error and best temperature of the hard networks beside the paper's; empty without them."""
    hard = [run for run in runs if run.recipe.alpha == 0]
    dataset = hard[0].recipe.dataset
    if not (temperature := published(dataset, "optimal temperature")):
        return ""
    their_T = temperature[0].value
    their_ece = next(n.value for n in published(dataset, "ECE") if not n.alpha and n.T == 1)
    ece, T = metrics(hard)[["val_ece", "optimal_T"]].mean()
    scaled = (from_logits(run.arrays["val_logits"], run.arrays["val_targets"], their_T)
              for run in hard)
    boldness = np.mean([sure.mean() - right.mean() for sure, right in scaled])
    return (
        f"{scaled_setting(hard[0].recipe)}: averaged over seeds the hard network's ECE is "
        f"{ece:.3f}; the paper's network has {their_ece:g}. The temperature of least NLL is "
        f"{T:.2f}; in the paper it is {their_T:g}"
        + (", so ours needs less temperature although its error is no smaller. "
           if ece >= their_ece and T < their_T else ". ")
        + f"At T = {their_T:g} it says too {'little' if boldness < 0 else 'much'}.")


def best_T(run: Any) -> float | None:
    """The temperature of least NLL over all validation examples; None if there is none."""
    try:
        return fit_temperature(run.arrays["val_logits"], run.arrays["val_targets"]).T
    except ValueError:
        return None


def best_alpha_text(runs: Sequence[Any]) -> str:
    """Which α needs no temperature and which temperature needs no α, in a sentence or two."""
    means = tables.means(metrics(runs), ("val_ece", "ece_at_optimal_T", "optimal_T"))
    ece = means["val_ece"]
    best = ece.idxmin()

    def named(alpha: float) -> str:
        return f"{alpha:g}, the largest that was run" if alpha == ece.index[-1] else f"{alpha:g}"

    text = f"{scaled_setting(runs[0].recipe)}: averaged over seeds the ECE is "
    text += (f"{ece[0.0]:.3f} with hard targets and least, {ece[best]:.3f}, at α = {named(best)}."
             if best else f"least with hard targets, {ece[0.0]:.3f}.")
    fitted = means.dropna()
    if 0.0 not in fitted.index:
        return text
    one = (fitted["optimal_T"] - 1).abs().idxmin()
    return text + (f" Temperature alone reaches {fitted['ece_at_optimal_T'].loc[0.0]:.3f} with "
                   f"T = {fitted['optimal_T'].loc[0.0]:.2f}. The temperature is nearest to 1, "
                   f"{fitted['optimal_T'].loc[one]:.2f}, at "
                   + ("the same α." if one == best else f"α = {named(one)}."))


def verdict_text(frame: pd.DataFrame, dataset: str) -> str:
    """Where smoothing raises the ECE of ``frame``'s runs and where it does not, in a sentence."""
    ece = frame.pivot_table(index="seed", columns="alpha", values="val_ece")
    change = {a: (ece[a] - ece[0.0]).dropna() for a in ece.columns.drop(0.0)}
    worse = [f"{a:g}" for a, rise in change.items() if (rise > 0).all()]
    rest = [f"{a:g}" for a in change if f"{a:g}" not in worse]
    fewest, most = (pick(len(rise) for rise in change.values()) for pick in (min, max))
    seeds = f"{most} seed" if fewest == most else f"{fewest} to {most} seed"
    text = (f"On {DATASETS[dataset]} the accuracy is {frame['val_accuracy'].min():.1%} or more. "
            f"Against hard targets of the same seed ({seeds}{'s' * (most > 1)} an α), the ECE is ")
    text += f"always higher for α = {', '.join(worse)}" if worse else "at no α always higher"
    text += f"; not always for α = {', '.join(rest)}. " if rest else ". "
    common = ece.dropna(axis=1).mean()
    return text + (f"Among the α that all seeds were run at, its mean is {common[0.0]:.3f} with "
                   f"hard targets and least at α = {common.idxmin():g}, {common.min():.3f}.")


def selective_error(run: Any, T: float = 1.0) -> float:
    """Share of wrong predictions among the more confident half of the validation examples."""
    confidence, correct = from_logits(run.arrays["val_logits"], run.arrays["val_targets"], T)
    surest = np.argsort(-confidence, kind="stable")[: len(confidence) // 2]
    return float(1 - correct[surest].mean())


def comparison(runs: Sequence[Any], alpha: float) -> pd.DataFrame:
    """Hard, hard at its best temperature, smoothed, smoothed at its best: means over seeds."""
    rows = []
    for a, name in ((0.0, "hard targets"), (alpha, f"smoothing, α = {alpha:g}")):
        members = [run for run in runs if run.recipe.alpha == a]
        for scaled in (False, True):
            Ts = [run.metrics["optimal_T"] if scaled else 1.0 for run in members]
            if None in Ts:
                continue
            keys = ("ece_at_optimal_T", "nll_at_optimal_T") if scaled else ("val_ece", "val_nll")
            mean = {key: np.mean([run.metrics[key] for run in members]) for key in
                    ("val_accuracy", *keys)}
            rows.append({
                "data": DATASETS[runs[0].recipe.dataset],
                "network": f"{name}, best T" if scaled else name,
                "T": np.mean(Ts),
                "accuracy": mean["val_accuracy"],
                "ECE": mean[keys[0]],
                "NLL": mean[keys[1]],
                "errors in the surer half": np.mean(
                    [selective_error(run, T) for run, T in zip(members, Ts)]),
            })
    return pd.DataFrame(rows)


def selective_text(sets: Iterable[Sequence[Any]], alphas: Iterable[float]) -> str:
    """In how many seeds smoothing has more errors in the surer half, for each set at its α."""
    counts = []
    for runs, alpha in zip(sets, alphas):
        hard, smoothed = ({run.recipe.seed: selective_error(run) for run in runs
                           if run.recipe.alpha == a} for a in (0.0, alpha))
        seeds = hard.keys() & smoothed.keys()
        more = sum(smoothed[seed] > hard[seed] for seed in seeds)
        counts.append(f"{setting(runs[0].recipe)}, α = {alpha:g}: {more} of {len(seeds)}")
    return ("In how many seeds the smoothed network has more errors in the surer half than the "
            f"hard one: {'; '.join(counts)}.")

"""Figures of section 3: reliability diagrams at any temperature, and calibration against α."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from lsbook import paper
from lsbook.estimators.calibration import from_logits
from lsbook.figures import theme
from lsbook.figures.ledger import DATASETS, MODELS, spread_text
from lsbook.figures.sweep import against_alpha
from lsbook.ledger import Group, Spread, groups

STEP = 0.005
BUDGET = 450_000
SERIES = {
    "hard": (theme.HARD, "circle", [1, 0]),
    "scaled": (theme.TEMPERATURE, "square", [6, 3]),
    "smoothed": (theme.SMOOTH, "triangle-up", [2, 2]),
}
"""Colour, shape and dash of hard targets, hard targets with temperature, and smoothing."""

_TABLE_3 = (
    ("cifar100", "resnet56", "paper/resnet56-cifar100", 0.05),
    ("imagenet", "inception-v4", None, 0.1),
    ("en-de", "transformer", None, 0.1),
    ("mnist1d", "mlp", "lab/mlp-mnist1d", 0.05),
    ("digits", "mlp", "lab/mlp-digits", 0.05),
)
_NAMES = DATASETS | {"imagenet": "ImageNet", "en-de": "EN–DE"}


# The reliability diagram, computed in the browser


def gap_frame(runs: Sequence[Any]) -> pd.DataFrame:
    """What the browser needs for the calibration of each run at any temperature.

    Columns ``alpha``, ``seed``; ``gaps``, a list of validation examples, each the sorted distances
    of its other logits from the top one in units of ``STEP``; ``rank`` of the right class, 0 where
    the prediction is right. The confidence at T is 1 / (1 + Σ exp(−gap / T)). At most ``BUDGET``
    gaps in all: of larger sets the first examples.
    """
    runs = list(runs)
    K = runs[0].arrays["val_logits"].shape[-1]
    limit = max(1, BUDGET // (len(runs) * (K - 1)))
    rows = []
    for run in runs:
        logits = run.arrays["val_logits"][:limit].astype(np.float64)
        targets = run.arrays["val_targets"][:limit].astype(int)
        order = np.argsort(-logits, axis=1, kind="stable")
        gaps = logits.max(1, keepdims=True) - np.take_along_axis(logits, order, 1)
        rows.append({
            "alpha": run.recipe.alpha,
            "seed": run.recipe.seed,
            "gaps": np.rint(gaps[:, 1:] / STEP).astype(int).tolist(),
            "rank": (order == targets[:, None]).argmax(1).tolist(),
        })
    return pd.DataFrame(rows)


def reliability(
    runs: Sequence[Any],
    title: str,
    note: str = "",
    alpha: float = 0.05,
    seed: int = 0,
    T: float = 1.9,
    bins: int = 15,
    bound: bool = True,
) -> alt.VConcatChart:
    """Figure 2's diagram for hard targets, hard targets at T, and smoothing, with counts.

    Parameters
    ----------
    runs
        Hard and smoothed runs; one of each for every seed to choose.
    title, note
        What to see, and what the networks are.
    alpha, seed, T, bins
        Where the controls start: the paper's setting.
    bound
        Whether the chart has controls of its own.
    """
    frame = gap_frame(runs)
    smoothed = sorted(set(frame["alpha"]) - {0.0})
    seeds = sorted(set(frame["seed"]))
    start = {
        "alpha": min(smoothed, key=lambda a: abs(a - alpha)),
        "seed": seed if seed in seeds else seeds[0],
        "T": T,
        "bins": bins,
    }
    controls = {
        "T": alt.binding_range(min=0.5, max=4, step=0.05, name="temperature T "),
        "bins": alt.binding_range(min=5, max=50, step=1, name="bins "),
        "alpha": alt.binding_select(options=smoothed, name="α "),
        "seed": alt.binding_select(options=seeds, name="seed "),
    }
    if len(seeds) == 1:
        del controls["seed"]
    bind = controls if bound else {}
    params = [alt.param(name=name, value=value, **({"bind": bind[name]} if name in bind else {}))
              for name, value in start.items()]

    K = len(frame["gaps"][0][0]) + 1
    table = _binned(alt.Chart(frame), K)
    plots = alt.hconcat(_diagram(table), _counts(table), spacing=24)
    return alt.vconcat(_readout(table), plots, spacing=12).add_params(*params).properties(
        title=alt.Title(title, subtitle=note))


def _binned(chart: alt.Chart, K: int) -> alt.Chart:
    """A row a series and bin: count, mean confidence and accuracy, and the series' metrics."""
    total = " + ".join(f"exp(-{STEP} * datum.gaps[{k}] / datum.t)" for k in range(K - 1))
    return (
        chart.transform_filter("datum.seed == seed && (datum.alpha == 0 || datum.alpha == alpha)")
        .transform_calculate(series="datum.alpha == 0 ? ['hard', 'scaled'] : ['smoothed']")
        .transform_flatten(["series"])
        .transform_flatten(["gaps", "rank"])
        .transform_calculate(t="datum.series == 'scaled' ? T : 1")
        .transform_calculate(others=total)
        .transform_calculate(
            confidence="1 / (1 + datum.others)",
            right="datum.rank == 0 ? 1 : 0",
            loss=f"(datum.rank == 0 ? 0 : {STEP} * datum.gaps[datum.rank - 1] / datum.t)"
                 " + log(1 + datum.others)")
        .transform_calculate(bin="max(0, ceil(datum.confidence * bins) - 1)")
        .transform_aggregate(
            groupby=["series", "bin"], count="count()", confidence="mean(confidence)",
            accuracy="mean(right)", loss="sum(loss)")
        .transform_calculate(
            error="datum.count * abs(datum.accuracy - datum.confidence)",
            hits="datum.count * datum.accuracy",
            lower="datum.bin / bins", upper="(datum.bin + 1) / bins")
    )


def _look() -> dict[str, Any]:
    names = list(SERIES)
    colours, shapes, dashes = zip(*SERIES.values())
    return {
        "color": alt.Color("series:N", legend=None, scale=alt.Scale(domain=names, range=list(colours))),
        "shape": alt.Shape("series:N", legend=None, scale=alt.Scale(domain=names, range=list(shapes))),
        "strokeDash": alt.StrokeDash(
            "series:N", legend=None, scale=alt.Scale(domain=names, range=list(dashes))),
    }


_NAME = ("datum.series == 'hard' ? 'hard targets' : datum.series == 'scaled' ? "
         "'hard, T = ' + format(T, '.2f') : 'smoothing, α = ' + alpha")


def _readout(table: alt.Chart) -> alt.LayerChart:
    """Name, ECE, NLL and accuracy of each series; the diagram's legend at once."""
    look = _look()
    rows = (
        table.transform_aggregate(
            groupby=["series"], n="sum(count)", error="sum(error)", loss="sum(loss)", hits="sum(hits)")
        .transform_calculate(
            name=_NAME, ece="format(datum.error / datum.n, '.4f')",
            nll="format(datum.loss / datum.n, '.3f')", accuracy="format(datum.hits / datum.n, '.1%')")
        .encode(y=alt.Y("series:N", sort=list(SERIES), axis=None))
    )
    columns = {"ECE": ("ece", 0.58), "NLL (nats)": ("nll", 0.8), "accuracy": ("accuracy", 1)}
    keys = rows.mark_point(filled=True, size=70, opacity=1).encode(
        x=_across(0.02), color=look["color"], shape=look["shape"])
    names = rows.mark_text(align="left").encode(x=_across(0.05), text="name:N")
    layers = [keys, names]
    for column, (field, x) in columns.items():
        layers.append(rows.mark_text(align="right", fontWeight=600).encode(
            x=_across(x), text=f"{field}:N"))
        head = alt.Chart(pd.DataFrame([{"head": column}])).mark_text(align="right", baseline="bottom")
        layers.append(head.encode(x=_across(x), y=alt.value(-2), text="head:N"))
    return alt.layer(*layers).properties(width=340, height=66)


def _across(share: float) -> alt.XDatum:
    """A place on the width of the readout, which shrinks with the page."""
    return alt.XDatum(share, type="quantitative", axis=None, scale=theme.unit_scale())


def _diagram(table: alt.Chart) -> alt.LayerChart:
    look = _look()
    x = alt.X("confidence:Q", title="confidence, mean of the bin", scale=theme.unit_scale())
    y = alt.Y("accuracy:Q", title="accuracy in the bin", scale=theme.unit_scale())
    ends = pd.DataFrame({"confidence": [0.0, 1.0], "accuracy": [0.0, 1.0]})
    perfect = alt.Chart(ends).mark_line(
        strokeDash=list(theme.DASH), color=theme.REFERENCE, strokeWidth=1.2).encode(x, y)
    word = alt.Chart(pd.DataFrame([{"confidence": 0.3, "accuracy": 0.3, "word": "perfect calibration"}]))
    label = word.mark_text(angle=315, dy=-8, color=theme.REFERENCE).encode(x, y, text="word:N")
    lines = table.mark_line(strokeWidth=1.2, opacity=0.8).encode(
        x, y, order="bin:Q", color=look["color"], strokeDash=look["strokeDash"])
    size = alt.Size("count:Q", legend=None, scale=alt.Scale(range=[12, 190]))
    points = table.mark_point(filled=True, opacity=0.9).encode(
        x, y, size=size, color=look["color"], shape=look["shape"], tooltip=[
            alt.Tooltip("series:N"), alt.Tooltip("count:Q", title="examples"),
            alt.Tooltip("confidence:Q", format=".3f"), alt.Tooltip("accuracy:Q", format=".3f")])
    return alt.layer(perfect, label, lines, points).properties(width=340, height=340)


def _counts(table: alt.Chart) -> alt.VConcatChart:
    """Examples in each bin, a strip a series."""
    look = _look()
    strips = []
    for series in SERIES:
        last = series == "smoothed"
        strips.append(
            table.transform_filter(f"datum.series == '{series}'")
            .mark_bar(stroke=None)
            .encode(
                x=alt.X("lower:Q", scale=theme.unit_scale(), title="confidence" if last else None,
                        axis=alt.Axis(labels=last, grid=False)),
                x2="upper:Q",
                y=alt.Y("count:Q", title=None, axis=alt.Axis(tickCount=3)),
                y2=alt.datum(0),
                color=look["color"])
            .properties(width=220, height=96, **(
                {"title": alt.Title("examples in the bin", fontSize=12, fontWeight="normal", offset=4)}
                if series == "hard" else {})))
    return alt.vconcat(*strips, spacing=14).resolve_scale(y="shared")


# Calibration against alpha


def ece_chart(frame: pd.DataFrame) -> alt.HConcatChart:
    """ECE as trained and after temperature scaling, and the best temperature, against α.

    ``frame`` is that of `lsbook.runs.tables.metrics`; the paper's values of ResNet-56 on CIFAR-100
    stand beside as hollow diamonds.
    """
    published = [n for n in paper.numbers(place="Table 3") if n.dataset == "cifar100"]
    ece = pd.DataFrame([{"alpha": n.alpha, "value": n.value} for n in published if n.symbol == "ECE"])
    best = pd.DataFrame([{"alpha": n.alpha, "value": n.value} for n in published if n.symbol != "ECE"])
    trained = against_alpha(frame, "val_ece", "ECE")
    scaled = against_alpha(frame, "ece_at_optimal_T", "ECE", theme.TEMPERATURE, (6, 3), "square")
    T = against_alpha(frame, "optimal_T", "temperature of least NLL", theme.TEMPERATURE, (6, 3), "square")
    one = alt.Chart(pd.DataFrame({"T": [1.0]})).mark_rule(
        strokeDash=list(theme.DASH), color=theme.REFERENCE).encode(y="T:Q")
    names = pd.DataFrame([
        _end(frame, "val_ece", "as trained"), _end(frame, "ece_at_optimal_T", "after temperature")])
    words = alt.Chart(names.dropna()).mark_text(align="right", dy=-12, dx=4).encode(
        x="alpha:Q", y="value:Q", text="word:N")
    left = alt.layer(trained, scaled, _diamonds(ece), words).properties(width=290, height=250)
    right = alt.layer(one, T, _diamonds(best)).properties(width=230, height=250)
    return alt.hconcat(left, right, spacing=24).properties(title=alt.Title(
        "A little smoothing calibrates, more of it makes the network too modest",
        subtitle="faint: each seed; band: least to greatest seed; "
                 "hollow diamonds: the paper, ResNet-56 on CIFAR-100"))


def _end(frame: pd.DataFrame, name: str, word: str) -> dict[str, Any]:
    means = frame.groupby("alpha")[name].mean().dropna()
    last = means.index[-1] if len(means) else float("nan")
    return {"alpha": last, "value": means.get(last), "word": word}


def _diamonds(frame: pd.DataFrame) -> alt.Chart:
    return alt.Chart(frame).mark_point(
        shape="diamond", filled=False, color=theme.INK, size=110, strokeWidth=1.6, opacity=1,
    ).encode(x="alpha:Q", y="value:Q", tooltip=[alt.Tooltip("alpha:Q", title="α, the paper"),
                                                alt.Tooltip("value:Q", title="value, the paper")])


# Table 3


def table_3(runs: Iterable[Any], alpha: float | None = None) -> pd.DataFrame:
    """Table 3: ECE of hard targets, at the best temperature, and with smoothing; paper and ours.

    Ours is the mean over seeds with the least and the greatest, of the longest schedule that was
    run. ``alpha`` replaces the paper's for our runs.
    """
    grouped = groups(runs)
    rows = []
    for dataset, model, recipe, strength in _TABLE_3:
        network = f"{MODELS[model]}, {_NAMES[dataset]}"
        if paper.numbers(place="Table 3", dataset=dataset, model=model):
            rows.append({"network": network, "whose": "the paper"} | {
                head: f"{paper.number(f'table3/{dataset}/{model}/{key}').value:g}"
                for head, (key, _) in _COLUMNS.items()} | {"α": f"{strength:g}"})
        ours = strength if alpha is None else alpha
        group = next(iter(grouped.get(recipe, [])), None)
        if group is None:
            rows.append({"network": network, "whose": "ours", "hard": "not yet run"})
            continue
        scale = group.runs[0].recipe.scale
        whose = "ours" if scale == 1 else f"ours, {scale:.2g} of the schedule"
        rows.append({"network": network, "whose": whose} | {
            head: _measured(group, name, ours if head == "smoothed" else 0.0)
            for head, (_, name) in _COLUMNS.items()} | {"α": f"{ours:g}"})
    return pd.DataFrame(rows).fillna("")


_COLUMNS = {
    "hard": ("hard", "val_ece"),
    "with temperature": ("scaled", "ece_at_optimal_T"),
    "best T": ("temperature", "optimal_T"),
    "smoothed": ("smoothed", "val_ece"),
}


def _measured(group: Group, name: str, alpha: float) -> str:
    runs = group.alone(alpha)
    values = {seed: run.metrics[name] for seed, run in runs.items() if run.metrics.get(name) is not None}
    return spread_text(Spread.of("", values), name) if values else "not yet run"


# Words and numbers of the chapter


def place(network: str, run: Any) -> str:
    """What a panel of Figure 2 says of the network it was drawn for in the paper."""
    recipe = run.recipe
    if network == f"{MODELS[recipe.model]} on {DATASETS[recipe.dataset]}":
        return network if recipe.scale == 1 else f"{network}, {recipe.scale:.2g} of the schedule"
    return (f"{network}: not yet run here; in its place "
            f"{MODELS[recipe.model]} on {DATASETS[recipe.dataset]}")


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
    return text + (f"Among the α that all seeds were run at, its mean is {common[0.0]:.3f} with hard targets and "
                   f"least at α = {common.idxmin():g}, {common.min():.3f}.")


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
                "network": f"{name}, best T" if scaled else name,
                "T": np.mean(Ts),
                "accuracy": mean["val_accuracy"],
                "ECE": mean[keys[0]],
                "NLL": mean[keys[1]],
                "errors in the surer half": np.mean(
                    [selective_error(run, T) for run, T in zip(members, Ts)]),
            })
    return pd.DataFrame(rows)


def selective_text(runs: Sequence[Any], alpha: float) -> str:
    """The errors in the surer half, hard against smoothed, seed by seed, in a sentence."""
    by = {a: {run.recipe.seed: selective_error(run) for run in runs if run.recipe.alpha == a}
          for a in (0.0, alpha)}
    seeds = sorted(by[0.0].keys() & by[alpha].keys())
    hard, soft = (np.mean([by[a][seed] for seed in seeds]) for a in (0.0, alpha))
    more = sum(by[alpha][seed] > by[0.0][seed] for seed in seeds)
    return (f"Among the half of the examples that a network is surest of, {hard:.1%} are wrong with hard "
            f"targets and {soft:.1%} with α = {alpha:g}; smoothing has the more errors there in {more} of "
            f"{len(seeds)} seed{'s' * (len(seeds) > 1)}.")

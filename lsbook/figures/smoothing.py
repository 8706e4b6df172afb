"""Figures of the introduction: label smoothing itself, its conventions, and the gap it sets."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import torch

from lsbook.figures import theme
from lsbook.figures.scale import scaled_setting
from lsbook.losses import disturb_labels, smoothed_targets
from lsbook.validation import check_alpha

GAPS = (-4.0, 14.0)
DRAWS = 200_000
SHOWN = 1000
LABEL_AT = {"hard": 13.4, "smoothed": 9.4}


def optimum_gap(alpha: float, K: int) -> float:
    """The logit gap of least loss, log((1 − α + α/K) / (α/K)), all wrong logits being equal.

    Infinite at alpha = 0: the loss of a hard target falls for ever.

    Raises
    ------
    ValueError
        If alpha lies outside [0, 1] or K is below 2.
    """
    check_alpha(alpha)
    if K < 2:
        raise ValueError(f"K is the number of classes, at least 2; got {K}.")
    return math.log((1 - alpha + alpha / K) / (alpha / K)) if alpha > 0 else math.inf


def landscape_frame(alpha: float, K: int) -> pd.DataFrame:
    """Loss in nats and its slope against the logit gap, for hard and for smoothed targets.

    The gap is the right logit less the wrong ones, which are all equal. Columns: ``gap``,
    ``target`` (``hard``, ``smoothed``), ``loss``, ``slope``.
    """
    gap = np.arange(GAPS[0], GAPS[1] + 0.05, 0.1).round(1)
    wrong = (K - 1) * np.exp(-gap)
    parts = []
    for target, a in (("hard", 0.0), ("smoothed", check_alpha(alpha))):
        pull = a * (K - 1) / K
        parts.append(pd.DataFrame({
            "gap": gap, "target": target, "loss": np.log1p(wrong) + pull * gap,
            "slope": pull - wrong / (1 + wrong),
        }))
    return pd.concat(parts, ignore_index=True)


_COLOUR = alt.Color(
    "target:N", scale=alt.Scale(domain=["hard", "smoothed"], range=[theme.HARD, theme.SMOOTH]),
    legend=None,
)
_OPTIMUM = "log((1 - alpha + alpha / K) / (alpha / K))"
_SHARE = "(datum.target == 'hard' ? 0 : alpha)"


def landscape(alpha: float = 0.1, K: int = 10) -> alt.VConcatChart:
    """Targets, loss and slope against the logit gap, driven by sliders for α and K."""
    alpha_slider = alt.param(
        name="alpha", value=alpha, bind=alt.binding_range(min=0, max=0.9, step=0.01, name="α "))
    K_slider = alt.param(
        name="K", value=K, bind=alt.binding_range(min=2, max=1000, step=1, name="classes K "))
    frame = landscape_frame(alpha, K)
    curves = (
        alt.Chart(frame)
        .transform_calculate(
            pull=f"{_SHARE} * (K - 1) / K", wrong="(K - 1) * exp(-datum.gap)")
        .transform_calculate(
            loss="log(1 + datum.wrong) + datum.pull * datum.gap",
            slope="datum.pull - datum.wrong / (1 + datum.wrong)")
    )
    loss = _panel(curves, "loss", "loss (nats)", [0, 10], 190, hard_label=-9)
    slope = _panel(curves, "slope", "slope of the loss", [-1, 1], 150, hard_label=11)
    return (
        alt.vconcat(_targets(alpha, K), loss, slope, spacing=14)
        .add_params(alpha_slider, K_slider)
        .properties(title=alt.Title(
            "Smoothing gives the logit gap a place to stop",
            subtitle="one example of K classes; gap = right logit − wrong logits, all equal"))
    )


def _targets(alpha: float, K: int) -> alt.LayerChart:
    right = {"hard": 1.0, "smoothed": 1 - alpha + alpha / K}
    frame = pd.DataFrame([
        {"target": target, "class": name, "probability": p}
        for target, p in right.items()
        for name, p in (("the right class", p), ("each wrong class", (1 - p) / (K - 1)))
    ])
    bars = (
        alt.Chart(frame)
        .transform_calculate(
            probability=f"{_SHARE} / K + (datum.class == 'the right class' ? 1 - {_SHARE} : 0)")
        .transform_calculate(label="datum.target + '  ' + format(datum.probability, '.4~f')")
        .encode(
            y=alt.Y("class:N", title=None,
                    scale=alt.Scale(domain=["the right class", "each wrong class"])),
            yOffset=alt.YOffset("target:N", scale=alt.Scale(domain=["hard", "smoothed"])),
            x=alt.X("probability:Q", title="target probability",
                    scale=alt.Scale(domain=[0, 1.25], nice=False),
                    axis=alt.Axis(values=[0, 0.25, 0.5, 0.75, 1], format="~g")),
        )
    )
    return (bars.mark_bar().encode(color=_COLOUR)
            + bars.mark_text(align="left", dx=4).encode(text="label:N")).properties(height=104)


def _panel(
    curves: alt.Chart, field: str, title: str, domain: list, height: int, hard_label: int
) -> alt.LayerChart:
    x = alt.X("gap:Q", title="logit gap", scale=alt.Scale(domain=list(GAPS), nice=False),
              axis=alt.Axis(tickCount=9))
    y = alt.Y(f"{field}:Q", title=title, scale=alt.Scale(domain=domain, nice=False))
    lines = curves.mark_line(clip=True).encode(x, y, _COLOUR)
    names = [
        curves.transform_filter(f"datum.target == '{target}' && datum.gap == {LABEL_AT[target]}")
        .mark_text(align="right", dy=dy, clip=True).encode(x, y, text="target:N")
        for target, dy in (("hard", hard_label), ("smoothed", -9))
    ]
    best = (
        alt.Chart(pd.DataFrame({"target": ["smoothed"]}))
        .transform_filter("alpha > 0")
        .transform_calculate(gap=_OPTIMUM)
        .transform_calculate(label="'least loss at ' + format(datum.gap, '.2f')")
    )
    rule = best.mark_rule(strokeDash=list(theme.DASH), color=theme.REFERENCE).encode(x="gap:Q")
    near = f"{_OPTIMUM} < 5"
    mark = best.mark_text(
        align=alt.expr(f"{near} ? 'left' : 'right'"), dx=alt.expr(f"{near} ? 6 : -6")
    ).encode(
        x="gap:Q", y=alt.value(14), text="label:N")
    return alt.layer(lines, *names, rule, mark).properties(height=height)


def _definitions(alpha: float, K: int) -> list[tuple[str, str, torch.Tensor]]:
    one_hot = torch.eye(K, dtype=torch.float64)[1]
    not_padding = torch.ones(K, dtype=torch.float64)
    not_padding[0] = 0
    zipf = 1 / torch.arange(1, K + 1, dtype=torch.float64)
    priors = (
        ("uniform over K", "the paper, torch, timm", torch.ones(K, dtype=torch.float64)),
        ("uniform over the K − 1 wrong", "fairseq, tensor2tensor", 1 - one_hot),
        ("uniform over K − 2, padding left out", "JoeyNMT, Annotated Transformer",
         not_padding - one_hot),
        ("unigram prior", "Chorowski & Jaitly, Pereyra et al.", zipf),
    )
    return [(name, used, smoothed_targets(torch.tensor(1), K, alpha, prior / prior.sum()))
            for name, used, prior in priors]


def conventions(alpha: float, K: int, seed: int = 0) -> pd.DataFrame:
    """The target that five definitions of label smoothing give to one example of class 1.

    Class 0 plays the padding token, which only the convention of two fewer classes leaves out.
    The unigram prior is Zipf's, p ∝ 1/rank, the right class being second. DisturbLabel draws
    labels at random; shown is the mean of many draws.

    Parameters
    ----------
    alpha : float in [0, 1]
    K : int
        Number of classes, at least 3.
    seed : int
        Of DisturbLabel's draws.

    Returns
    -------
    DataFrame
        Columns ``convention``, ``used by``, ``right``, ``wrong`` (a class other than 0 and 1),
        ``class 0``, ``paper's α``: the α with which the paper's definition gives the right class
        as much.
    """
    check_alpha(alpha)
    if K < 3:
        raise ValueError(f"The conventions differ from 3 classes on; got K = {K}.")
    rows = _definitions(alpha, K)
    random = torch.Generator().manual_seed(seed)
    drawn = disturb_labels(torch.ones(DRAWS, dtype=torch.long), K, alpha, generator=random)
    rows.append(("random labels, on average", "DisturbLabel", drawn.bincount(minlength=K) / DRAWS))
    return pd.DataFrame([
        {"convention": name, "used by": used, "right": float(y[1]), "wrong": float(y[2]),
         "class 0": float(y[0]), "paper's α": float((1 - y[1]) * K / (K - 1))}
        for name, used, y in rows
    ])


def convention_gaps(alphas: Iterable[float], Ks: Iterable[int]) -> pd.DataFrame:
    """The gap of least loss under the three uniform conventions.

    Columns ``alpha``, ``K``, ``convention``, ``used by``, ``gap``.
    """
    return pd.DataFrame([
        {"alpha": alpha, "K": K, "convention": name, "used by": used,
         "gap": float((y[1] / y[2]).log())}
        for alpha in alphas for K in Ks for name, used, y in _definitions(alpha, K)[:3]
    ])


def conventions_chart(alpha: float = 0.1) -> alt.Chart:
    """The gap of least loss against K for the three uniform conventions, α on a slider."""
    alphas = sorted({round(0.05 * step, 2) for step in range(1, 19)} | ({alpha} - {0.0, 1.0}))
    Ks = sorted({round(3 * 10 ** (step / 10)) for step in range(21)})
    frame = convention_gaps(alphas, Ks)
    start = min(alphas, key=lambda a: abs(a - alpha))
    slider = alt.param(name="alpha", value=start,
                       bind=alt.binding_select(options=alphas, name="α "))
    base = (
        alt.Chart(frame).add_params(slider).transform_filter("datum.alpha == alpha")
        .encode(
            x=alt.X("K:Q", title="classes K",
                    scale=alt.Scale(type="log", domain=[3, 300], nice=False),
                    axis=alt.Axis(values=[3, 10, 30, 100, 300], format="~s")),
            y=alt.Y("gap:Q", title="logit gap of least loss"),
        )
    )
    names = list(frame["used by"].unique())
    style = alt.StrokeDash("used by:N", sort=names, title=None, scale=alt.Scale(
        domain=names, range=[[1, 0], [8, 4], [2, 3]]), legend=alt.Legend(columns=1, labelLimit=320))
    return base.mark_line(color=theme.SMOOTH).encode(strokeDash=style).properties(
        title=alt.Title("The conventions part at few classes and meet at many",
                        subtitle="the same α, three ways to share it out"))


def gap_frame(runs: Iterable[Any]) -> pd.DataFrame:
    """Logit gaps of the recorded training examples: right logit less the mean of the wrong ones.

    Columns ``alpha``, ``seed``, ``gap``; at most ``SHOWN`` examples a run, evenly spaced.

    Raises
    ------
    ValueError
        If a run keeps the logits of some classes only: the mean of the wrong ones is not known.
    """
    parts = []
    for run in runs:
        if "shown_classes" in run.arrays:
            raise ValueError(
                f"Run {run.recipe.hash} keeps the logits of some classes only; train it again with "
                "lsbook.runs.whole.")
        logits, targets = run.arrays["train_logits"], run.arrays["train_targets"].astype(int)
        K = logits.shape[-1]
        right = np.take_along_axis(logits, targets[:, None], -1)[:, 0]
        gap = (right - logits.mean(-1)) * K / (K - 1)
        gap = gap[:: max(1, math.ceil(len(gap) / SHOWN))]
        parts.append(pd.DataFrame(
            {"alpha": run.recipe.alpha, "seed": run.recipe.seed, "gap": gap.round(3)}))
    return pd.concat(parts, ignore_index=True)


def gap_told(pair: Iterable[Any]) -> str:
    """Between which gaps half of the training examples lie, run by run, and the gap of least loss.
    """
    runs = list(pair)
    words = []
    for run in runs:
        low, high = gap_frame([run])["gap"].quantile([0.25, 0.75])
        alpha, K = run.recipe.alpha, len(run.arrays["templates"])
        least = f", the loss being least at {optimum_gap(alpha, K):.1f}" if alpha else ""
        words.append(f"with {_name(alpha)} between {low:.1f} and {high:.1f}{least}")
    return f"{scaled_setting(runs[0].recipe)}: {'; '.join(words)}"


def gap_chart(frame: pd.DataFrame, K: int) -> alt.LayerChart:
    """Histogram of the gaps for each α, with the gap of least loss as a dashed line."""
    alphas = sorted(frame["alpha"].unique())
    frame = frame.assign(name=frame["alpha"].map(_name))
    names = [_name(alpha) for alpha in alphas]
    scale = alt.Scale(domain=names, range=[theme.smooth(alpha) for alpha in alphas])
    histogram = alt.Chart().mark_bar(opacity=0.85).encode(
        x=alt.X("gap:Q", bin=alt.Bin(maxbins=80), axis=alt.Axis(grid=False),
                title="logit gap of a training example: right − mean of wrong"),
        y=alt.Y("count()", title="examples"),
        color=alt.Color("name:N", scale=scale, legend=None),
    )
    rule = alt.Chart().transform_filter("isValid(datum.optimum)").mark_rule(
        strokeDash=list(theme.DASH), color=theme.INK, strokeWidth=1.5).encode(x="min(optimum):Q")
    optima = {alpha: optimum_gap(alpha, K) if alpha > 0 else None for alpha in alphas}
    frame["optimum"] = frame["alpha"].map(optima)
    return (
        alt.layer(histogram, rule, data=frame)
        .properties(height=130)
        .facet(row=alt.Row("name:N", sort=names, title=None))
        .resolve_scale(y="independent")
        .properties(title=alt.Title(
            "Training stops the gap where the loss is least",
            subtitle="dashed: the gap of least loss; hard targets have none"))
    )


def _name(alpha: float) -> str:
    return "hard targets" if alpha == 0 else f"α = {alpha:g}"

"""Figures of section 3 on translation: calibration of the next word, BLEU, and known truth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from scipy import stats

from lsbook import paper
from lsbook.data import Grammar
from lsbook.estimators.templates import geometry, project_logits
from lsbook.figures import theme
from lsbook.figures.markup import markdown
from lsbook.figures.representations import DISTINCT, SHAPES, on_plane
from lsbook.figures.scale import in_words
from lsbook.figures.signed import signed
from lsbook.figures.sweep import against_alpha
from lsbook.ledger import Group, groups
from lsbook.recipes import CATALOGUE
from lsbook.runs import tables
from lsbook.runs.best import of_hard_seeds
from lsbook.runs.tables import uncased_bleu
from lsbook.training.data import text_of

LEVELS = 1000
CELL = 0.05
ENOUGH = 15
ALIKE = 0.2
PER_WORD = 80
PLANE_LEVELS = 500
CURVES = {"bleu": "BLEU", "ece": "ECE", "nll": "NLL (nats a token)"}
_BLEU = "table1/en-de/transformer/BLEU"
TEXTS = {"grammar": "Grammar (lab)", "multi30k": "Multi30k"}
SERIES = {
    "hard": (theme.HARD, "circle", [1, 0]),
    "scaled": (theme.TEMPERATURE, "square", [6, 3]),
    "smoothed": (theme.SMOOTH, "triangle-up", [2, 2]),
}
"""Colour, shape and dash of hard targets, hard targets with temperature, and smoothing."""

RECIPES = ("paper/transformer-multi30k", "lab/transformer-grammar")
SIZES = "lab/transformer-sizes"
TEST_SETS = {
    "test": "test_2016_flickr", "newstest2015": "newstest2015, other domain",
}


# Controls and looks


def _alpha_param(frame: pd.DataFrame, alpha: float, bound: bool = True) -> alt.Parameter:
    smoothed = sorted(set(frame["alpha"]) - {0.0})
    start = min(smoothed, key=lambda a: abs(a - alpha))
    picker = alt.binding_select(options=smoothed, name="α ")
    return _param("alpha", start, picker, bound and len(smoothed) > 1)


def _param(name: str, value: Any, bind: Any, bound: bool = True) -> alt.Parameter:
    return alt.param(name=name, value=value, **({"bind": bind} if bound else {}))


def _dashed(**ends) -> alt.Chart:
    """The grey dashed line of a reference."""
    return alt.Chart(pd.DataFrame(ends)).mark_line(
        strokeDash=list(theme.DASH), color=theme.REFERENCE, strokeWidth=1.2)


def label(recipe: Any) -> str:
    """Data, network and scale of a run, for instance "Multi30k, 2 layers of width 128, …"."""
    size = dict(recipe.size)
    layers = "1 layer" if size["layers"] == 1 else f"{size['layers']} layers"
    return f"{TEXTS[recipe.dataset]}: {layers} of width {size['d_model']}, {in_words(recipe)}"


def run_told(runs: Sequence[Any]) -> str:
    """Data, network, scale, steps and seeds of some runs, as an item of a Markdown list."""
    recipe = runs[0].recipe
    alphas = ", ".join(f"{alpha:g}" for alpha in sorted({run.recipe.alpha for run in runs}))
    seeds = len({run.recipe.seed for run in runs})
    return (
        f"- **{label(recipe)}**: {recipe.total_steps:,} steps of {recipe.batch_size:,} tokens, "
        f"α = {alphas}, " + (f"{seeds} seeds." if seeds > 1 else "one seed."))


def detailed(runs: Iterable[Any], seed: int = 0) -> list[Any]:
    """One run an alpha that keeps its token confidences, of ``seed`` where there is one.

    Raises
    ------
    ValueError
        If none keeps them.
    """
    chosen: dict[float, Any] = {}
    for run in runs:
        if "token_confidence" in run.arrays:
            alpha = run.recipe.alpha
            if alpha not in chosen or run.recipe.seed == seed:
                chosen[alpha] = run
    if not chosen:
        raise ValueError(
            "No run keeps token confidences; train one with get(recipe, retrain=True).")
    return [chosen[alpha] for alpha in sorted(chosen)]


def paired(runs: Iterable[Any]) -> list[Any]:
    """The runs that keep token confidences, of the seeds that have a hard one among them."""
    return of_hard_seeds([run for run in runs if "token_confidence" in run.arrays])


def nearest(runs: Iterable[Any], alpha: float) -> float:
    """The recorded smoothing strength nearest to ``alpha``, 0 aside."""
    return min({run.recipe.alpha for run in runs} - {0.0}, key=lambda a: abs(a - alpha))


# What smoothing changes, by the size of the text


def changes(runs: Iterable[Any]) -> pd.DataFrame:
    """What smoothing changes at T = 1 against hard targets of the same seed and text.

    One row a number of training sentences, α and seed: ``sentences``, ``alpha``, ``seed``, and the
    differences of ``bleu``, ``ece`` and ``nll``.
    """
    runs = {(run.recipe.sentences, run.recipe.alpha, run.recipe.seed): run for run in runs}
    names = {"bleu": "bleu", "ece": "val_ece", "nll": "val_nll"}
    return pd.DataFrame([
        {"sentences": n, "alpha": a, "seed": s} | {
            short: run.metrics[name] - runs[n, 0.0, s].metrics[name]
            for short, name in names.items()}
        for (n, a, s), run in sorted(runs.items()) if a > 0 and (n, 0.0, s) in runs])


def changes_table(runs: Iterable[Any]) -> pd.DataFrame:
    """`changes` as mean and 95 % interval over seeds (Student's t), a row a size and α."""
    rows = []
    for (n, alpha), found in changes(runs).groupby(["sentences", "alpha"]):
        rows.append({"sentences": f"{n:,}", "α": f"{alpha:g}"} | {
            title: _interval(found[name], digits)
            for name, title, digits in (("bleu", "BLEU", 1), ("ece", "ECE", 3), ("nll", "NLL", 3))}
            | {"seeds": len(found)})
    return pd.DataFrame(rows)


def _interval(values: pd.Series, digits: int) -> str:
    mean, n = values.mean(), len(values)
    half = stats.t.ppf(0.975, n - 1) * values.std() / n**0.5 if n > 1 else float("nan")
    return f"{signed(mean, digits)} ({signed(mean - half, digits)} to {signed(mean + half, digits)})"


def changes_told(runs: Sequence[Any]) -> str:
    """At which sizes BLEU and the likelihood get better or worse with smoothing."""
    means = changes(runs).groupby(["alpha", "sentences"])[["bleu", "ece", "nll"]].mean()
    said = []
    for alpha in means.index.unique("alpha"):
        own = means.loc[alpha]
        worse, calmer = own.index[own["nll"] > 0], own.index[own["ece"] < 0]
        said.append(
            f"With α = {alpha:g} BLEU rises by {own['bleu'].min():.1f} to {own['bleu'].max():.1f} "
            f"at every size; the likelihood is worse {_sizes_told(worse, own.index)}, and the ECE "
            f"lower {_sizes_told(calmer, own.index)}."
            if (own["bleu"] > 0).all() else
            f"With α = {alpha:g} BLEU does not rise at every size.")
    both = paradoxical(runs)
    if both:
        said.append(f"All three of the paper's findings at once, with α = 0.05: at "
                    f"{' and '.join(f'{n:,}' for n in both)} sentences.")
    return " ".join(said)


def _sizes_told(some: Sequence[int], every: Sequence[int]) -> str:
    if len(some) in (0, len(every)):
        return "at every size" if len(some) else "at none"
    return f"at {', '.join(f'{n:,}' for n in some)}"


def paradoxical(runs: Iterable[Any], alpha: float = 0.05) -> list[int]:
    """Sizes at which, on average, BLEU and ECE are better with ``alpha`` and the NLL is worse."""
    means = changes(runs).query("alpha == @alpha").groupby("sentences")[["bleu", "ece", "nll"]].mean()
    held = (means["bleu"] > 0) & (means["ece"] < 0) & (means["nll"] > 0)
    return held.index[held].tolist()


# Figure 3: reliability of the next word


def fitted_temperature(run: Any) -> float:
    """The recorded temperature of least NLL."""
    return float(f"{run.arrays['curve_T'][run.arrays['curve_nll'].argmin()]:.3g}")


def reliability_told(runs: Iterable[Any], alpha: float) -> str:
    """What the diagrams say of one hard and one smoothed network, in Markdown."""
    kept = paired(runs)
    hard = kept[0]
    smoothed = next(run for run in kept if run.recipe.alpha == alpha)
    one = int(np.abs(hard.arrays["curve_T"] - 1).argmin())
    sure = hard.arrays["token_confidence"][one] > 0.9
    T = fitted_temperature(hard)
    before, scaled = (at_temperature(hard, "ece", at) for at in (1, T))
    after = at_temperature(smoothed, "ece", 1)
    return (
        f"**{label(hard.recipe)}** (seed {hard.recipe.seed}). With hard targets the model is more "
        f"than 90 % sure of {sure.mean():.0%} of {len(sure):,} tokens, and right in "
        f"{hard.arrays['token_correct'][sure].mean():.0%} of those. Its ECE is {before:.3f}; "
        f"at the T of least NLL, {T:g}, it is {scaled:.3f}; with α = {alpha:g} and no temperature "
        f"it is {after:.3f}. "
        + ("Smoothing calibrates, as in the paper." if after < before else
           "**The effect does not appear here**: smoothing does not lower the ECE."))


# Figure 4: BLEU, ECE and NLL against temperature


def curve_frame(runs: Iterable[Any]) -> pd.DataFrame:
    """One row a run and temperature: ``alpha``, ``seed``, ``T``, ``bleu``, ``ece``, ``nll``.

    ``below`` and ``above`` bound the temperatures that are nearest to T.
    """
    parts = []
    for run in runs:
        T = run.arrays["curve_T"].astype(float).round(3)
        middle = (T[1:] + T[:-1]) / 2
        values = {name: run.arrays[f"curve_{name}"].astype(float).round(6) for name in CURVES}
        parts.append(pd.DataFrame({
            "alpha": run.recipe.alpha, "seed": run.recipe.seed, "T": T,
            "below": np.append(0.0, middle), "above": np.append(middle, 99.0)} | values))
    return pd.concat(parts, ignore_index=True)


def _means(runs: Iterable[Any], alpha: float) -> tuple[pd.DataFrame, pd.DataFrame, set[int]]:
    """Curves against T, hard and at ``alpha``, as means over the seeds run both ways."""
    frame = curve_frame(runs)
    seeds = set.intersection(*(set(frame.loc[frame["alpha"] == a, "seed"]) for a in (0.0, alpha)))
    means = frame[frame["seed"].isin(seeds)].groupby(["alpha", "T"])[list(CURVES)].mean()
    return means.loc[0.0], means.loc[alpha], seeds


def answer(runs: Sequence[Any], alpha: float) -> str:
    """Whether a temperature gives the hard network what smoothing gives, in one plain paragraph."""
    hard, smoothed, _ = _means(runs, alpha)
    top = hard["bleu"].idxmax()
    worse = smoothed["nll"][1.0] > hard["nll"][1.0]
    return (
        f"{label(runs[0].recipe)}: without smoothing BLEU (with capitals) is "
        f"{hard['bleu'][1.0]:.1f}, and {hard['bleu'][top]:.1f} at the best temperature, "
        f"T = {top:g}. With α = {alpha:g} it is {smoothed['bleu'][1.0]:.1f} at T = 1. "
        + _by("So temperature does ", hard["bleu"][top] - smoothed["bleu"][1.0],
              "catch up here", "not catch up") + ". "
        + f"NLL goes from {hard['nll'][1.0]:.3f} to {smoothed['nll'][1.0]:.3f}: smoothing makes it "
        + ("worse." if worse else "better."))


def _by(start: str, lead: float, yes: str, no: str) -> str:
    """What a lead in BLEU says; below ``ALIKE`` no more than that it is small."""
    words = yes if lead >= 0 else no
    if abs(lead) >= ALIKE:
        return f"{start}{words}"
    return f"{start}{words}, though by {abs(lead):.2f} BLEU only, which says little"


def temperature_story(runs: Iterable[Any], alpha: float) -> str:
    """What the curves say, in Markdown: means over the seeds run both hard and at ``alpha``."""
    runs = list(runs)
    hard, smoothed, seeds = _means(runs, alpha)
    top, least_ece, least_nll = hard["bleu"].idxmax(), hard["ece"].idxmin(), hard["nll"].idxmin()
    best = smoothed["bleu"].idxmax()
    ends = " (the end of the range)" if least_ece in (hard.index[0], hard.index[-1]) else ""
    gain, cost = (smoothed[q][1.0] - hard[q][1.0] for q in ("bleu", "nll"))
    published = paper.number(f"{_BLEU}/smoothed").value - paper.number(f"{_BLEU}/hard").value
    short = hard["bleu"][top] - smoothed["bleu"][1.0]
    ece_lead = hard["bleu"][least_ece] - hard["bleu"][least_nll]
    return "\n".join((
        f"**{label(runs[0].recipe)}**, "
        + (f"mean of {len(seeds)} seeds:" if len(seeds) > 1 else f"one seed ({min(seeds)}):"),
        "",
        f"- At T = 1 smoothing with α = {alpha:g} takes BLEU (with capitals) from "
        f"{hard['bleu'][1.0]:.1f} to {smoothed['bleu'][1.0]:.1f} ({signed(gain)}; "
        f"the paper has {signed(published)}), "
        f"ECE from {hard['ece'][1.0]:.3f} to {smoothed['ece'][1.0]:.3f}, "
        f"and NLL from {hard['nll'][1.0]:.3f} to {smoothed['nll'][1.0]:.3f}, "
        + ("worse, as in the paper." if cost > 0 else
           "*better*, where the paper finds it worse. Each at its own best T, the NLL is "
           f"{hard['nll'].min():.3f} and {smoothed['nll'].min():.3f}."),
        "- Temperature alone brings the hard network to a BLEU of at most "
        f"{hard['bleu'][top]:.1f}, at T = {top:g}. "
        + _by("It ", short, "reaches the smoothed network at T = 1",
              "does not reach the smoothed network at T = 1") + ".",
        f"- The smoothed network's BLEU is best at T = {best:g} ({smoothed['bleu'][best]:.1f}).",
        f"- The hard network's ECE is least at T = {least_ece:g}{ends}, where BLEU is "
        f"{hard['bleu'][least_ece]:.1f}; its NLL at T = {least_nll:g}, where BLEU is "
        f"{hard['bleu'][least_nll]:.1f}. "
        + ("Both temperatures are the same here." if least_ece == least_nll else
           "The two guide to the same BLEU." if abs(ece_lead) < 0.005 else
           _by("That calibration is the better guide to BLEU ", ece_lead, "holds here",
               "does not hold here") + "."),
    ))


# Against alpha


def alpha_chart(frame: pd.DataFrame) -> alt.HConcatChart:
    """BLEU, ECE and NLL at T = 1 against α; ``frame`` is that of `lsbook.runs.tables.metrics`."""
    ranked = tables.means(frame, ("bleu", "val_ece", "val_nll"))
    best = ranked["bleu"].idxmax(), ranked["val_ece"].idxmin(), ranked["val_nll"].idxmin()
    panels = []
    for name, title in zip(("bleu", "val_ece", "val_nll"), CURVES.values()):
        band, *lines = against_alpha(frame, name, title).layer
        y = alt.Y("low:Q", title=title, scale=alt.Scale(zero=False))
        panels.append(alt.layer(band.encode(y=y), *lines).properties(width=205, height=190))
    return alt.hconcat(*panels, spacing=26).properties(title=alt.Title(
        "BLEU is best at α = {:g}, ECE at {:g}, NLL at {:g}".format(*best),
        subtitle="at T = 1; faint: each seed; band: least to greatest seed; blue: hard targets"))


# Against the known truth


def truth_frame(runs: Iterable[Any]) -> pd.DataFrame:
    """The model's confidence in its top word beside that word's true probability.

    Columns ``alpha``, ``part``, ``confidence``, ``truth``, ``n``. Rows of part ``cell`` count
    tokens of like confidence and truth, both rounded to ``CELL``; rows of part ``mean`` hold the
    means in each tenth of the confidence that has ``ENOUGH`` tokens.
    """
    parts = []
    for run in runs:
        both = pd.DataFrame({
            "confidence": run.arrays["truth_confidence"].astype(float),
            "truth": run.arrays["truth_probability"].astype(float)})
        cells = (both / CELL).round() * CELL
        cells = cells.groupby(["confidence", "truth"]).size().rename("n").reset_index()
        tenth = np.ceil(both["confidence"] * 10).clip(1, 10)
        grouped = both.groupby(tenth.to_numpy())
        means = grouped[["confidence", "truth"]].mean().assign(n=grouped.size())
        means = means[means["n"] >= ENOUGH]
        parts += [cells.assign(part="cell", alpha=run.recipe.alpha),
                  means.assign(part="mean", alpha=run.recipe.alpha)]
    return pd.concat(parts, ignore_index=True).round(4)


def truth_chart(frame: pd.DataFrame, vocabulary: int, alpha: float = 0.1) -> alt.HConcatChart:
    """Confidence against true probability, hard and smoothed.

    A network that fits smoothed targets exactly gives a word of true probability q the
    confidence (1 − α) q + α/V; a thin line shows where that would lie.
    """
    panels = [
        _truth_panel(frame, vocabulary, series, which, title)
        for series, which, title in (
            ("hard", "datum.alpha == 0", "'hard targets'"),
            ("smoothed", "datum.alpha == alpha", "'smoothed, α = ' + alpha"),
        )
    ]
    return alt.hconcat(*panels, spacing=28).add_params(_alpha_param(frame, alpha)).properties(
        title=alt.Title(
            "The model's confidence in its top word against the word's true probability",
            subtitle="each mark counts tokens, its area their number; "
                     f"line: mean truth where a tenth of the scale holds {ENOUGH} or more"))


def _truth_panel(
    frame: pd.DataFrame, vocabulary: int, series: str, which: str, title: str
) -> alt.LayerChart:
    colour, shape, dash = SERIES[series]
    mine = alt.Chart(frame).transform_filter(which)
    scale = alt.Scale(domain=[-0.04, 1.04], nice=False)
    axis = alt.Axis(values=[0, 0.2, 0.4, 0.6, 0.8, 1])
    x = alt.X("confidence:Q", title="confidence in the top word", scale=scale, axis=axis)
    y = alt.Y("truth:Q", title="true probability of that word", scale=scale, axis=axis)
    cells = mine.transform_filter("datum.part == 'cell'").mark_circle(
        color=colour, opacity=0.4, stroke=None,
    ).encode(x, y, tooltip=["confidence:Q", "truth:Q", alt.Tooltip("n:Q", title="tokens")],
             size=alt.Size("n:Q", legend=None, scale=alt.Scale(domain=[0, 600], range=[4, 500])))
    means = mine.transform_filter("datum.part == 'mean'")
    line = means.mark_line(color=theme.INK, strokeDash=list(dash)).encode(x, y)
    points = means.mark_point(
        color=theme.INK, shape=shape, filled=True, size=46, opacity=1,
    ).encode(x, y, tooltip=[
        alt.Tooltip("n:Q", title="tokens"), alt.Tooltip("confidence:Q", format=".3f"),
        alt.Tooltip("truth:Q", format=".3f", title="mean true probability")])
    perfect = _dashed(confidence=[0.0, 1.0], truth=[0.0, 1.0]).encode(x, y)
    layers = [perfect, cells, line, points]
    if series == "smoothed":
        asked = alt.Chart(pd.DataFrame({"truth": [0.0, 0.88, 1.0]})).transform_calculate(
            confidence=f"(1 - alpha) * datum.truth + alpha / {vocabulary}").encode(x, y)
        layers += [
            asked.mark_line(color=theme.SMOOTH, strokeWidth=1.2),
            asked.transform_filter("datum.truth == 0.88").mark_text(
                align="right", dx=-7, color=theme.SMOOTH).encode(
                    text=alt.value("what the targets ask")),
        ]
    return alt.layer(*layers).properties(
        width=290, height=290, title=alt.Title(alt.expr(title), fontSize=13, offset=8))


def truth_table(runs: Iterable[Any]) -> pd.DataFrame:
    """How far each α is from the truth: mean over seeds with the least and the greatest.

    ``KL`` is the mean divergence in nats from the grammar's next-word distribution to the
    model's; ``wrong words`` the share of top words that the grammar rules out; ``gap`` the mean
    of confidence less true probability of the top word.
    """
    rows: dict[float, list[dict[str, float]]] = {}
    for run in runs:
        truth = run.arrays["truth_probability"]
        rows.setdefault(run.recipe.alpha, []).append({
            "KL": run.metrics["true_kl"], "wrong words": float((truth == 0).mean()),
            "gap": float((run.arrays["truth_confidence"] - truth).mean()),
        })
    forms = {"KL": ("KL from the truth (nats)", "{:.3f}"),
             "gap": ("confidence − truth, mean", "{:+.3f}"),
             "wrong words": ("top word ruled out", "{:.1%}")}
    return pd.DataFrame([
        {"α": f"{alpha:g}", "seeds": len(values)} | {
            head: _range([v[name] for v in values], form) for name, (head, form) in forms.items()}
        for alpha, values in sorted(rows.items())
    ])


def _range(values: Sequence[float], form: str) -> str:
    three = (float(np.mean(values)), min(values), max(values))
    mean, low, high = (form.format(x).replace("-", "−") for x in three)
    return f"{mean} ({low} to {high})" if len(values) > 1 else f"{mean} (one seed)"


# Figure 7: three words on the plane of their templates


def word_frames(runs: Iterable[Any]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """What the browser needs to project next-word predictions on the plane of any three words.

    Returns
    -------
    examples : DataFrame
        One row an alpha and word: ``alpha``, ``part`` (``token``, ``template``), ``target``, and
        ``z``, a list of at most ``PER_WORD`` tokens, each its logits in units of ``step``.
    networks : DataFrame
        ``alpha``, ``step``, and ``gram``, the templates' inner products row by row.
    ratios : DataFrame
        ``alpha``, ``a`` < ``b`` < ``c``, and ``ratio``, spread over distance of the three
        words' tokens in their plane.
    """
    examples, networks, ratios = [], [], []
    for run in runs:
        alpha = run.recipe.alpha
        logits, targets, w = _shown_tokens(run)
        gram = w @ w.T
        step = np.abs(logits).max() / PLANE_LEVELS
        networks.append({"alpha": alpha, "step": step, "gram": gram.ravel().tolist()})
        for k in range(len(w)):
            tokens = np.rint(logits[targets == k] / step).astype(int).tolist()
            examples += [
                {"alpha": alpha, "part": "token", "target": k, "z": tokens},
                {"alpha": alpha, "part": "template", "target": k, "z": [(gram[k] / step).tolist()]},
            ]
        for three in combinations(range(len(w)), 3):
            mine = np.isin(targets, three)
            slots = np.searchsorted(three, targets[mine])
            there = project_logits(logits[np.ix_(mine, three)], w[list(three)])
            measured = geometry(there, slots, w[list(three)])
            ratios.append({"alpha": alpha, **dict(zip("abc", three)), "ratio": measured.ratio})
    return pd.DataFrame(examples), pd.DataFrame(networks), pd.DataFrame(ratios)


def _shown_tokens(run: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits and targets of at most ``PER_WORD`` tokens of each shown word, and the templates."""
    w = run.arrays["plane_templates"].astype(np.float64)
    targets = run.arrays["plane_targets"].astype(int)
    kept = np.concatenate([np.flatnonzero(targets == k)[:PER_WORD] for k in range(len(w))])
    return run.arrays["plane_logits"][kept].astype(np.float64), targets[kept], w


def looseness(run: Any) -> pd.DataFrame:
    """How loose each shown word is in one network, and how sure the network is of it.

    Columns ``word``; ``spread``, the root mean square distance of its tokens from their centre,
    mean over the planes that show it; ``share``, its mean part of the probability that the
    network gives to all shown words, where it is next.
    """
    logits, targets, w = _shown_tokens(run)
    spreads: list[list[float]] = [[] for _ in w]
    for three in map(list, combinations(range(len(w)), 3)):
        there = project_logits(logits[:, three], w[three])
        for k in three:
            mine = there[targets == k]
            spreads[k].append(np.sqrt(((mine - mine.mean(0)) ** 2).sum(1).mean()))
    shares = np.exp(logits - logits.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    return pd.DataFrame({
        "word": word_names(run), "spread": [float(np.mean(values)) for values in spreads],
        "share": [shares[targets == k, k].mean() for k in range(len(w))]})


def word_names(run: Any) -> list[str]:
    """The shown words in quotation marks, so that a comma can be seen."""
    if "plane_names" in run.arrays:
        names = [str(name) for name in run.arrays["plane_names"]]
    else:
        tokenizer = text_of(run.recipe).tokenizer
        names = [tokenizer.word(int(token)) for token in run.arrays["plane_words"]]
    return [f"“{name.replace('▁', '')}”" for name in names]


def words_plane(
    runs: Sequence[Any], names: Sequence[str], alpha: float = 0.1,
    start: Sequence[int] = (0, 1, 2),
) -> alt.HConcatChart:
    """Figure 7: predictions of any three of the shown words, hard beside smoothed.

    Parameters
    ----------
    runs
        One run an alpha, a hard one among them.
    names
        Of the shown words.
    alpha, start
        Where the pickers start.
    """
    examples, networks, ratios = word_frames(runs)
    options = list(range(len(names)))
    params = [_alpha_param(examples, alpha)] + [
        _param(name, k, alt.binding_select(
            options=options, labels=list(names), name=f"{name} word "))
        for k, name in zip(start, ("first", "second", "third"))
    ]
    base = on_plane(alt.Chart(examples), networks, names)
    panels = [
        _plane_panel(base, alt.Chart(ratios), series, which, title)
        for series, which, title in (
            ("hard", "datum.alpha == 0", "'hard targets'"),
            ("smoothed", "datum.alpha == alpha", "'smoothed, α = ' + alpha"),
        )
    ]
    return alt.hconcat(*panels, spacing=30).resolve_scale(
        color="independent", x="independent", y="independent",
    ).add_params(*params).properties(title=alt.Title(
        "Three words of the vocabulary, on the plane of their templates",
        subtitle="validation tokens where one of the three is next; each panel has its own scale"))


def _plane_panel(
    base: alt.Chart, ratios: alt.Chart, series: str, which: str, title: str
) -> alt.LayerChart:
    def axis(channel: type) -> Any:
        return channel(f"{channel.__name__.lower()}:Q", title=None, axis=alt.Axis(tickCount=5),
                       scale=alt.Scale(zero=False, nice=False))

    x, y = axis(alt.X), axis(alt.Y)
    mine = base.transform_filter(which)
    slots = [0, 1, 2]
    shape = alt.Shape("slot:N", legend=None, scale=alt.Scale(domain=slots, range=list(SHAPES)))
    shade = alt.Color("slot:N", legend=None, scale=alt.Scale(
        domain=slots, range=[SERIES[series][0], theme.INK, theme.REFERENCE]))
    square = (
        mine.transform_aggregate(x0="min(x)", x1="max(x)", y0="min(y)", y1="max(y)")
        .transform_calculate(half="0.62 * max(datum.x1 - datum.x0, datum.y1 - datum.y0)")
        .transform_calculate(
            x="[(datum.x0 + datum.x1) / 2 - datum.half, (datum.x0 + datum.x1) / 2 + datum.half]",
            y="[(datum.y0 + datum.y1) / 2 - datum.half, (datum.y0 + datum.y1) / 2 + datum.half]")
        .transform_flatten(["x", "y"])
        .mark_point(opacity=0).encode(x, y)
    )
    templates = mine.transform_filter("datum.part == 'template'")
    points = mine.transform_filter("datum.part == 'token'").mark_point(
        size=22, opacity=0.55, filled=True).encode(x, y, shape=shape, color=shade)
    triangle = templates.mark_line(
        interpolate="linear-closed", color=theme.INK, strokeWidth=1.2, opacity=0.8,
    ).encode(x, y, order="slot:O")
    corners = templates.mark_point(size=60, filled=False, color=theme.INK, strokeWidth=1.4).encode(
        x, y, shape=shape)
    words = (
        mine.transform_filter("datum.part == 'token'")
        .transform_aggregate(groupby=["name", "slot"], x="mean(x)", y="max(y)")
        .mark_text(fontWeight=700, fontSize=14, dy=-10).encode(x, y, text="name:N")
    )
    low, high = "min(first, second, third)", "max(first, second, third)"
    ratio = (
        ratios.transform_filter(which).transform_filter(DISTINCT)
        .transform_filter(f"datum.a == {low} && datum.c == {high}"
                          f" && datum.b == first + second + third - {low} - {high}")
        .transform_calculate(words="'spread / distance = ' + format(datum.ratio, '.2f')")
        .mark_text(align="left").encode(x=alt.value(0), y=alt.value(-8), text="words:N")
    )
    apology = alt.Chart(pd.DataFrame([{"words": "choose three different words"}])).transform_filter(
        f"!({DISTINCT})").mark_text().encode(text="words:N")
    return alt.layer(square, triangle, points, corners, words, ratio, apology).properties(
        width=290, height=290, title=alt.Title(alt.expr(title), fontSize=13, offset=22))


def plane_told(runs: Iterable[Any], alpha: float) -> str:
    """How many choices of three words smoothing makes tighter, in Markdown."""
    kept = paired(runs)
    first = kept[0].recipe
    ratios = word_frames([run for run in kept if run.recipe.seed == first.seed])[2]
    ratios = ratios.set_index(["alpha", "a", "b", "c"])["ratio"].unstack("alpha")
    tighter = int((ratios[alpha] < ratios[0.0]).sum())
    return (
        f"**{label(first)}** (seed {first.seed}). Measured against their distance, the clusters "
        f"are tighter with α = {alpha:g} for {tighter} of the {len(ratios)} choices of three "
        f"words; the ratio is {ratios[0.0].mean():.2f} on average with hard targets and "
        f"{ratios[alpha].mean():.2f} smoothed."
        + ("" if 2 * tighter > len(ratios) else " **The effect does not appear here.**"))


def looseness_told(run: Any) -> str:
    """The shown words of one network from the tightest to the loosest, in Markdown."""
    seen = looseness(run).sort_values("spread")
    tight, loose = seen.iloc[0], seen.iloc[-1]
    listed = ", ".join(f"{markdown(row.word)} {row.spread:.1f}" for row in seen.itertuples())
    recipe = run.recipe
    which = "hard targets" if recipe.alpha == 0 else f"α = {recipe.alpha:g}"
    return (
        f"How far the tokens of a word lie from their centre in the figure ({which}, seed "
        f"{recipe.seed}; mean over the planes with the word): {listed}. Of the probability that "
        f"the network gives to the shown words, the right one gets {tight['share']:.0%} where "
        f"{markdown(tight.word)} is next, and {loose['share']:.0%} where "
        f"{markdown(loose.word)} is.")


# Sentences


def hesitations(samples: Sequence[Mapping[str, Any]]) -> dict[int, tuple[str, str]]:
    """By sentence, the two tokens at the one place where the best two hypotheses differ."""
    found = {}
    for i, sample in enumerate(samples):
        best = [hypothesis["tokens"] for hypothesis in sample.get("hypotheses", [])[:2]]
        if len(best) == 2 and len(best[0]) == len(best[1]):
            differ = [pair for pair in zip(*best) if pair[0] != pair[1]]
            if len(differ) == 1:
                found[i] = tuple(token.replace("▁", "") for token in differ[0])
    return found


def hesitation_told(runs: Iterable[Any], alpha: float) -> str:
    """In how many sentences the best two hypotheses differ in one token, in Markdown."""
    kept = paired(runs)
    hard = kept[0]
    smoothed = next(run for run in kept if run.recipe.alpha == alpha)
    before, after = (hesitations(run.samples) for run in (hard, smoothed))
    both = [" or ".join(f"*{markdown(token)}*" for token in before[i])
            for i in before if i in after and set(before[i]) == set(after[i])]
    return (
        f"**{TEXTS[hard.recipe.dataset]}** (seed {hard.recipe.seed}). The best two differ in one "
        f"token in {len(before)} of {len(hard.samples)} sentences with hard targets, and in "
        f"{len(after)} with α = {alpha:g}."
        + (f" Both networks hesitate between the same two in {len(both)}: {', '.join(both)}."
           if both else ""))


def truths(grammar: Grammar, source: str, tokens: Sequence[str]) -> list[float | None]:
    """True probability of each word after those before it; None once the grammar rules one out."""
    return [_truth(grammar, source, tokens[:i], word) for i, word in enumerate(tokens)]


def _truth(grammar: Grammar, source: str, prefix: Sequence[str], word: str) -> float | None:
    try:
        p = grammar.next_token_distribution(source, list(prefix))
    except ValueError:
        return None
    return round(float(p[grammar.tokenizer.id(word)]), 3)


# The paper's numbers beside ours


def results(runs: Iterable[Any], alpha: float = 0.1) -> pd.DataFrame:
    """Table 1's BLEU and perplexity and Table 3's row of EN-DE, hard → smoothed, beside our runs.

    Ours is the mean over seeds with the least and the greatest, of the longest schedule that was
    run, at the recorded α nearest to ``alpha``. BLEU is in lower case, as the paper's, where that
    was recorded. Temperature is fitted by NLL, among those recorded.
    """
    table = {"EN–DE, the paper": _published()}
    grouped = groups(runs)
    real = any(grouped.get(recipe) for recipe in RECIPES[:-1])
    for recipe in RECIPES:
        group = next(iter(grouped.get(recipe, [])), None)
        if group or not real and recipe == RECIPES[0]:
            first = group.runs[0].recipe if group else CATALOGUE[recipe]
            table[label(first)] = _measured(group, alpha)
    return pd.DataFrame(table).reset_index(names="hard → smoothed")


_QUANTITIES = {
    "BLEU": ("{:.1f}", uncased_bleu),
    "perplexity": ("{:.2f}", lambda run: float(np.exp(at_temperature(run, "nll", 1.0)))),
    "ECE": ("{:.3f}", lambda run: at_temperature(run, "ece", 1.0)),
}
_SCALED = {
    "hard, temperature fitted: ECE": (
        "{:.3f}", lambda run: at_temperature(run, "ece", fitted_temperature(run))),
    "hard, fitted temperature": ("{:.2f}", fitted_temperature),
}


def by_test_set(runs: Sequence[Any], alpha: float) -> pd.DataFrame:
    """BLEU at T = 1 on every recorded test set, hard → smoothed, as written and in lower case.

    Mean over seeds with the least and the greatest, of runs that recorded them.
    """
    found = [[dict(zip(run.arrays["tests_name"].tolist(), run.arrays["tests_bleu"].tolist()))
              for run in runs if run.recipe.alpha == a and "tests_bleu" in run.arrays]
             for a in (0.0, alpha)]
    hard, smoothed = (dict.fromkeys(name for scores in part for name in scores) for part in found)
    rows = []
    for name in (name for name in hard if name in smoothed):
        row = {"test set": TEST_SETS.get(name, name)}
        for form, title in enumerate(("BLEU", "BLEU, lower case")):
            values = ([scores[name][form] for scores in part if name in scores] for part in found)
            row[title] = " → ".join(_range(value, "{:.1f}") for value in values)
        rows.append(row)
    return pd.DataFrame(rows)


def at_temperature(run: Any, name: str, T: float) -> float:
    """Curve ``name`` (``bleu``, ``ece`` or ``nll``) at the recorded temperature nearest T."""
    return float(run.arrays[f"curve_{name}"][np.abs(run.arrays["curve_T"] - T).argmin()])


def _published() -> dict[str, str]:
    def value(id: str) -> str:
        return f"{paper.number(id).value:g}"

    shown = {
        name: f"{value(f'table1/en-de/transformer/{name}/hard')} → "
              f"{value(f'table1/en-de/transformer/{name}/smoothed')}"
        for name in ("BLEU", "perplexity")
    }
    three = {key: value(f"table3/en-de/transformer/{key}")
             for key in ("hard", "smoothed", "scaled", "temperature")}
    shown["ECE"] = f"{three['hard']} → {three['smoothed']}"
    shown |= dict(zip(_SCALED, (three["scaled"], three["temperature"])))
    return shown | {"α": "0 → 0.1", "seeds": ""}


def _measured(group: Group | None, alpha: float) -> dict[str, str]:
    alpha = nearest(group.runs, alpha) if group and len(group.alphas) > 1 else alpha
    hard, smoothed = (group.alone(a) if group else {} for a in (0.0, alpha))

    def words(members: Mapping[int, Any], form: str, read: Any) -> str:
        return _range([read(run) for run in members.values()], form) if members else "not yet run"

    if not hard and not smoothed:
        return dict.fromkeys((*_QUANTITIES, *_SCALED), "not yet run") | {"α": "", "seeds": ""}
    shown = {
        name: f"{words(hard, *how)} → {words(smoothed, *how)}" for name, how in _QUANTITIES.items()}
    shown |= {name: words(hard, *how) for name, how in _SCALED.items()}
    return shown | {"α": f"0 → {alpha:g}", "seeds": f"{len(hard)} → {len(smoothed)}"}

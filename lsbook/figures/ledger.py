"""Tables of the claims page and of the page that lists every run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from IPython.display import HTML

from lsbook import paper
from lsbook.ledger import STATUSES, Spread, Verdict
from lsbook.recipes import CATALOGUE, Recipe

SIGNS = dict(zip(STATUSES, "●◐✕○"))
DATASETS = {
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "mnist": "MNIST",
    "tinyimagenet": "Tiny ImageNet",
    "multi30k": "Multi30k",
    "mnist1d": "MNIST-1D (lab)",
    "digits": "digits (lab)",
    "grammar": "grammar (lab)",
}
MODELS = {
    "mlp": "MLP",
    "conv1d": "CNN",
    "alexnet": "AlexNet",
    "resnet20": "ResNet-20",
    "resnet56": "ResNet-56",
    "inception-v4": "Inception-v4",
    "inception-v2": "Inception-v2",
    "transformer": "Transformer",
}
STYLE = (
    "<style>.ls-table { overflow-x: auto; font-size: 0.875rem }"
    ".ls-table :is(th, td) { padding: 0.3rem 0.5rem; text-align: left; vertical-align: top }"
    "</style>"
)
_SHARES = ("accuracy",)


def glance(verdicts: Sequence[Verdict]) -> HTML:
    """Claims down, data sets across, one sign a verdict: the whole ledger in one look."""
    where = {verdict: CATALOGUE[verdict.recipe].dataset for verdict in verdicts if verdict.recipe}
    columns = [name for name in DATASETS if name in where.values()]
    head = ["claim", *(DATASETS[name] for name in columns)]
    rows = []
    for claim in _claims_of(verdicts):
        cells = [_link(claim)]
        for name in columns:
            here = [v for v in verdicts if v.id == claim.id and where.get(v) == name]
            cells.append("&nbsp;".join(_sign(verdict) for verdict in here))
        rows.append(cells)
    tallies = [_tally("In the lab", "lab", verdicts),
               _tally("On the paper's kind of data", "paper", verdicts)]
    return HTML(f"<p>{'<br>'.join(tallies)}</p>"
                + _table(head, rows, "Verdict on each claim, by data set"))


def _tally(name: str, preset: str, verdicts: Sequence[Verdict]) -> str:
    found = Counter(verdict.status for verdict in verdicts if verdict.preset == preset)
    counts = " · ".join(f"{_status(status)} {found[status]}" for status in STATUSES)
    return f"{name}: {counts}"


def details(verdicts: Sequence[Verdict]) -> HTML:
    """Every verdict under its claim: the paper's values, then ours with scale and seeds."""
    rows = []
    for claim in _claims_of(verdicts):
        here = [verdict for verdict in verdicts if verdict.id == claim.id]
        rows.append([_heading(claim)])
        rows += [_verdict(verdict) for verdict in here if verdict.scale is not None]
        missing = [_where(verdict) for verdict in here if verdict.scale is None]
        if missing:
            rows.append([_status("not yet run"), "; ".join(filter(None, missing))])
    head = ["verdict", "on", "scale", "seeds", "ours: mean (least–greatest)"]
    return HTML(_table(head, rows, "Every claim with the paper's values and ours"))


def published(verdicts: Sequence[Verdict]) -> HTML:
    """Single published numbers beside ours."""
    head = ["place", "network", "quantity", "the paper", "verdict", "on", "scale", "seeds", "ours"]
    rows = []
    for verdict in verdicts:
        number = paper.number(verdict.id)
        network = f"{MODELS.get(number.model, number.model)} {number.role}"
        rows.append([escape(number.place), network, _quantity(number), value_of(number),
                     *_verdict(verdict)])
    return HTML(_table(head, rows, "Published numbers beside ours"))


def numbers(items: Iterable[paper.Number]) -> HTML:
    """Published numbers with their place and the work they come from."""
    head = ["place", "data", "network", "quantity", "value"]
    rows = [
        [escape(n.place), escape(DATASETS.get(n.dataset, n.dataset)),
         escape(MODELS.get(n.model, n.model)), _quantity(n), value_of(n)]
        for n in items
    ]
    return HTML(_table(head, rows, "Published numbers"))


def run_list(runs: Iterable[Any]) -> HTML:
    """Every run: what it is, where and how long it ran, and its whole manifest to unfold."""
    head = ["run", "α", "seed", "scale", "teacher", "device", "wall time", "manifest"]
    rows = []
    for run in sorted(runs, key=lambda run: _order(run.recipe)):
        recipe, manifest = run.recipe, run.manifest
        text = escape(json.dumps(manifest, indent=1, ensure_ascii=False))
        rows.append([
            f"{escape(recipe.name)}<br><small>{recipe.hash}</small>",
            f"{recipe.alpha:g}", str(recipe.seed), f"{recipe.scale:.3g}", _teacher(recipe),
            escape(str(manifest.get("device", ""))), duration(manifest.get("wall_seconds")),
            f"<details><summary>show</summary><pre>{text}</pre></details>",
        ])
    if not rows:
        return HTML("<p>There are no runs yet; opening any chapter trains the lab's.</p>")
    return HTML(_table(head, rows, f"{len(rows)} runs"))


def duration(seconds: float | None) -> str:
    """Seconds as text: ``8 s``, ``12 min``, ``3.4 h``."""
    if seconds is None:
        return ""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def value_of(number: paper.Number) -> str:
    """A published value as printed, with its ± and unit."""
    values = number.value if isinstance(number.value, tuple) else (number.value,)
    text = ", ".join(f"{value:,.10g}" for value in values)
    spread = f" ± {number.spread:g}" if number.spread is not None else ""
    return f"{text}{spread} {number.unit}".strip()


def spread_text(spread: Spread, measure: str) -> str:
    """Mean and range over seeds; accuracies, which runs keep as shares, in per cent."""
    scale, form, unit = (100, ".1f", " %") if measure in _SHARES else (1, ".3g", "")
    mean, low, high = (format(scale * x, form) for x in (spread.mean, spread.low, spread.high))
    width = f"{low}–{high}" if len(spread.seeds) > 1 else "one seed"
    return f"{mean}{unit} ({width})"


def _verdict(verdict: Verdict) -> list[str]:
    """Cells: status, setting, scale, number of seeds, our values."""
    if verdict.scale is None:
        return [_status(verdict.status), _where(verdict), "", "", ""]
    alone = verdict.ours[0].label == "ours"
    shown = [("" if alone else f"{escape(spread.label)}: ")
             + spread_text(spread, "" if alone else verdict.measure) for spread in verdict.ours]
    measure = [] if alone else [f"<em>{escape(verdict.measure)}</em>"]
    return [_status(verdict.status), _where(verdict), f"{verdict.scale:.3g}",
            str(len(verdict.seeds)), "<br>".join(measure + shown)]


def _heading(claim: paper.Claim) -> str:
    quoted = [f"{_quantity(n)}: {value_of(n)}" for n in map(paper.number, claim.numbers)]
    values = f"<br>The paper: {'; '.join(quoted)}" if quoted else ""
    title = f"<strong>{_link(claim)}</strong> · {escape(claim.place)}"
    return f"{title}<br>{escape(claim.text)}{values}"


def _where(verdict: Verdict) -> str:
    if not verdict.recipe:
        return ""
    recipe = CATALOGUE[verdict.recipe]
    return f"{DATASETS[recipe.dataset]}, {MODELS[recipe.model]}"


def _status(status: str) -> str:
    return f"{SIGNS[status]} {status}"


def _sign(verdict: Verdict) -> str:
    network = MODELS[CATALOGUE[verdict.recipe].model]
    scale = f", scale {verdict.scale:.3g}" if verdict.scale is not None else ""
    label = f"{verdict.status}: {network}{scale}"
    return f'<span role="img" aria-label="{label}" title="{label}">{SIGNS[verdict.status]}</span>'


def _claims_of(verdicts: Sequence[Verdict]) -> list[paper.Claim]:
    return [paper.claim(id) for id in dict.fromkeys(verdict.id for verdict in verdicts)]


def _link(claim: paper.Claim) -> str:
    return f'<a href="{claim.chapter}.html">{escape(claim.title)}</a>'


def _quantity(number: paper.Number) -> str:
    settings = [f"α = {number.alpha:g}"] if number.alpha is not None else []
    settings += [f"T = {number.T:g}"] if number.T not in (None, 1.0) else []
    return escape(", ".join([number.symbol, *settings]))


def _teacher(recipe: Recipe) -> str:
    if recipe.distil is None:
        return ""
    return f"α = {recipe.distil.teacher.alpha:g}, T = {recipe.distil.T:g}"


def _order(recipe: Recipe) -> tuple:
    distil = recipe.distil
    lesson = (distil.teacher.alpha, distil.T) if distil else (-1.0, 0.0)
    return recipe.preset != "paper", recipe.name, -recipe.scale, lesson, recipe.alpha, recipe.seed


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], label: str) -> str:
    """A table that scrolls by itself; the last cell of a short row spans what is left."""
    top = "".join(f'<th scope="col">{name}</th>' for name in head)
    body = "".join(f"<tr>{_row(row, len(head))}</tr>" for row in rows)
    return (f'{STYLE}<div class="ls-table" role="region" tabindex="0" aria-label="{escape(label)}">'
            f'<table class="table"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'
            "</div>")


def _row(cells: Sequence[str], columns: int) -> str:
    span = f' colspan="{columns - len(cells) + 1}"' if len(cells) < columns else ""
    *first, last = cells
    return "".join(f"<td>{cell}</td>" for cell in first) + f"<td{span}>{last}</td>"

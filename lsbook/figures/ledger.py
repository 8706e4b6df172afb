"""Tables of the claims page and of the page that lists every run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby
from math import inf
from typing import Any

from IPython.display import HTML

from lsbook import paper
from lsbook.figures.scale import DATASETS, MODELS, in_words, setting
from lsbook.ledger import (
    CHECKS,
    DECIDED,
    EXPERIMENTS,
    STATUSES,
    TOLERANCE,
    Interval,
    Measured,
    Row,
    Spread,
    Verdict,
    best,
    in_a_sentence,
    overall,
)
from lsbook.recipes import CATALOGUE, Recipe
from lsbook.runs.cost import describe

SIGNS = dict(zip(STATUSES, "★●◕◑◔✕?○–"))
PRESETS = {
    "paper": "the paper's scale",
    "compact": "compact networks",
    "lab": "lab",
}
STYLE = (
    "<style>.ls-table { overflow-x: auto; font-size: 0.875rem }"
    ".ls-table :is(th, td) { padding: 0.3rem 0.5rem; text-align: left; vertical-align: top }"
    ".ls-table small { color: var(--pst-color-text-muted, inherit) }"
    ".ls-status, .ls-narrow small span, .ls-numbers td:last-child { white-space: nowrap }"
    ".ls-narrow :is(th, td):first-child { min-width: 0 } .ls-runs td { white-space: nowrap }"
    ".ls-runs samp { display: block; white-space: pre }"
    ".ls-runs th button { font: inherit; color: inherit; text-align: left; background: none;"
    " border: 0; padding: 0; min-height: 2rem }"
    ".ls-runs th[aria-sort=ascending] button::after { content: ' ▲' }"
    ".ls-runs th[aria-sort=descending] button::after { content: ' ▼' }"
    ".ls-runs input { font: inherit; width: 16rem; max-width: 100%; min-height: 2rem;"
    " color: inherit; background: none; border: 1px solid; padding: 0 0.5rem }"
    "@media screen { .ls-runs .ls-table { max-height: 80vh; overflow: auto } .ls-runs th {"
    " position: sticky; top: 0; background: var(--pst-color-background, Canvas) !important } }"
    ".ls-summary table { width: auto } .ls-summary :is(th, td) { padding: 0.1rem 0.6rem }"
    ".ls-summary tbody th { padding-left: 0; font-weight: 400 } .ls-summary th[colspan] {"
    " padding-top: 0.6rem; font-weight: 600 } .ls-summary td { text-align: center }"
    ".ls-summary td:nth-child(2) { font-weight: 600 } .ls-summary thead th { vertical-align:"
    " bottom; font-weight: 600 } .ls-summary thead span { writing-mode: vertical-rl;"
    " transform: rotate(180deg); white-space: nowrap } .ls-legend { font-size: 0.875rem }"
    ".ls-legend span { margin-right: 0.6rem } .ls-legend span span { margin: 0 }"
    ".ls-fold { border-top: 1px solid var(--pst-color-border, currentColor); font-size: 0.875rem;"
    " scroll-margin-top: 5rem } .ls-fold > p { margin: 0 0 0.5rem }"
    ".ls-part { margin: 1.25rem 0 0.4rem; font-weight: 600 }"
    ".ls-fold summary { display: grid; gap: 0 1rem; padding: 0.35rem 0; min-height: 2rem;"
    " grid-template-columns: 13.5rem 1fr; cursor: pointer }"
    ".ls-line { display: grid; grid-template-columns: 6.5rem 1fr; align-items: baseline }"
    ".ls-fold summary > span:first-child { font-weight: 600 }"
    ".ls-fold summary > span:first-child::before { content: '▸ ' }"
    ".ls-fold[open] summary > span:first-child::before { content: '▾ ' }"
    ".ls-fold summary:focus-visible { outline: 2px solid; outline-offset: 2px }"
    ".ls-fold summary small { font-size: 0.8125rem; color: var(--pst-color-text-muted, inherit) }"
    ".ls-fold summary small span { white-space: nowrap }"
    "@media (max-width: 600px) { .ls-fold summary { grid-template-columns: 1fr; padding: 0.6rem 0 }"
    " .ls-fold summary > span + span { padding-left: 1rem } }"
    "</style>"
)
_SHARES = {"accuracy": (".1f", " %"), "error": (".2f", " %"), "gain": (".1f", " points")}
_DIFFERENCES = {"accuracy": (".2f", " points"), "error": (".2f", " points"),
                "gain": (".2f", " points")}


def scale_words(recipe: Recipe) -> str:
    """What was cut from the whole experiment, in words.

    Such as "7.3 % of the paper's schedule, ResNet-20 in place of ResNet-56".
    """
    words = [in_words(recipe)]
    if recipe.model in ("resnet9", "resnet20"):
        whole = "Inception-v4" if recipe.dataset == "tinyimagenet" else "ResNet-56"
        words.append(f"{MODELS[recipe.model]} in place of {whole}")
    if recipe.sentences:
        words.append(f"{recipe.sentences:,} sentences")
    if recipe.model == "transformer" and recipe.preset != "lab":
        size = dict(recipe.size)
        theirs = paper.number("appendix/en-de/transformer/training-length").value
        words.append(f"{size['layers']} layers of width {size['d_model']}, "
                     f"{recipe.total_steps:,} steps in place of the paper's {theirs:,}")
    return ", ".join(words)


def summary(verdicts: Sequence[Verdict]) -> HTML:
    """What became of the paper's claims, and of each on every data set: the page at a glance.

    Each claim counts where the paper makes it, at the nearest preset that decides it; what it does
    elsewhere and in the lab stands beside and does not count. Claims of later works are counted
    apart. Each links to its place in :func:`details`.
    """
    claims = _claims_of(verdicts)
    there = {claim.id: best(row for row in verdicts if row.id == claim.id) for claim in claims}
    ran = [row for rows in there.values() for row in rows if row.ran]
    if not ran:
        return HTML(f"{STYLE}<p>No claim has been checked on real data yet.</p>")
    later = [claim for claim in claims if claim.source != paper.KEY]
    counted = Counter(overall(there[claim.id]) for claim in later)
    said = ", ".join(f"{count} {status}" for status in STATUSES if (count := counted[status]))
    return HTML(f"{STYLE}<p><strong>{in_a_sentence(verdicts)}</strong></p>" + _legend()
                + _matrix(claims, there, verdicts) + _settings(ran)
                + f"<p>Of later works' {len(later)} claims: {said}.</p>")


def _matrix(
    claims: Sequence[paper.Claim], there: dict[str, list[Verdict]], verdicts: Sequence[Verdict]
) -> str:
    """A row a claim, a column a data set, a sign where it was checked."""
    order = list(DATASETS)
    real = [row for row in verdicts if row.ran and row.preset != "lab"]
    sets = sorted({row.ran.dataset for row in real}, key=order.index)
    head = "".join(f'<th scope="col"><span>{name}</span></th>' for name in (
        "the claim", *(DATASETS[name].split(" (")[0] for name in sets), "the lab"))
    body = ""
    for section, group in groupby(claims, key=lambda claim: claim.section):
        body += (f'<tr><th colspan="{len(sets) + 3}" scope="rowgroup">'
                 f"{escape(paper.SECTIONS[section])}</th></tr>")
        for claim in group:
            mine = [row for row in verdicts if row.id == claim.id]
            cells = [there[claim.id],
                     *(_nearest([row for row in mine if row in real and row.ran.dataset == name])
                       for name in sets),
                     [row for row in mine if row.preset == "lab"]]
            body += (f'<tr><th scope="row">{_jump(claim)}</th>'
                     + "".join(f"<td>{_sign(rows)}</td>" for rows in cells) + "</tr>")
    return ('<div class="ls-table ls-summary" role="region" tabindex="0" '
            'aria-label="Each claim on each data set"><table class="table">'
            f'<thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table></div>')


def _nearest(rows: Sequence[Verdict]) -> list[Verdict]:
    """The rows at the first preset that decides any, else all of them."""
    for preset in PRESETS:
        decided = [row for row in rows if row.preset == preset and row.status in DECIDED]
        if decided:
            return decided
    return list(rows)


def _sign(rows: Sequence[Verdict]) -> str:
    """The sign of one status for all ``rows``; nothing where none was run."""
    status = overall(rows) if rows else ""
    if status not in (*DECIDED, "cannot tell"):
        return ""
    elsewhere = not any(row.claimed for row in rows) and rows[0].preset != "lab"
    words = f"{status}, not claimed here" if elsewhere else status
    sign = f"({SIGNS[status]})" if elsewhere else SIGNS[status]
    return f'<span role="img" aria-label="{words}" title="{words}">{sign}</span>'


def _legend() -> str:
    return ('<p class="ls-legend">'
            + " ".join(_status(status) for status in (*DECIDED, "cannot tell"))
            + " <span>in brackets: the paper does not claim it for such a network</span>"
            " <span>empty: not run, or the data cannot show it</span></p>")


def _settings(ran: Sequence[Verdict]) -> str:
    """The networks behind the first column: how long they were trained, and their seeds."""
    seeds: dict[Recipe, set[int]] = {}
    for row in ran:
        seeds.setdefault(row.ran, set()).update(*(spread.seeds for spread in row.ours))
    lines = [f"<li>{setting(recipe)}: {scale_words(recipe)}; {len(found)} "
             f"seed{'s' * (len(found) > 1)}</li>" for recipe, found in seeds.items() if found]
    return f"<p>The claims are decided on:</p><ul>{''.join(dict.fromkeys(lines))}</ul>"


def _line(rows: Sequence[Verdict], scale: str = "") -> str:
    """The verdict of one scale, and the data sets behind it with a sign each where they differ."""
    first: dict[str, Verdict] = {}
    for row in rows:
        if row.ran:
            first.setdefault(row.recipe, row)
    mixed = len({row.status for row in first.values()}) > 1
    recipes = [CATALOGUE[name] for name in first]
    names = [DATASETS[recipe.dataset].removesuffix(" (lab)") for recipe in recipes]
    if len(set(names)) < len(names):
        names = [f"{name} {MODELS[recipe.model]}" for name, recipe in zip(names, recipes)]
    where = [f"<span>{name}" + (f"&nbsp;{SIGNS[row.status]}</span>" if mixed else "</span>")
             for name, row in zip(names, first.values())]
    said = ": ".join(filter(None, (scale, ", ".join(dict.fromkeys(where)))))
    return f'<span class="ls-line">{_status(overall(rows))}<small>{said}</small></span>'


def details(verdicts: Sequence[Verdict]) -> HTML:
    """Claim by claim: a line with the verdict at each scale, which unfolds to what is behind it.

    Behind it stand the paper's values, then ours with scale and seeds.
    """
    claims = _claims_of(verdicts)
    sections = dict.fromkeys(claim.section for claim in claims)
    folds = []
    for section in sections:
        if len(sections) > 1:
            folds.append(f'<p class="ls-part">{escape(paper.SECTIONS[section])}</p>')
        folds += [_claim(claim, [v for v in verdicts if v.id == claim.id])
                  for claim in claims if claim.section == section]
    return HTML(STYLE + "".join(folds))


def _claim(claim: paper.Claim, here: Sequence[Verdict]) -> str:
    places = [(preset, claimed, [v for v in here if (v.preset, v.claimed) == (preset, claimed)])
              for claimed in (True, False) for preset in PRESETS]
    lines = [_line(rows, PRESETS[preset] + ("" if claimed or preset == "lab" else ", elsewhere"))
             for preset, claimed, rows in places if any(v.ran for v in rows)] or [_line(here)]
    rows = [_verdict(verdict) for verdict in here if verdict.ran is not None]
    for preset, words in PRESETS.items():
        missing = [_where(v) for v in here if v.preset == preset and v.status == "not yet run"]
        if missing:
            rows.append([_status("not yet run"), f"{words}: {'; '.join(missing)}"])
    rows += [[_status(v.status), escape(v.note)] for v in here if v.status == "not checked"]
    head = ["verdict", "on", "seeds", "effect, with its 95 % interval",
            "ours: mean (least–greatest)"]
    label = f"{claim.title}: the paper's values and ours"
    return _fold([escape(claim.title), "".join(lines)], _heading(claim) + _table(
        head, rows, label, "ls-narrow") + _differences(
            {v.ran: v.deviations for v in reversed(here) if v.ran}), claim.id)


def _fold(summary: Sequence[str], body: str, id: str = "") -> str:
    """A line of one or more cells that unfolds to ``body``; ``fold.js`` opens it for a link."""
    line = "".join(f"<span>{cell}</span>" for cell in summary)
    name = f' id="{id}"' if id else ""
    return f'<details class="ls-fold"{name}><summary>{line}</summary>{body}</details>'


def published(rows: Sequence[Row]) -> HTML:
    """What the paper printed or drew beside what we measured, experiment by experiment.

    What it drew has a row only where we measured it.
    """
    presets = [p for p in PRESETS
               if any(m.recipe.preset == p for row in rows for m in row.ours)]
    head = ["quantity", "the paper", "re-labelsmoothing",
            *(f"ours: {PRESETS[preset]}" for preset in presets)]
    folds = []
    for experiment in EXPERIMENTS.values():
        mine = [row for row in rows if row.experiment == experiment]
        lines = [[escape(row.label), _printed(row),
                  value_of(row.reproduced) if row.reproduced else "",
                  *(_ours(row, preset) for preset in presets)]
                 for row in mine if row.number or row.reproduced or row.ours]
        if mine:
            folds.append(_fold(_experiment(experiment, mine), _table(
                head, lines, f"{experiment.title}: published numbers beside ours")
                + _differences({one.recipe: one.deviations
                                for row in reversed(mine) for one in reversed(row.ours)})))
    within = ", ".join(f"{limit:g} of {quantity}" for quantity, limit in TOLERANCE.items())
    rule = ("Held: the mean of at least three seeds comes within these of the printed number, "
            f"or within its ± where that is wider: {within}; accuracy and error in points. "
            "Reproduced: the same, by a recipe that has no deviation. Not: further off. Fewer "
            "seeds only lean.")
    return HTML(f"{STYLE}<p>{rule}</p>" + "".join(folds))


def _experiment(experiment: Any, rows: Sequence[Row]) -> list[str]:
    ran = dict.fromkeys(measured.recipe for row in rows for measured in row.ours)
    here = "; ".join(f"{setting(recipe)}, {scale_words(recipe)}" for recipe in ran)
    return [f"{escape(experiment.title)} <small>{escape(experiment.place)}</small>",
            f"<small>{escape(here)}</small>" if here else _status("not yet run")]


def _differences(recipes: dict[Recipe, Sequence[str]]) -> str:
    """In what each of these is not the paper's; the lab's, which are nothing like it, left out."""
    listed = "".join(
        f"<li>{setting(recipe)}, {scale_words(recipe)}: {escape('; '.join(found))}</li>"
        for recipe, found in reversed(recipes.items()) if found and recipe.preset != "lab")
    return f"<p><small>Not as in the paper:</small></p><ul>{listed}</ul>" if listed else ""


def _printed(row: Row) -> str:
    if row.number is None:
        return f"<small>{'not given' if row.reproduced else 'drawn'}</small>"
    return _two_lines(value_of(row.number), row.number.note)


def _ours(row: Row, preset: str) -> str:
    found = [measured for measured in row.ours if measured.recipe.preset == preset]
    return "<br>".join(_value(measured, row.unit) for measured in found) or _status("not yet run")


def _value(measured: Measured, unit: str) -> str:
    spread, form = measured.spread, ".2f" if unit == "%" else "#.3g"
    mean, low, high = (
        format(x, form).removesuffix(".") for x in (spread.mean, spread.low, spread.high))
    width = f"{low}–{high}, {len(spread.seeds)} seeds" if len(spread.seeds) > 1 else "one seed"
    note = f", {measured.note}" if measured.note else ""
    verdict = f" {_status(measured.status)}" if measured.status else ""
    return f"{mean} {unit}".strip() + f" <small>({width}{note})</small>{verdict}"


def numbers(items: Iterable[paper.Number]) -> HTML:
    """Published numbers, a table for each place they are printed in."""
    head = ["network", "quantity", "value"]
    tables = []
    for place, group in groupby(items, key=lambda number: number.place):
        rows = [
            [_two_lines(", ".join(filter(None, (MODELS[n.model], n.role))), DATASETS[n.dataset]),
             _two_lines(_quantity(n), n.note),
             value_of(n)]
            for n in group
        ]
        tables.append(f'<p class="ls-part">{escape(place)}</p>'
                      + _table(head, rows, f"Published numbers: {place}", "ls-narrow ls-numbers"))
    return HTML(STYLE + "".join(tables))


def _two_lines(text: str, below: str) -> str:
    return escape(text) + (f"<br><small>{escape(below)}</small>" if below else "")


def run_list(runs: Iterable[Any]) -> HTML:
    """Every run: what it is, where and how long it ran, and its whole manifest to unfold.

    On the site ``run-list.js`` sorts it by any column and filters it by words.
    """
    runs = sorted(runs, key=lambda run: _order(run.recipe))
    if not runs:
        return HTML("<p>There are no runs yet; opening any chapter trains the lab's.</p>")
    head = ["run", "α", "seed", "score", "teacher", "schedule", "images", "wall time", "device",
            "manifest"]
    seconds = sum(run.manifest.get("wall_seconds") or 0 for run in runs)
    note = f"{len(runs)} runs, trained in {describe(seconds)} in all."
    table = _table(head, [_run(run) for run in runs], f"{len(runs)} runs", "ls-narrow")
    return HTML(f'{STYLE}<div class="ls-runs"><p role="status">{note}</p>{table}</div>')


def _run(run: Any) -> list[str]:
    recipe, manifest = run.recipe, run.manifest
    text = escape(json.dumps(manifest, ensure_ascii=False, indent=1), quote=False)
    images = "" if recipe.is_text else f"{100 * recipe.train_fraction:.3g} %"
    return [
        f"{escape(recipe.name)}<br> <small>{recipe.hash}</small>", f"{recipe.alpha:g}",
        str(recipe.seed), _score(run), _teacher(recipe), f"{100 * recipe.scale:.3g} %", images,
        describe(manifest.get("wall_seconds")), escape(str(manifest.get("device", ""))),
        # Not <pre>, each of which the book's theme measures while the page opens.
        f"<details><summary>show</summary><samp>{text}</samp></details>",
    ]


def _score(run: Any) -> str:
    metrics = run.metrics
    if run.recipe.is_text:
        return f"BLEU {metrics['bleu']:.1f}"
    return f"{round(100 * metrics['val_accuracy'], 5):.1f} %"


def value_of(number: paper.Number) -> str:
    """A published value as printed, with its ± and unit."""
    values = number.value if isinstance(number.value, tuple) else (number.value,)
    text = ", ".join(f"{value:,.10g}" for value in values)
    spread = f" ± {number.spread:g}" if number.spread is not None else ""
    return f"{text}{spread} {number.unit}".strip()


def spread_text(spread: Spread, measure: str) -> str:
    """Mean and range over seeds; what runs keep as shares in per cent, or in points."""
    scale, (form, unit) = (100, _SHARES[measure]) if measure in _SHARES else (1, (".3g", ""))
    mean, low, high = (
        format(round(scale * x, 5), form) for x in (spread.mean, spread.low, spread.high))
    dash = " to " if low.startswith("-") else "–"
    width = f"{low}{dash}{high}" if len(spread.seeds) > 1 else "one seed"
    return f"{mean}{unit} ({width})".replace("-", "−")


def interval_text(interval: Interval, measure: str) -> str:
    """An effect with its interval, and the condition it is held against where that is not 0."""
    scale, (form, unit) = (100, _DIFFERENCES[measure]) if measure in _SHARES else (1, (".3g", ""))

    def text(x: float) -> str:
        return format(round(scale * x, 5) + 0.0, form).replace("-", "−")

    bounds = (interval.least, interval.most)
    asked = "" if bounds == (0, inf) else (
        f"; asked: above {text(bounds[0])}" if bounds[1] == inf else
        f"; asked: below {text(bounds[1])}" if bounds[0] == -inf else
        f"; asked: {text(bounds[0])} to {text(bounds[1])}")
    return (f"{escape(interval.label)}: {text(interval.estimate)}{unit} "
            f"<small>({text(interval.low)} to {text(interval.high)}{asked})</small>")


def _verdict(verdict: Verdict) -> list[str]:
    """Cells: status, setting with its scale, number of seeds, effects, our values."""
    shown = [f"{escape(spread.label)}: {spread_text(spread, verdict.measure)}"
             for spread in verdict.ours]
    where = f"{_where(verdict)}<br><small>{scale_words(verdict.ran)}</small>"
    if not verdict.claimed and verdict.preset != "lab":
        where += "<br><small>elsewhere: the paper does not claim it here</small>"
    effects = [interval_text(effect, verdict.measure) for effect in verdict.effects]
    note = [f"<small>{escape(verdict.note)}</small>"] if verdict.note else []
    return [_status(verdict.status), where, str(len(verdict.seeds)), "<br>".join(effects + note),
            "<br>".join([f"<em>{escape(verdict.measure)}</em>", *shown])]


def _heading(claim: paper.Claim) -> str:
    quoted = [escape(f"{_quantity(n)}: {value_of(n)}") for n in map(paper.number, claim.numbers)]
    values = f" Published: {'; '.join(quoted)}." if quoted else ""
    whose = "" if claim.source == paper.KEY else f"{_work(claim.source)}, "
    where = f'{whose}{escape(claim.place)}, <a href="{claim.chapter}.html">our chapter</a>'
    check = CHECKS.get(claim.id)
    rule = f"<br>Held if: {escape(check.rule)}" if check else ""
    return f"<p>{escape(claim.text)} <small>({where})</small>{values}{rule}</p>"


def _work(key: str) -> str:
    """A later work by its key in the bibliography: "Xu 2020"."""
    return f"{key[:-4].title()} {key[-4:]}"


def _where(verdict: Verdict) -> str:
    recipe = CATALOGUE[verdict.recipe]
    return f"{DATASETS[recipe.dataset]}, {MODELS[recipe.model]}"


def _status(status: str) -> str:
    sign = f'<span aria-hidden="true">{SIGNS[status]}</span>'
    return f'<span class="ls-status">{sign}&nbsp;{status}</span>'


def _claims_of(verdicts: Sequence[Verdict]) -> list[paper.Claim]:
    return [paper.claim(id) for id in dict.fromkeys(verdict.id for verdict in verdicts)]


def _jump(claim: paper.Claim) -> str:
    return f'<a href="#{claim.id}">{escape(claim.title)}</a>'


def _quantity(number: paper.Number) -> str:
    settings = [f"α = {number.alpha:g}"] if number.alpha is not None else []
    settings += [f"T = {number.T:g}"] if number.T not in (None, 1.0) else []
    return ", ".join([number.symbol, *settings])


def _teacher(recipe: Recipe) -> str:
    if recipe.distil is None:
        return ""
    return f"α = {recipe.distil.teacher.alpha:g}, T = {recipe.distil.T:g}"


def _order(recipe: Recipe) -> tuple:
    distil = recipe.distil
    lesson = (distil.teacher.alpha, distil.T) if distil else (-1.0, 0.0)
    preset = (*PRESETS, "own").index(recipe.preset)
    return preset, recipe.name, -recipe.scale, lesson, recipe.alpha, recipe.seed


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], label: str, name: str = "") -> str:
    """A table that scrolls by itself; the last cell of a short row spans what is left."""
    top = "".join(f'<th scope="col">{name}</th>' for name in head)
    body = "".join(f"<tr>{_row(row, len(head))}</tr>" for row in rows)
    return (f'<div class="ls-table {name}" role="region" tabindex="0" '
            f'aria-label="{escape(label)}">'
            f'<table class="table"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'
            "</div>")


def _row(cells: Sequence[str], columns: int) -> str:
    span = f' colspan="{columns - len(cells) + 1}"' if len(cells) < columns else ""
    *first, last = cells
    return "".join(f"<td>{cell}</td>" for cell in first) + f"<td{span}>{last}</td>"

"""The frame of a figure that the browser computes: controls, stage, caption and origin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from lsbook.explore import evaluation
from lsbook.figures import theme
from lsbook.figures.markup import script
from lsbook.figures.standalone import STATIC, on_site, standalone

SCRIPTS = ("states.js", "frame.js", "explore/figure.js", "explore/evaluations.js",
           "explore/plot.js")


@dataclass(frozen=True, kw_only=True)
class Explorer:
    """A figure drawn by ``book/_static/explore/<kind>.js`` from the evaluations of ``runs``.

    Attributes
    ----------
    kind
        Module of this package and script of the page.
    config
        What the script is given: where the controls start (the paper's setting), labels, and the
        names of evaluations (`evaluation.key`).
    title, note
        What to see, and what the networks are.
    alt
        What the figure shows where it starts, with its numbers.
    caption
        Plain text below the figure.
    runs
        The runs whose evaluations are shipped.
    sources
        Further runs that the origin names.
    command
        The papermill command that regenerates the figure.
    name
        Tells two explorers of one kind on a page apart in links.

    Raises
    ------
    ValueError
        If ``alt`` is empty.
    """

    kind: str
    config: Mapping[str, Any]
    title: str
    alt: str
    note: str = ""
    caption: str = ""
    runs: Sequence[Any] = ()
    sources: Iterable[Any] = ()
    command: str = ""
    name: str = ""
    origin: Mapping[str, str] = field(init=False)

    def __post_init__(self):
        if not self.alt.strip():
            raise ValueError("alt is empty: say in a sentence what the figure shows, with numbers")
        origin = theme.origin([*self.runs, *self.sources], self.command)
        object.__setattr__(self, "origin", origin)

    def __repr__(self) -> str:
        return f"{self.title}. {self.alt}"

    def to_html(self) -> str:
        """One ``<figure>``; the site's scripts draw it when it comes near the screen."""
        return str(Markup(
            '<figure class="ls-figure ls-explorer" id="explore-{name}" data-kind="{kind}" '
            'data-evaluations="{keys}">{heading}'
            '<form class="ls-controls"></form><div class="ls-numbers"></div>'
            '<div class="ls-stage" role="img" aria-label="{alt}"><noscript>{alt}</noscript></div>'
            "{data}{caption}</figure>"
        ).format(
            name=self.name or self.kind, kind=self.kind, alt=self.alt.strip(),
            keys=" ".join(evaluation.key(run, self.kind) for run in self.runs),
            heading=theme.heading(self.title, self.note), data=script(self.config),
            caption=theme.figcaption(self.caption, self.origin),
        ))

    def to_notebook(self) -> str:
        """The figure with its scripts, styles and evaluations."""
        shipped = "".join(
            evaluation.encode(evaluation.key(run, self.kind), evaluation.arrays(run, self.kind))
            for run in self.runs)
        own = [f"explore/{self.kind}{part}.js" for part in ("-math", "")]
        scripts = [*SCRIPTS, *(name for name in own if (STATIC / name).exists())]
        # Evaluations are handed to a script, so they come after it.
        return standalone(self.to_html(), scripts, "", f"{shipped}lsExplore.alone")

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/html": self.to_html() if on_site() else self.to_notebook()}

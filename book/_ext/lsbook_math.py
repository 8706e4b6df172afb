"""Formulas drawn while the book is built: the page needs no script and no fonts for them."""

from __future__ import annotations

from functools import cache
from xml.etree import ElementTree

import ziamath
from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util.math import get_node_equation_number

UNITS_PER_EM = 50
SIZE = 1.1  # of the text around it, whose small letters are taller than the font's

ziamath.config.precision = 1
ziamath.config.svg2 = False  # one drawing with its own outlines: no names to clash on a page


def setup(app):
    app.add_html_math_renderer("drawn", (inline, None), (display, None))
    app.config.html_math_renderer = "drawn"
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def inline(translator, node):
    translator.body.append(f'<span class="math">{drawn(node.astext(), True)}</span>')
    raise nodes.SkipNode


def display(translator, node):
    translator.body.append(translator.starttag(node, "div", CLASS="math"))
    if node["number"]:
        number = get_node_equation_number(translator, node)
        translator.body.append(f'<span class="eqno">({number})</span>')
    translator.body.append(f"{drawn(node.astext(), False)}</div>\n")
    raise nodes.SkipNode


@cache
def drawn(tex: str, inline: bool) -> str:
    """The formula for the eye as SVG in the text's colour, and for the ear as MathML."""
    formula = ziamath.Latex(tex, size=UNITS_PER_EM, color="currentColor", inline=inline)
    svg = formula.svgxml()
    for side in ("width", "height"):
        svg.set(side, f"{SIZE * float(svg.get(side)) / UNITS_PER_EM:.3f}em")
    svg.set("style", f"vertical-align:{SIZE * formula.getyofst() / UNITS_PER_EM:.3f}em")
    svg.set("aria-hidden", "true")
    spoken = convert(tex, display="inline" if inline else "block")
    return spoken + ElementTree.tostring(svg, encoding="unicode")

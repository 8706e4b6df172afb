"""A chapter's prose as Markdown that every notebook shows: without MyST's roles and directives."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from pybtex.database import BibliographyData, Entry, parse_file

REFERENCES = Path(__file__).parent.parent / "book" / "references.bib"
BLOCK = re.compile(
    r"^(?P<indent> *)(?P<fence>`{3,}|:{3,})\{(?P<name>[a-z]+)\} *(?P<title>.*)\n"
    r"(?P<body>(?:.*\n)*?)(?P=indent)(?P=fence) *\n",
    re.M,
)
OPTION = re.compile(r"\s*:[\w-]+:.*\n")
CITATION = re.compile(r"(?P<named>et al\.\s)?\{cite(?::\w+)?\}`(?P<keys>[^`]+)`")
PAGE_LINK = re.compile(r'<a\s+href="[\w-]+\.html[^"]*">(.*?)</a>', re.S)
COLOURED = re.compile(r"\[([^\]]+)\]\{\.[\w-]+\}")
SOLUTION = "Solution"


def plain(text: str, solutions: bool = True) -> str:
    """``text`` with dropdowns folded in HTML, admonitions quoted and citations spelled out.

    Links into the built site keep their words only. Without ``solutions`` dropdowns of that title
    are left out; with them they stand open.
    """
    text = text + "\n"
    while BLOCK.search(text) and (new := BLOCK.sub(lambda b: _block(b, solutions), text)) != text:
        text = new
    text = CITATION.sub(_citation, text)
    return COLOURED.sub(r"\1", PAGE_LINK.sub(r"\1", text)).rstrip("\n")


def _block(found: re.Match, solutions: bool) -> str:
    indent, title, body = found["indent"], found["title"], found["body"]
    while option := OPTION.match(body):
        body = body[option.end() :]
    if found["name"] == "dropdown":
        answer = title.startswith(SOLUTION)
        if answer and not solutions:
            return ""
        start = "<details open>" if answer else "<details>"
        head = f"{indent}{start}<summary>{title}</summary>\n\n"
        return f"{head}{body}\n{indent}</details>\n"
    if found["name"] == "admonition":
        lines = [f"**{title}**", "", *(line.removeprefix(indent) for line in body.splitlines())]
        return "".join(f"{indent}> {line}".rstrip() + "\n" for line in lines)
    return found[0]


@cache
def _references() -> BibliographyData:
    return parse_file(REFERENCES)


def _citation(found: re.Match) -> str:
    entries = [_references().entries[key.strip()] for key in found["keys"].split(",")]
    if found["named"]:
        return f"{found['named']}({', '.join(entry.fields['year'] for entry in entries)})"
    return f"({'; '.join(map(_author_year, entries))})"


def _author_year(entry: Entry) -> str:
    people = entry.persons["author"]
    names = [str(part) for person in people for part in person.rich_last_names[-1:]]
    others = " et al." if len(names) > 2 else f" and {names[1]}" if len(names) == 2 else ""
    return f"{names[0]}{others} {entry.fields['year']}"

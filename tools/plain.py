"""A chapter's prose as Markdown that every notebook shows: without MyST's roles and directives."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from pybtex.database import BibliographyData, Entry, parse_file

BOOK = Path(__file__).parent.parent / "book"
REFERENCES = BOOK / "references.bib"
BLOCK = re.compile(
    r"^(?P<indent> *)(?P<fence>`{3,}|:{3,})\{(?P<name>[a-z]+)\} *(?P<title>.*)\n"
    r"(?P<body>(?:.*\n)*?)(?P=indent)(?P=fence) *\n",
    re.M,
)
OPTION = re.compile(r"\s*:[\w-]+:.*\n")
CITATION = re.compile(
    r"(?P<named>(?:et al\.|and\s[A-Z]\w+)\s)?\{cite(?P<text>:t)?\}`(?P<keys>[^`]+)`"
)
ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")
SITE_LINK = re.compile(r'<a\s+href="(?:[\w-]+\.html|#)[^"]*">(.*?)</a>', re.S)
SCRIPT = re.compile(r"<script\b.*?</script>\n?", re.S)
ANCHOR = re.compile(r"\[([^\]]*)\]\(#[^)]*\)")
CHAPTER_LINK = re.compile(r"\[([^\]]*)\]\(([\w-]+)\.md(?:#[\w-]*)?\)")
COLOURED = re.compile(r"\[([^\]]+)\]\{\.[\w-]+\}")
SOLUTION = "Solution"


def plain(text: str, solutions: bool = True) -> str:
    """``text`` with dropdowns folded in HTML, admonitions quoted and citations spelled out.

    Links to chapters lead to their notebooks; those within a page, to other pages, and those that
    set a figure of the built site, keep their words only. Without ``solutions`` dropdowns of that
    title are left out; with them they stand open.
    """
    text = text + "\n"
    while BLOCK.search(text) and (new := BLOCK.sub(lambda b: _block(b, solutions), text)) != text:
        text = new
    text = CITATION.sub(_citation, text)
    text = CHAPTER_LINK.sub(_chapter_link, text)
    text = SCRIPT.sub("", text)
    for link in (ANCHOR, SITE_LINK, COLOURED):
        text = link.sub(r"\1", text)
    return text.rstrip("\n")


def is_chapter(path: Path) -> bool:
    """Whether the page at ``path`` has code cells, and so a notebook beside it."""
    return path.exists() and path.read_text().startswith("---\njupytext:")


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


def _chapter_link(found: re.Match) -> str:
    words, name = found.groups()
    return f"[{words}]({name}.ipynb)" if is_chapter(BOOK / f"{name}.md") else words


def _citation(found: re.Match) -> str:
    entries = [_references().entries[key.strip()] for key in found["keys"].split(",")]
    years = [entry.fields["year"] for entry in entries]
    if found["named"]:
        return f"{found['named']}({', '.join(map(_linked, years, entries))})"
    cited = [f"{_authors(entry)} {year}" for entry, year in zip(entries, years)]
    linked = map(_linked, cited, entries)
    return " and ".join(linked) if found["text"] else f"({'; '.join(linked)})"


def _authors(entry: Entry) -> str:
    people = entry.persons["author"]
    names = [str(part) for person in people for part in person.rich_last_names[-1:]]
    others = " et al." if len(names) > 2 else f" and {names[1]}" if len(names) == 2 else ""
    return f"{names[0]}{others}"


def _linked(words: str, entry: Entry) -> str:
    """``words`` as a link to the work, where its entry has an arXiv number or a DOI."""
    if number := ARXIV.search(entry.fields.get("note", "")):
        return f"[{words}](https://arxiv.org/abs/{number[1]})"
    doi = entry.fields.get("doi")
    return f"[{words}](https://doi.org/{doi})" if doi else words

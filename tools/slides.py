"""The book's figures as one HTML file for a lecture: ``python -m tools.slides``.

The figures are taken, drawn and with their numbers, from the built site in a headless browser.
"""

from __future__ import annotations

import argparse
import base64
import html
import os
import shutil
from pathlib import Path
from string import Template

import yaml

ROOT = Path(__file__).parent.parent
SITE = ROOT / "_build" / "html"
SLIDES = ROOT / "_build" / "static" / "site" / "slides.html"
TEMPLATE = Path(__file__).with_suffix(".html")
COLLECT = Path(__file__).with_suffix(".js")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run")
READY = "[...document.querySelectorAll('figure.ls-figure')].every(f => f.dataset.ready)"
PATIENCE = 180_000  # milliseconds
LARGEST_DRAWING = 300_000
LARGEST_FILE = 8_000_000


def browser_path() -> str:
    """Where Chromium is.

    Raises
    ------
    FileNotFoundError
        If there is none; the message says what to install.
    """
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    looked = ", ".join(BROWSERS)
    raise FileNotFoundError(f"No browser found (looked for {looked}); install chromium.")


def pages(site: Path, root: Path = ROOT) -> list[Path]:
    """The built pages with figures, in the order of the table of contents."""
    contents = yaml.safe_load((root / "_toc.yml").read_text())
    files = [contents["root"]]
    files += [item["file"] for part in contents["parts"] for item in part["chapters"]]
    built = [(site / name).with_suffix(".html") for name in files]
    return [page for page in built if "ls-figure" in page.read_text()]


def collect(page, address: str) -> list[dict]:
    """Every figure of the page at ``address``: its words, numbers and drawings."""
    page.goto(address)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.wait_for_function(READY)
    figures = []
    for element in page.query_selector_all("figure.ls-figure"):
        figure = element.evaluate(COLLECT.read_text())
        drawings = figure.pop("drawings")
        if not drawings or sum(map(len, drawings)) > LARGEST_DRAWING:
            stage = element.query_selector(".ls-stage, .ls-chart")
            figure["images"] = [_data("png", stage.screenshot())]
        else:
            figure["images"] = [_data("svg+xml", drawing.encode()) for drawing in drawings]
        figures.append(figure)
    return figures


def _data(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def slide(figure: dict, number: int) -> str:
    """One figure as a section; its first image carries the alternative text."""
    say = {name: html.escape(text) for name, text in figure.items() if isinstance(text, str)}
    images = "".join(
        f'<img src="{source}" alt="{"" if index else say["alt"]}">'
        for index, source in enumerate(figure["images"])
    )
    note = f"<small>{say['note']}</small>" if say["note"] else ""
    numbers = figure["numbers"] or f"<p>{say['alt']}</p>"
    look = "slide tall" if figure["tall"] else "slide"
    return (
        f'<section class="{look}" id="{number}"><header>{say["chapter"]}</header>'
        f"<h2>{say['title'] or say['section']}{note}</h2>"
        f'<div class="figure">{images}</div><div class="numbers">{numbers}</div>'
        f'<p class="caption">{say["caption"]}</p></section>'
    )


def deck(title: str, figures: list[dict]) -> str:
    """The whole file; it asks nothing of any server."""
    sections = "\n".join(slide(figure, number) for number, figure in enumerate(figures, 2))
    return Template(TEMPLATE.read_text()).substitute(title=html.escape(title), slides=sections)


def write(site: Path = SITE, target: Path = SLIDES, root: Path = ROOT) -> int:
    """Write the slides of the book built in ``site`` and return their number.

    Raises
    ------
    FileNotFoundError
        If there is no built book or no browser.
    ValueError
        If the file would be too large to hand out.
    """
    if not (site / "index.html").exists():
        raise FileNotFoundError(f"{site} holds no built book; run make book first.")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900}, device_scale_factor=2)
        page.set_default_timeout(PATIENCE)
        figures = [f for path in pages(site, root) for f in collect(page, path.as_uri())]
        browser.close()
    text = deck(yaml.safe_load((root / "_config.yml").read_text())["title"], figures)
    size = len(text.encode())
    if size > LARGEST_FILE:
        raise ValueError(f"The slides would take {size / 1e6:.1f} MB; the limit is 8.")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    partial.write_text(text)
    os.replace(partial, target)
    return len(figures) + 1


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.slides", description=__doc__)
    parser.add_argument("--into", type=Path, default=SLIDES, help="the HTML file to write")
    target = parser.parse_args().into
    try:
        number = write(target=target)
    except (FileNotFoundError, ValueError) as error:
        parser.error(str(error))
    print(f"{number} slides, {target.stat().st_size / 1e6:.1f} MB: {target}")


if __name__ == "__main__":
    main()

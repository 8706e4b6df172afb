"""What a browser computes when it draws one of the book's charts."""

import os
import shutil
from pathlib import Path

import pytest

VENDOR = Path(__file__).parent.parent / "book" / "_static" / "vendor"
SCRIPTS = ("vega/vega.min.js", "vega-lite/vega-lite.min.js", "vega-embed/vega-embed.min.js")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking"
).split()

DRAW = """async ([spec, signals]) => {
  document.body.innerHTML = '<div id="chart"></div>';
  const { view } = await vegaEmbed("#chart", spec, { mode: "vega-lite", actions: false });
  for (const [name, value] of Object.entries(signals)) view.signal(name, value);
  await view.runAsync();
  const found = [];
  const walk = (node) => {
    for (const item of node.items ?? []) {
      if (item.datum && ["symbol", "text"].includes(node.marktype) && node.role === "mark")
        found.push({ kind: node.marktype, ...item.datum });
      walk(item);
    }
  };
  walk(view.scenegraph().root);
  return JSON.parse(JSON.stringify(found));
}"""


def find_browser():
    """Where a browser is; skips where there is none (fails in CI)."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        reason = f"no browser found (looked for {', '.join(BROWSERS)}); install chromium"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    return found


def open_page():
    """A blank page with the book's own vega."""
    path = find_browser()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        page = browser.new_page()
        for script in SCRIPTS:
            page.add_script_tag(path=VENDOR / script)
        yield page
        browser.close()


def marks(page, figure, **signals):
    """Data of every point and text that ``figure`` draws with its parameters so set."""
    return page.evaluate(DRAW, [figure.spec(), signals])


def open_saved(page, figure, folder):
    """Open the figure as a saved notebook shows it; gives what the page asked for, itself first."""
    saved, asked = folder / "saved.html", []
    shown = figure._repr_mimebundle_()["text/html"]
    saved.write_text(f'<!doctype html><meta charset="utf-8"><body>{shown}</body>')
    page.on("request", lambda request: asked.append(request.url))
    page.goto(saved.as_uri())
    page.wait_for_selector("figure[data-ready] svg")
    return asked

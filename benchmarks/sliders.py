"""Milliseconds from a slider's step to the redrawn page, in each chapter of the built book."""

from __future__ import annotations

import re
import statistics
from pathlib import Path

from playwright.sync_api import Browser

from tests.visit import Visit, launched

SITE = Path(__file__).parent.parent / "_build" / "html"
ALLOWED = 50.0
STEPS = 40

# A step as a hand makes it: the event, the drawing, the wait for the screen's next frame, the
# layout; on every data set offered.
STEP_TIMES = """async (steps) => {
  const times = {};
  const stepThrough = async (figure, slider) => {
    const taken = (times[slider.id] ??= []);
    const { min, max, step } = slider;
    const whole = Math.round((max - min) / step);
    for (let i = 0; i <= steps; i++) {
      const place = Math.round((whole * (i % 2 ? i : steps - i)) / steps);
      slider.value = Number(min) + place * step;
      const start = performance.now();
      slider.dispatchEvent(new Event("input", { bubbles: true }));
      await settled(figure);
      figure.getBoundingClientRect();
      if (i) taken.push(performance.now() - start);
      await new Promise(requestAnimationFrame);
    }
  };
  for (const figure of document.querySelectorAll("figure.ls-figure")) {
    const data = figure.querySelector("select[id$=-data]");
    for (const choice of data ? data.options : [null]) {
      if (choice) {
        data.value = choice.value;
        data.dispatchEvent(new Event("change", { bubbles: true }));
        await settled(figure);
      }
      for (const slider of controls(figure))
        if (slider.type === "range") await stepThrough(figure, slider);
    }
  }
  return times;
}"""


def main() -> list[dict]:
    with launched() as browser:
        return [slowest(browser, path) for path in pages()]


def pages() -> list[str]:
    drawn = re.compile(r"<figure[^>]*ls-figure")
    found = [path for path in SITE.rglob("*.html") if drawn.search(path.read_text())]
    return sorted(str(path.relative_to(SITE)) for path in found)


def slowest(browser: Browser, path: str) -> dict:
    visit = Visit(browser, SITE, path).open().drawn()
    times = visit.page.evaluate(STEP_TIMES, STEPS)
    visit.close()
    late = {name: statistics.quantiles(taken, n=20)[-1] for name, taken in times.items()}
    name = max(late, key=late.get)
    return {
        "benchmark": f"a slider's step, {path}",
        "peer": "time allowed",
        "ours": late[name],
        "theirs": ALLOWED,
        "unit": "ms",
        "ratio": ALLOWED / late[name],
        "note": f"95th percentile of {len(times[name])} steps of {name}, the slowest "
        f"of {len(times)} sliders; median {statistics.median(times[name]):.0f} ms",
    }

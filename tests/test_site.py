"""The built book in a browser with no network: quiet, self-contained, driven, fit for a phone."""

import functools
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lsbook.figures import theme

ROOT = Path(__file__).parent.parent
SITE = ROOT / "_build" / "html"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()
DRAWN = "[...document.querySelectorAll('figure.ls-figure')].every(f => f.dataset.ready)"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def chromium():
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        reason = f"no browser found (looked for {', '.join(BROWSERS)}); install chromium"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    return found


@pytest.fixture(scope="module")
def site(chromium):
    build = [Path(sys.executable).with_name("jupyter-book"), "build", ROOT]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return SITE


@pytest.fixture(scope="module")
def address(site):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=site)
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture(scope="module")
def browser(chromium):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


class Visit:
    """A page opened with every foreign request blocked and written down."""

    def __init__(self, browser, home, width=1280):
        self.foreign, self.errors = [], []
        self.home = home
        self.page = browser.new_page(viewport={"width": width, "height": 900})
        self.page.route("**/*", self._route)
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("requestfailed", lambda request: self.errors.append(request.url))

    def open(self, path):
        self.page.goto(self.home + path)
        self.page.wait_for_function(DRAWN, timeout=60_000)
        return self.page

    def _route(self, route):
        if route.request.url.startswith((self.home, "data:", "blob:")):
            route.continue_()
        else:
            self.foreign.append(route.request.url)
            route.abort()

    def _note(self, message):
        if message.type == "error":
            self.errors.append(message.text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.page.close()


def pages(site):
    return sorted(
        str(path.relative_to(site))
        for path in site.rglob("*.html")
        if "_static" not in path.parts and "_sources" not in path.parts
    )


def figure_pages(site):
    return [path for path in pages(site) if "ls-figure" in (site / path).read_text()]


def marks(page, figure):
    """What a figure draws, in no order and without the running numbers of its clips."""
    drawing = page.evaluate("f => f.view.toSVG()", figure)
    return sorted(re.findall("<[^>]+>", re.sub(r"\bclip\d+", "clip", drawing)))


def inks(page, figure):
    return set(re.findall("#[0-9a-fA-F]{6}", " ".join(marks(page, figure))))


def test_every_page_is_quiet_and_asks_nobody(site, browser, address):
    wrong = {}
    for path in pages(site):
        with Visit(browser, address) as visit:
            visit.open(path)
            if visit.errors or visit.foreign:
                wrong[path] = visit.errors + visit.foreign
    assert not wrong


def test_every_control_changes_its_marks_and_reset_returns(site, browser, address):
    dead = []
    for path in figure_pages(site):
        with Visit(browser, address) as visit:
            page = visit.open(path)
            for figure in page.query_selector_all("figure.ls-driven"):
                initial = marks(page, figure)
                for control in figure.query_selector_all(".ls-controls :is(input, select)"):
                    if not moved(page, figure, control):
                        name = figure.get_attribute("id"), control.get_attribute("name")
                        dead.append((path, *name))
                    figure.query_selector(".ls-reset").click()
                    page.wait_for_timeout(50)
                assert marks(page, figure) == initial, f"{path}: reset does not return"
    assert not dead


def moved(page, figure, control):
    """Whether some other value of the control draws other marks."""
    before = marks(page, figure)
    kind = control.get_attribute("type") or "select"
    if kind == "range":
        for key in ("End", "Home"):
            control.focus()
            page.keyboard.press(key)
            page.wait_for_timeout(100)
            if marks(page, figure) != before:
                return True
        return False
    if kind in ("radio", "checkbox"):
        if kind == "radio" and control.is_checked():
            return True
        control.click()
        page.wait_for_timeout(100)
        return marks(page, figure) != before
    for option in control.evaluate("s => [...s.options].map(o => o.value)"):
        control.select_option(value=option)
        page.wait_for_timeout(100)
        if marks(page, figure) != before:
            return True
    return False


def test_figures_follow_the_theme_at_once(site, browser, address):
    for path in figure_pages(site):
        with Visit(browser, address) as visit:
            page = visit.open(path)
            figure = page.query_selector("figure.ls-figure")
            assert theme.INK in inks(page, figure)
            page.evaluate("document.documentElement.dataset.theme = 'dark'")
            page.wait_for_timeout(1000)
            assert theme.DARK[theme.INK] in inks(page, figure)
            assert theme.INK not in inks(page, figure)
            assert not visit.errors


def test_state_of_a_figure_comes_back_from_its_address(site, browser, address):
    for path in figure_pages(site):
        with Visit(browser, address) as visit:
            page = visit.open(path)
            slider = page.query_selector("figure.ls-driven input[type=range]")
            if slider is None:
                continue
            slider.focus()
            page.keyboard.press("End")
            page.wait_for_function("location.hash.includes('?')")
            chosen, fragment = slider.input_value(), page.evaluate("location.hash")
        with Visit(browser, address) as visit:
            page = visit.open(path + fragment)
            figure = page.query_selector("figure.ls-driven:has(input[type=range])")
            page.wait_for_timeout(200)
            assert figure.query_selector("input[type=range]").input_value() == chosen
            return


def test_phone_width_has_no_sideways_scroll(site, browser, address):
    wide = {}
    for path in pages(site):
        with Visit(browser, address, width=390) as visit:
            width = visit.open(path).evaluate("document.documentElement.scrollWidth")
            if width > 390:
                wide[path] = width
    assert not wide


def test_opens_from_the_file_system(site, browser):
    for path in pages(site):
        with Visit(browser, site.as_uri() + "/") as visit:
            visit.open(path)
            assert not visit.errors and not visit.foreign, path


def test_figures_say_what_they_show(site):
    for path in figure_pages(site):
        page = (site / path).read_text()
        labels = re.findall(r'class="ls-chart" role="img" aria-label="([^"]*)"', page)
        assert labels and all(len(label) > 20 for label in labels), path


def test_one_copy_of_each_script(site):
    vega = ("vega.min.js", "vega-lite.min.js", "vega-embed.min.js")
    for name in (*vega, "tex-svg-full.js", "embed.js"):
        assert len(list(site.rglob(name))) == 1

"""The built book, page by page, as its reader drives it with no network."""

import gzip
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest
import yaml

from tests.visit import Visit, launched

ROOT = Path(__file__).parent.parent
SITE = ROOT / "_build" / "html"
TABLE_OF_CONTENTS = yaml.safe_load((ROOT / "_toc.yml").read_text())
CHAPTERS = [
    Path(entry["file"]).with_suffix(".html").as_posix()
    for part in TABLE_OF_CONTENTS["parts"]
    for entry in part["chapters"]
]
HOME = Path(TABLE_OF_CONTENTS["root"]).with_suffix(".html").as_posix()
PAGES = [HOME, *CHAPTERS, "genindex.html", "py-modindex.html", "search.html"]

# One entry stands for all that one template makes.
REPEATED = ["dl.py ~ dl.py", ".genindextable", ".ls-runs tr:nth-child(n + 6)"]
MEGABYTE = 1_000_000

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser():
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def site(browser):
    build = [Path(sys.executable).with_name("jupyter-book"), "build", ROOT]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return SITE


@pytest.fixture(scope="module", params=PAGES)
def visit(request, browser, site):
    visit = Visit(browser, site, request.param).open().drawn()
    yield visit
    visit.close()


@pytest.fixture
def opened(browser, site):
    """Opens further pages, and closes them."""
    visits = []

    def open_page(path, fragment=""):
        visits.append(Visit(browser, site, path).open(fragment))
        return visits[-1]

    yield open_page
    for visit in visits:
        visit.close()


# --------------------------------------------------------------------------- each page of the book


def violations(page, rules=None):
    from axe_playwright_python.sync_playwright import Axe

    options = {"resultTypes": ["violations"], "preload": False}
    if rules:
        options["runOnly"] = rules
    here = [part for part in REPEATED if page.query_selector(part)]
    found = Axe().run(page, context={"exclude": [[part] for part in here]}, options=options)
    return [
        (violation["id"], node["html"], node["failureSummary"])
        for violation in found.response["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


def test_axe_finds_nothing_serious_by_day_or_night(visit):
    assert not violations(visit.page)
    visit.switch_theme("dark")
    assert not violations(visit.page, ["color-contrast"])
    visit.switch_theme("light")


def test_every_figure_says_its_numbers_and_offers_link_data_and_origin(visit):
    for figure in visit.figures():
        assert len(figure.said) > 20 and re.search(r"\d", figure.said), figure.name
        caption = figure.handle.query_selector("figcaption").inner_text()
        assert "Copy link" in caption and "Download data" in caption, figure.name
        driven = "ls-driven" in figure.handle.get_attribute("class")
        assert ("Reset" in caption) == driven, figure.name


def test_keys_reach_and_move_every_control_and_reset_returns(visit):
    for figure in visit.figures("figure.ls-driven"):
        initial = figure.values, figure.shown
        assert not figure.missed_by_tab(), figure.name
        for index, _ in enumerate(figure.values):
            name = figure.ask("controls(figure)[args[0]].labels[0].innerText", index)
            assert figure.move(index), f"{figure.name}: {name} changes nothing"
            figure.reset()
            assert (figure.values, figure.shown) == initial, f"{figure.name}: {name}"


def test_a_copied_link_brings_the_state_back(visit, opened):
    driven = visit.figures("figure.ls-explorer")[-1:] + visit.figures(
        "figure.ls-driven:not(.ls-explorer)")[-1:]
    for figure in driven:
        figure.move(len(figure.values) - 1)
        figure.press(".ls-tools button:nth-child(2)")
        fragment = visit.page.evaluate("location.hash")
        assert fragment.startswith(f"#{figure.name}?")
        again = opened(visit.path, fragment).drawn().figure(figure.name)
        assert (again.values, again.numbers) == (figure.values, figure.numbers)
        figure.reset()


def test_paper_shows_each_figure_as_it_stands_without_its_controls(visit):
    driven = visit.figures("figure.ls-driven")
    for figure in driven:
        figure.move(0)
    on_screen = [figure.numbers for figure in driven]
    visit.page.emulate_media(media="print")
    try:
        assert [figure.numbers for figure in driven] == on_screen
        for figure in visit.figures():
            assert not figure.ask("""[...figure.querySelectorAll("input, button")]
                .filter((one) => one.checkVisibility()).map((one) => one.outerHTML)""")
            assert figure.handle.query_selector(".ls-chart, .ls-stage").is_visible()
    finally:
        visit.page.emulate_media(media="screen")
    for figure in driven:
        figure.reset()


def test_nothing_moves_for_readers_who_ask_for_stillness(visit):
    visit.page.emulate_media(reduced_motion="reduce")
    moving = visit.page.evaluate("""[...document.querySelectorAll("body, body *")].filter((one) => {
        const { animationName, transitionDuration } = getComputedStyle(one);
        return animationName !== "none" || transitionDuration.match(/[1-9]/);
    }).map((one) => one.outerHTML.slice(0, 200))""")
    visit.page.emulate_media(reduced_motion="no-preference")
    assert not moving


def test_fits_a_phone(visit):
    page = visit.page
    page.set_viewport_size({"width": 390, "height": 844})
    try:
        page.wait_for_function("document.documentElement.scrollWidth <= 390", timeout=10_000)
        page.wait_for_function(
            "[...document.querySelectorAll(':is(.ls-chart, .ls-stage) :is(svg, canvas)')]"
            ".every((drawing) => drawing.getBoundingClientRect().right <= 390)", timeout=10_000)
        page.wait_for_function(
            "[...document.querySelectorAll('.ls-numbers')]"
            ".every((numbers) => numbers.scrollWidth <= numbers.clientWidth)", timeout=10_000)
    finally:
        page.set_viewport_size({"width": 1280, "height": 900})
        page.wait_for_timeout(200)
        visit.drawn()


def test_the_page_asked_nobody_and_complained_of_nothing(visit):
    assert not visit.foreign
    assert not visit.amiss


# ------------------------------------------------------------------------------ the book as a whole


def test_every_page_is_tested(site):
    built = {
        path.relative_to(site).as_posix()
        for path in site.rglob("*.html")
        if "_static" not in path.parts and "_sources" not in path.parts
    }
    assert built - {"index.html"} == set(PAGES)


def test_the_first_page_leads_to_the_book(opened):
    page = opened("index.html").page
    page.wait_for_url(f"**/{HOME}")


@pytest.mark.parametrize("path, name, state", [
    ("book/distillation.html", "explore-grid", ""),
    ("book/mutual-information.html", "explore-bias", "?form=reused"),
])
def test_a_link_lands_on_its_figure(opened, path, name, state):
    page = opened(path, f"#{name}{state}").page
    page.set_viewport_size({"width": 1280, "height": 900})
    page.wait_for_selector(f"#{name}[data-ready]")
    page.wait_for_function(
        "(name) => { const { top } = document.getElementById(name).getBoundingClientRect();"
        " return 0 <= top && top < 300; }", arg=name)


@pytest.mark.parametrize("path, name, state", [
    ("book/translation.html", "figure-2", "alpha=0.3"),
    ("book/calibration.html", "explore-calibration", "T=2.5&bins=7"),
])
def test_a_link_followed_in_an_open_page_brings_its_state(opened, path, name, state):
    fresh = opened(path, f"#{name}?{state}").drawn().figure(name)
    page = opened(path).drawn()
    figure = page.figure(name)
    assert figure.values != fresh.values
    page.page.evaluate("(hash) => (location.hash = hash)", f"{name}?{state}")
    page.page.wait_for_function(
        "([figure, wanted]) => String(values(figure)) === String(wanted)",
        arg=[figure.handle, fresh.values])
    assert figure.numbers == fresh.numbers


def test_a_link_opens_its_claim_each_time(opened):
    page = opened("book/claims.html").page
    link = page.locator(".ls-summary a").first
    fold = page.locator(link.get_attribute("href"))
    for _ in range(2):
        link.click()
        assert fold.evaluate("(one) => one.open")
        fold.evaluate("(one) => (one.open = false)")


def test_links_of_the_instructors_lead_to_what_is_there(site):
    page = site / "book" / "instructors.html"
    links = set(re.findall(r'href="([\w-]+\.html)#([^"?]+)', page.read_text()))
    assert links
    for target, name in sorted(links):
        assert f'id="{name}"' in (page.parent / target).read_text(), f"{target}#{name}"


def test_search_finds_chapters(opened):
    page = opened("search.html", "?q=temperature").page
    page.wait_for_selector('#search-results li a[href*="calibration.html"]')  # they come one by one


def test_the_theme_switch_and_the_sidebar_work_by_keyboard(opened):
    page = opened(HOME).page
    theme = "document.documentElement.dataset.theme"
    before, switch = page.evaluate(theme), page.locator(".theme-switch-button:visible").first
    for _ in range(3):
        switch.press("Enter")
        if page.evaluate(theme) != before:
            break
    assert page.evaluate(theme) != before
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator(".primary-toggle:visible").first.press("Enter")
    page.get_by_role("link", name="Calibration", exact=True).first.wait_for(state="visible")


FORMULAS = """() => [...document.querySelectorAll("article .math")].map((formula) => {
  const { width, height } = formula.querySelector("svg").getBoundingClientRect();
  return { width, height, said: formula.querySelector("math").textContent };
})"""


@pytest.mark.parametrize("path", CHAPTERS[:6])
def test_formulas_are_drawn_and_can_be_read_aloud(opened, path):
    page = opened(path).page
    page.set_viewport_size({"width": 390, "height": 844})
    formulas = page.evaluate(FORMULAS)
    assert formulas
    for formula in formulas:
        assert 3 < formula["width"] <= 390 and 5 < formula["height"] < 120
        assert formula["said"] and "\\" not in formula["said"]
    assert not re.search(r"\\[a-z]{2,}|\$", " ".join(page.locator("article p").all_inner_texts()))


@pytest.mark.parametrize("path", [HOME, CHAPTERS[0]])
def test_the_first_pages_weigh_little(opened, path):
    """What a server that compresses sends before any evaluation is asked for."""
    visit = opened(path)
    visit.page.wait_for_load_state("networkidle")
    weight = 0
    for address in set(visit.asked):
        path = Path(unquote(urlparse(address).path))
        if "evaluations" not in path.parts:
            packed = path.suffix in (".woff2", ".png")
            weight += len(path.read_bytes() if packed else gzip.compress(path.read_bytes(), 6))
    assert weight <= 1.5 * MEGABYTE


def test_one_copy_of_each_script(site):
    for name in ("vega.min.js", "vega-lite.min.js", "vega-embed.min.js"):
        assert len(list(site.rglob(name))) == 1

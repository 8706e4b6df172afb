"""The explorers' base: arrays by Python, a script and the browser; controls, address, frame."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from lsbook import recipes
from lsbook.explore import calibration, evaluation
from lsbook.explore.figure import Explorer
from lsbook.figures import theme
from lsbook.runs.best import recorded
from drawn import open_page, open_saved
from explored import run_in_node

STATIC = Path(__file__).parent.parent / "book" / "_static"
TOY = """
lsExplore.register("toy", {
  state: (config, { set = "a" }) => [
    { name: "set", label: "set", kind: "choice", initial: "a",
      options: ["a", "b"].map((value) => ({ value, label: value })) },
    { name: "x", label: "x", kind: "range", min: 0, max: set === "a" ? 4 : 1, step: 0.5,
      initial: set === "a" ? 2 : 1, format: (v) => v.toFixed(1) },
    { name: "on", label: "on", kind: "switch", initial: false },
  ],
  load: async (config) => (await lsEvaluations.load(config.key)).values,
  draw: (stage, values, { set, x, on }) => {
    const scale = lsPlot.linear([0, 4], [40, 200]);
    stage.replaceChildren(lsPlot.picture(220, 220, lsPlot.mark(scale(x), 50, { kind: "hard" })));
    return {
      numbers: [{ label: "sum", value: values[0] + x + on, kind: "smooth" }],
      alt: `x is ${x}`, rows: () => [{ x }], marks: { x: [{ value: 0.5, label: "half" }] },
    };
  },
});
"""

page = pytest.fixture(scope="module")(open_page)


@pytest.fixture
def site(tmp_path):
    """Writes a page that opens from a file, with the explorers' scripts and these evaluations."""

    def build(body="", script="", **evaluations):
        folder = tmp_path / "site" / "evaluations"
        folder.mkdir(parents=True, exist_ok=True)
        for name, arrays in evaluations.items():
            (folder / f"{name}.js").write_text(evaluation.encode(name, arrays))
        (tmp_path / "explore").mkdir(exist_ok=True)
        names = ("states", "frame", "explore/figure", "explore/evaluations", "explore/plot",
                 "page")
        for name in names:
            (tmp_path / f"{name}.js").write_text((STATIC / f"{name}.js").read_text())
        tags = "".join(f'<script src="{name}.js"></script>' for name in names)
        styles = (STATIC / name for name in ("lsbook.css", "explore/explore.css"))
        style = "".join(path.read_text() for path in styles)
        html = (f'<!doctype html><html data-theme="light"><meta charset="utf-8">'
                f"<style>{style}</style>{body}{tags}<script>{script}</script></html>")
        (tmp_path / "page.html").write_text(html)
        return (tmp_path / "page.html").as_uri()

    return build


@pytest.fixture
def toy(site, page):
    figure = Explorer(kind="toy", config={"key": "toy"}, title="Toy", alt="A toy at 2.").to_html()

    def visit(fragment=""):
        page.goto("about:blank")
        page.goto(site(figure, TOY, toy={"values": np.array([10, 0])}) + fragment)
        page.wait_for_selector("figure[data-ready]")
        return page

    return visit


def number(page):
    return float(page.inner_text(".ls-numbers dd"))


def test_arrays_come_back_in_the_browser(site, page):
    rng = np.random.default_rng(0)
    arrays = {
        "halves": (10 * rng.normal(size=(40, 3))).astype(np.float16),
        "tiny": np.array([6e-8, -3e-5, 0.0, 65504.0, -1.5], np.float16),
        "floats": rng.normal(size=(7, 5, 2)),
        "bytes": rng.integers(256, size=300),
        "words": rng.integers(-32768, 32767, size=300),
        "switches": rng.integers(2, size=9).astype(bool),
        "empty": np.zeros((0, 3)),
    }
    page.goto(site(**{"abc-toy": arrays}))
    found = page.evaluate("""async () => {
        const { shapes, ...arrays } = await lsEvaluations.load("abc-toy");
        return { shapes, arrays: Object.fromEntries(
          Object.entries(arrays).map(([name, values]) => [name, [...values]])) };
    }""")
    for name, array in arrays.items():
        assert found["shapes"][name] == list(array.shape)
        half_a_step = np.abs(array).max() / 32767 / 2 + 1e-6 if name == "floats" else 0
        np.testing.assert_allclose(
            found["arrays"][name], array.astype(float).ravel(), rtol=0, atol=half_a_step)


def test_a_missing_evaluation_says_so(site, page):
    page.goto(site())
    said = page.evaluate("lsEvaluations.load('none').catch(error => error.message)")
    assert said == "the evaluation none could not be loaded"


@pytest.mark.parametrize("array", [np.array([70_000]), np.array([1.0, np.nan])])
def test_what_cannot_be_shipped_is_refused(array):
    with pytest.raises(ValueError, match="values"):
        evaluation.encode("name", {"values": array})


def test_controls_numbers_and_address_go_together(toy):
    page = toy()
    assert number(page) == 12
    page.focus("#explore-toy-x")
    page.keyboard.press("ArrowRight")
    assert number(page) == 12.5
    assert page.evaluate("location.hash") == "#explore-toy?x=2.5"
    assert page.inner_text("output") == "2.5"
    page.check("#explore-toy-on")
    assert number(page) == 13.5
    assert page.get_attribute(".ls-stage", "aria-label") == "x is 2.5"

    page = toy(page.evaluate("location.hash"))
    assert number(page) == 13.5
    page.click(".ls-reset")
    assert number(page) == 12 and page.evaluate("location.hash") == "#explore-toy"


def test_an_entry_follows_those_before_it(toy):
    page = toy("#explore-toy?x=3")
    page.select_option("#explore-toy-set", label="b")
    assert number(page) == 11
    assert page.get_attribute("#explore-toy-x", "max") == "1"
    page.select_option("#explore-toy-set", label="a")
    assert number(page) == 11


def test_a_mark_sets_its_range(toy):
    page = toy()
    page.click(".ls-marks button")
    assert number(page) == 10.5


def test_states_against_their_table(tmp_path):
    run_in_node("states", None, tmp_path)


@pytest.mark.parametrize("query", [
    "x=99&set=%22c%22&on=1&y=&%zz", "x=-1", "x=null", "x=[2.5]", "x=NaN", "x=1e999", "x=true",
    "set=constructor", "set=0", "set=__proto__&__proto__=b", "on=%22true%22", "constructor=1",
    "x=%3Cimg%20src=x%20onerror=alert(1)%3E", "set={%22toString%22:1}",
])
def test_nonsense_in_the_address_is_ignored(toy, query):
    page = toy(f"#explore-toy?{query}")
    assert number(page) == 12 and page.inner_text("output") == "2.0"


def test_a_link_is_shown_where_it_cannot_be_copied(toy):
    """A page over plain http from another host has no clipboard."""
    page, errors = toy("#explore-toy?x=3"), []
    page.on("pageerror", lambda error: errors.append(error))
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.click("text=Copy link")
    page.wait_for_selector("text=See the address")
    assert page.evaluate("location.hash") == "#explore-toy?x=3" and not errors


def test_a_link_is_copied(toy):
    page = toy("#explore-toy?x=3")
    page.evaluate("Object.defineProperty(navigator, 'clipboard', "
                  "{ value: { writeText: async (text) => void (window.copied = text) } })")
    page.click("text=Copy link")
    page.wait_for_selector("text=Copied")
    assert page.evaluate("copied") == page.url


def test_words_in_the_address_need_no_quotes(toy):
    for written in ("b", "%22b%22"):
        page = toy(f"#explore-toy?set={written}")
        assert number(page) == 11
    page.focus("#explore-toy-x")
    page.keyboard.press("Home")
    assert page.evaluate("location.hash") == "#explore-toy?set=b&x=0"


def test_dark_mode_recolours_without_drawing(toy):
    page = toy()
    fill = "getComputedStyle(document.querySelector('.mark.hard')).fill"
    before = page.query_selector(".ls-stage svg")
    light = page.evaluate(fill)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert {light, page.evaluate(fill)} == {rgb(theme.HARD), rgb(theme.DARK[theme.HARD])}
    assert before.is_visible()


def rgb(colour):
    return "rgb({}, {}, {})".format(*(int(colour[i:i + 2], 16) for i in (1, 3, 5)))


def test_smoothing_has_the_books_ramp(toy):
    page = toy()
    for dark in (False, True):
        page.evaluate(f"document.documentElement.dataset.theme = '{'dark' if dark else 'light'}'")
        for alpha in (0.0, 0.0025, 0.05, 0.1, 0.3, 1.0):
            wanted = theme.smooth(alpha)
            wanted = theme.DARK[wanted] if dark else wanted
            colour = page.evaluate("""alpha => {
                const canvas = document.createElement("canvas");
                canvas.width = canvas.height = 1;
                const probe = document.body.appendChild(document.createElement("i"));
                probe.style.color = lsPlot.smooth(alpha);
                const pen = canvas.getContext("2d");
                pen.fillStyle = getComputedStyle(probe).color;
                pen.fillRect(0, 0, 1, 1);
                return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
            }""", alpha)
            near = [int(wanted[i:i + 2], 16) for i in (1, 3, 5)]
            np.testing.assert_allclose(colour, near, atol=5)


def test_scales_and_ticks(toy):
    page = toy()
    assert page.evaluate("lsPlot.linear([0, 1], [0, 100]).ticks()") == [0, 0.2, 0.4, 0.6, 0.8, 1]
    assert page.evaluate("lsPlot.linear([0, 4], [100, 0])(1)") == 75
    assert page.evaluate("lsPlot.log([1, 100], [0, 100])(10)") == 50
    assert page.evaluate("lsPlot.log([0.01, 100], [0, 1]).ticks(4)") == [0.01, 0.1, 1, 10, 100]


def test_where_a_picker_starts(toy):
    page = toy()
    assert page.evaluate("lsExplore.nearest([0.6, 1, 1.4], 1.1)") == 1
    assert page.evaluate("lsExplore.nearest([1, 2], 1.5)") == 1
    assert page.evaluate("lsExplore.distinct([10, 2, 10, 1])") == [1, 2, 10]


def test_a_written_evaluation_is_the_one_a_page_names(tmp_path, monkeypatch):
    run = SimpleNamespace(recipe=recipes.named("lab/mlp-mnist1d"), manifest={
        "commit": "c", "device": "cpu"})
    module = SimpleNamespace(arrays=lambda run: {"values": np.arange(3)})
    monkeypatch.setattr(evaluation.importlib, "import_module", lambda name: module)
    figure = Explorer(kind="toy", config={}, title="T", alt="A toy.", runs=[run])
    assert repr(figure) == "T. A toy."
    (name,) = evaluation.named_in(figure.to_html())
    path = evaluation.write(run, "toy", tmp_path)
    assert path.name == f"{name}.js" and list(tmp_path.iterdir()) == [path]
    assert path.read_text() == evaluation.encode(name, {"values": np.arange(3)})


def test_an_explorer_needs_words():
    with pytest.raises(ValueError, match="alt is empty"):
        Explorer(kind="toy", config={}, title="T", alt=" ")


def test_a_notebook_shows_a_figure_that_carries_all_it_needs(page, tmp_path, monkeypatch):
    runs = [next(iter(recorded(recipes.named("lab/mlp-mnist1d", alpha=a), seed=0, alpha=a)))
            for a in (0.0, 0.1)]
    figure = calibration.explorer([runs], "Title", 0.1)
    monkeypatch.delenv("LSBOOK_STATIC", raising=False)
    asked = open_saved(page, figure, tmp_path)
    before = page.locator(".ls-numbers").inner_text()
    assert f"{runs[0].metrics['val_ece']:.4f}" in before
    page.get_by_label("temperature T").fill("3")
    assert page.locator(".ls-numbers").inner_text() != before
    assert asked == [page.url]
    monkeypatch.setenv("LSBOOK_STATIC", "1")
    assert "<style>" not in figure._repr_mimebundle_()["text/html"]

"""The mutual-information explorers: the page's estimate against lsbook's, and its simulations."""

import math
import re
from types import SimpleNamespace

import numpy as np
import pytest

from drawn import open_page
from explored import page_of, visit
from lsbook.estimators.information import (
    collapsed_bias,
    from_draws,
    mutual_information,
    simulate_bias,
)
from lsbook.explore import information as explore
from lsbook.figures import information as figures
from lsbook.figures.information import Network
from lsbook.recipes import named

STEPS = [0, 100, 200, 300]
N = 60

page = pytest.fixture(scope="module")(open_page)


def run(recipe, seed=0, drawn=True, shrink=1.0):
    rng = np.random.default_rng([seed, int(100 * recipe.alpha)])
    spread = np.array([0.2, 2.0, 1.5, 1.0])[:, None] * shrink
    sides = np.repeat([-4.0, 4.0], N // 2) * (np.arange(4) > 0)[:, None]
    mean = (sides + spread * rng.standard_normal((4, N))).astype(np.float16)
    scored = (mean + 0.5 * rng.standard_normal((4, N))).astype(np.float16)
    fresh = [mutual_information(m.astype(float), y.astype(float)) for m, y in zip(mean, scored)]
    arrays = {"mi_mean": mean.astype(np.float32), "mi_scored": scored.astype(np.float32)}
    return SimpleNamespace(
        recipe=recipe.with_(seed=seed), manifest={"commit": "c", "device": "cpu"}, metrics={},
        history={"mi_step": STEPS, "mi_fresh": fresh, "mi_reused": [v + 0.18 for v in fresh]},
        arrays=arrays if drawn else {})


def network(name):
    runs = [run(named(name, alpha=a), seed, drawn=seed == 0, shrink=1 - a)
            for a in (0.0, 0.15, 0.3) for seed in (0, 1)]
    return Network(named(name), tuple(runs))


@pytest.fixture(scope="module")
def networks():
    return [network("compact/teacher-cifar10"), network("lab/mlp-mnist1d")]


@pytest.fixture(scope="module")
def figure(networks, page, tmp_path_factory):
    """Opens a page with both explorers at a fragment."""
    made = [explore.figure6(networks, 0.1), explore.bias()]
    address = page_of("information", made, tmp_path_factory.mktemp("site"))
    return lambda fragment="": visit(page, address, fragment)


def table(page):
    """The numbers of Figure 6 by row and column."""
    return page.evaluate("""() => {
      const [head, ...rows] = [...document.querySelectorAll("#explore-information .ls-numbers tr")]
        .map((row) => [...row.cells].map((cell) => cell.textContent.replace("−", "-")));
      return Object.fromEntries(rows.map(([name, ...values]) =>
        [name, Object.fromEntries(values.map((value, i) => [head[i + 1], Number(value)]))]));
    }""")


def test_networks_name_their_classes_and_what_was_cut(networks):
    assert networks[0].classes == ("airplane", "dog")
    assert networks[1].classes == ("class 0", "class 5")
    assert "5,000 images of 16×16" in networks[0].scale and networks[1].scale == "the lab"


@pytest.mark.parametrize("tick", range(4))
def test_estimate_from_the_draws_is_lsbooks(figure, networks, tick):
    page = figure(f"#explore-information?tick={tick}&alpha=0.3")
    found = table(page)
    for name, alpha in (("hard", 0.0), ("α = 0.3", 0.3)):
        drawn = next(r for r in networks[0].drawn if r.recipe.alpha == alpha)
        mu, y = (drawn.arrays[array][tick].astype(float) for array in figures.DRAWS)
        assert found[name]["draws below"] == pytest.approx(
            mutual_information(mu, y), abs=6e-4)
        assert found[name]["σ"] == pytest.approx(
            math.sqrt(np.mean((y - mu) ** 2)), abs=6e-4)
        seeds = [r.history["mi_fresh"][tick] for r in networks[0].runs if r.recipe.alpha == alpha]
        assert found[name]["mean"] == pytest.approx(np.mean(seeds), abs=1e-3)


@pytest.mark.parametrize("form", figures.FORMS)
def test_curves_and_numbers_are_of_the_chosen_form(figure, networks, form):
    page = figure(f"#explore-information?form={form}&alpha=0.3&tick=2")
    curves = {alpha: np.array([r.history[f"mi_{form}"] for r in networks[0].runs
                               if r.recipe.alpha == alpha]) for alpha in (0.0, 0.3)}
    at = height(page)
    for kind, alpha in (("hard", 0.0), ("smooth", 0.3)):
        thick, *thin = sorted(lines(page, kind), key=lambda line: line["faint"])
        assert [line["faint"] for line in (thick, *thin)] == [False, True, True]
        np.testing.assert_allclose(thick["y"], at(curves[alpha].mean(0)), atol=0.3)
        for line, seed in zip(thin, curves[alpha]):
            np.testing.assert_allclose(line["y"], at(seed), atol=0.3)
    found = table(page)
    for name, alpha in (("hard", 0.0), ("α = 0.3", 0.3)):
        assert found[name]["mean"] == pytest.approx(curves[alpha][:, 2].mean(), abs=1e-3)
        assert found[name]["peak"] == pytest.approx(curves[alpha].max(1).mean(), abs=1e-3)


@pytest.mark.parametrize("query", [
    "tick=3.5", "tick=-1", "network=constructor", "network=-1", "network=0.5", "form=toString",
    "unit=__proto__&alpha=null",
])
def test_a_link_to_what_is_not_there_shows_the_start(figure, query):
    wanted = figure().inner_html("#explore-information .ls-stage")
    page = figure(f"#explore-information?{query}")
    assert page.inner_html("#explore-information .ls-stage") == wanted and "NaN" not in wanted


def lines(page, kind):
    """The curves of one colour: whether each is thin, and its heights in pixels."""
    found = page.eval_on_selector_all(
        f"#explore-information .ls-stage path.line.{kind}",
        "all => all.map(one => ({ d: one.getAttribute('d'), name: one.className.baseVal }))")
    return [{"faint": "faint" in one["name"],
             "y": [float(y) for y in re.findall(r"[ML][-\d.]+ ([-\d.]+)", one["d"])]}
            for one in found]


def height(page):
    """The scale of the upper axis, nats to pixels, as its ticks say."""
    ticks = page.eval_on_selector_all(
        "#explore-information .ls-stage g.axes:first-of-type > text[text-anchor=end][dy]",
        "all => all.map(one => [Number(one.textContent.replace('−', '-')), one.getAttribute('y')])"
        "  .filter(([value]) => !Number.isNaN(value))")
    (first, top), (last, bottom) = (map(float, ticks[i]) for i in (0, -1))
    return lambda values: top + (np.asarray(values) - first) / (last - first) * (bottom - top)


@pytest.mark.parametrize("scatter", [0.0, 0.3, 4.0])
def test_arithmetic_agrees_to_four_digits(figure, scatter):
    rng = np.random.default_rng(1)
    mu = np.repeat([-9.0, 9.0], 150) + scatter * rng.standard_normal(300)
    y = mu + rng.standard_normal(300)
    found = figure().evaluate("([mu, y]) => lsInformation.estimate(mu, y).nats",
                              [mu.tolist(), y.tolist()])
    assert found == pytest.approx(mutual_information(mu, y), abs=1e-4)


@pytest.mark.parametrize("clusters", [1, 2, 10, 200])
@pytest.mark.parametrize("form, L", [("fresh", 5), ("reused", 5), ("reused", 30)])
def test_simulated_draws_are_scored_as_lsbook_scores_them(figure, clusters, form, L):
    found = figure().evaluate(
        """([clusters, L, form]) => {
          const table = lsInformation.draws(200, L + 1, clusters, 7);
          return { draws: [...table], nats: lsInformation.fromDraws(table, 200, L, form) };
        }""", [clusters, L, form])
    draws = np.array(found["draws"]).reshape(200, L + 1)
    expected = from_draws(draws if form == "fresh" else draws[:, :L], form)
    assert found["nats"] == pytest.approx(expected, abs=1e-4)


def test_simulated_numbers_are_standard_normal_and_seeded(figure):
    draw = """(seed) => {
        const next = lsInformation.normal(seed);
        return Array.from({length: 20000}, next);
    }"""
    page = figure()
    values = np.array(page.evaluate(draw, 3))
    assert abs(values.mean()) < 0.03 and values.std() == pytest.approx(1, abs=0.02)
    assert np.mean(np.abs(values) < 1.96) == pytest.approx(0.95, abs=0.01)
    assert page.evaluate(draw, 3) == values.tolist() != page.evaluate(draw, 4)


@pytest.mark.parametrize("form", figures.FORMS)
@pytest.mark.parametrize("L", [2, 5, 12])
def test_closed_form_of_the_bias(figure, form, L):
    simulated = simulate_bias(N=600, L=L, clusters=1, draws=8)
    assert collapsed_bias(L, form) == pytest.approx(getattr(simulated, form), abs=0.02)
    found = figure().evaluate("([L, form]) => lsInformation.bias(L, form)", [L, form])
    assert found == pytest.approx(collapsed_bias(L, form), abs=1e-12)


def test_more_draws_cure_the_bias_and_links_restore_it(figure):
    def read(L):
        page = figure(f'#explore-bias?L={L}&form="reused"&N=200')
        numbers = page.locator("#explore-bias .ls-numbers dd").all_inner_texts()
        return [float(text.replace("−", "-")) for text in numbers]

    truth, few, *_ = read(3)
    assert truth == pytest.approx(math.log(2), abs=6e-4)
    assert few > read(30)[1] > truth
    assert read(3) == read(3)


def test_a_step_of_the_slider_redraws(figure):
    page = figure("#explore-information?tick=1")
    before = table(page)
    page.focus("#explore-information-tick")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("location.hash.includes('tick=2')")
    assert table(page) != before
    assert "step 200" in page.get_attribute("#explore-information .ls-stage", "aria-label")


def test_runs_without_draws_still_give_their_curves(tmp_path, page):
    light = Network(named("lab/mlp-mnist1d"), tuple(
        run(named("lab/mlp-mnist1d", alpha=a), 1, drawn=False) for a in (0.0, 0.1)))
    visit(page, page_of("information", [explore.figure6([light], 0.1)], tmp_path))
    assert page.locator("#explore-information path.line.hard").count() == 2
    assert page.locator("#explore-information path.mark.smooth").count() == 1


def test_words_follow_the_curves(networks):
    said = figures.told(networks[0], 0.3)
    assert "CIFAR-10" in said
    ends = figures.endings(figures.history(networks[0].runs)).groupby("alpha")["last"].mean()
    assert f"{ends[0.3]:.2f} in the end" in said
    assert f"{ends.min():.2f} nats" in figures.least_told(networks[0])

"""The translation explorers: their arithmetic and their page against the book's estimators."""

import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest

from drawn import open_page
from explored import page_of, run_in_node, visit_at
from lsbook.data import Grammar
from lsbook.estimators.calibration import reliability
from lsbook.explore import translation
from lsbook.figures import translation as figures
from lsbook.recipes import named
from lsbook.runs.best import recorded

LAB = "lab/transformer-grammar"

page = pytest.fixture(scope="module")(open_page)


# ----------------------------------------------------------------------------------- arithmetic


def golden():
    """Half-precision confidences, edges of bins among them, through the book's estimator."""
    rng = np.random.default_rng(0)
    cases = []
    for bins in range(5, 51):
        confidence = rng.beta(3, 1, 300).astype(np.float16).astype(np.float64)
        confidence[:5] = 0.0, 0.25, 0.5, 0.75, 1.0
        correct = rng.random(300) < confidence
        found = reliability(confidence, correct, bins)
        rows = [{"lower": a, "upper": b, "n": n, "confidence": c, "accuracy": r}
                for a, b, n, c, r in zip(found.lower.tolist(), found.upper.tolist(),
                                         found.count.tolist(), found.confidence.tolist(),
                                         found.accuracy.tolist()) if n]
        cases.append({"confidence": confidence.tolist(), "correct": correct.astype(int).tolist(),
                      "bins": bins, "rows": rows, "ece": found.ece})
    return cases


def test_javascript(tmp_path):
    run_in_node("translation", golden(), tmp_path)


# ------------------------------------------------------------------------------- what is shipped


@pytest.fixture(scope="module")
def lab():
    return {run.recipe.alpha: run for run in recorded(named(LAB), seed=0)}


def test_confidences_are_shipped_as_they_are_recorded(lab):
    shipped = translation.arrays(lab[0.1])
    assert shipped["token_confidence"].dtype == np.float16
    np.testing.assert_array_equal(shipped["token_confidence"], lab[0.1].arrays["token_confidence"])
    np.testing.assert_array_equal(shipped["token_correct"], lab[0.1].arrays["token_correct"])


def test_sentences_hold_the_whole_beam_with_the_truth_of_each_word(lab):
    sentences = json.loads(translation.arrays(lab[0.0])["sentences"].tobytes())
    sample, shipped = lab[0.0].samples[0], sentences[0]
    assert len(sentences) == 20 and len(shipped["hypotheses"]) == 4
    scores = [hypothesis["score"] for hypothesis in shipped["hypotheses"]]
    assert scores == sorted(scores, reverse=True)
    first = shipped["hypotheses"][0]
    assert first["tokens"] == sample["tokens"] and first["p"] == sample["probabilities"]
    q = Grammar().next_token_distribution(sample["source"], first["tokens"][:2])
    third = Grammar().tokenizer.id(first["tokens"][2])
    assert first["truth"][2] == pytest.approx(q[third], abs=5e-4)


def test_a_run_of_one_hypothesis_ships_it():
    sample = {"source": "a", "reference": "b", "tokens": ["▁c"], "probabilities": [0.5]}
    run = SimpleNamespace(
        recipe=SimpleNamespace(dataset="multi30k"), samples=[sample],
        stored_arrays=lambda: {"token_confidence": np.ones((1, 1)), "token_correct": np.ones(1)})
    (shipped,) = json.loads(translation.arrays(run)["sentences"].tobytes())
    assert shipped["hypotheses"] == [{"tokens": ["▁c"], "p": [0.5]}]


def test_the_real_text_stands_before_the_lab(monkeypatch):
    monkeypatch.setattr(translation, "recorded", lambda recipe: [
        SimpleNamespace(recipe=recipe.with_(alpha=a)) for a in (0.0, 0.1)])
    assert list(translation.sets()) == list(figures.RECIPES)
    monkeypatch.setattr(translation, "recorded", lambda recipe: [])
    with pytest.raises(LookupError, match="first cells"):
        translation.temperature(translation.sets())


def test_sizes_start_where_the_paradox_is(monkeypatch):
    monkeypatch.setattr(figures, "paradoxical", lambda runs, alpha: [2200, 4000])
    runs = [run for n in (1500, 2200) for a in (0.0, 0.05)
            for run in recorded(named("lab/transformer-sizes", sentences=n, alpha=a), seed=0, alpha=a)]
    figure = translation.temperature({"lab/transformer-sizes": runs}, 0.05)
    (text,) = figure.config["sets"]
    assert text["sizes"] == [1500, 2200] and text["size"] == 2200 and text["alpha"] == 0.05
    assert {run["sentences"] for run in text["runs"]} == {1500, 2200}


# --------------------------------------------------------------------------------------- the page


@pytest.fixture(scope="module")
def visit(page, lab, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    sets = translation.sets()
    draw = translation.temperature, translation.reliability, translation.sentences
    shown = [*(each(sets) for each in draw),
             dataclasses.replace(translation.temperature(sets), name="uneven")]
    runs = next(each for each in shown[-1].config["sets"] if each["name"] == LAB)["runs"]
    runs[:] = [run for run in runs if (run["alpha"], run["seed"]) != (0.1, 2)]
    shipped = [lab[alpha] for alpha in (0.0, 0.1, 0.3)]
    addresses = {
        figure.name: page_of("translation", [figure], folder / figure.name,
                             shipped if figure.runs else [])
        for figure in shown
    }

    def open_at(name, **state):
        return visit_at(page, addresses[name], name, {"data": LAB, **state})

    return open_at


def downloaded(page):
    text = page.evaluate("""() => new Promise((done) => {
        URL.createObjectURL = (blob) => { blob.text().then(done); return "data:,"; };
        [...document.querySelectorAll(".ls-tools button")]
          .find((button) => button.textContent === "Download data").click();
    })""")
    head, *lines = text.splitlines()
    return [dict(zip(head.split(","), line.split(","))) for line in lines]


def table(page):
    return {row.query_selector("th").inner_text():
            [float(cell.inner_text().replace("−", "-")) for cell in row.query_selector_all("td")]
            for row in page.query_selector_all(".ls-numbers tbody tr")}


@pytest.mark.parametrize("alpha, T, seed", [(0.1, 1.0, "all"), (0.3, 1.6, "all"), (0.1, 0.6, 0)])
def test_numbers_at_a_temperature_are_those_recorded(visit, lab, alpha, T, seed):
    shown = table(visit("temperature", alpha=alpha, T=T, seed=seed))
    frame = figures.curve_frame(recorded(named(LAB), **({} if seed == "all" else {"seed": seed})))
    for name, a in (("hard targets", 0.0), (f"α = {alpha:g}", alpha)):
        here = frame[(frame["alpha"] == a) & np.isclose(frame["T"], T)]
        want = here[["bleu", "ece", "nll"]].mean().to_numpy()
        assert np.abs(np.array(shown[name]) - want) == pytest.approx(0, abs=6e-3)
        np.testing.assert_allclose(shown[name][1:], want[1:], atol=1.01e-4)


def test_means_are_those_of_the_seeds_run_both_ways(visit):
    shown = table(visit("uneven", alpha=0.1))
    frame = figures.curve_frame(recorded(named(LAB)))
    hard = frame[(frame["alpha"] == 0) & (frame["T"] == 1) & (frame["seed"] < 2)]
    assert shown["hard targets"][1] == pytest.approx(hard["ece"].mean(), abs=1.01e-4)


def test_downloaded_curves_are_exact(visit, lab):
    rows = downloaded(visit("temperature", alpha=0.1, seed=0))
    for name in figures.CURVES:
        got = [float(row[name]) for row in rows if row["alpha"] == "0.1"]
        np.testing.assert_allclose(got, lab[0.1].arrays[f"curve_{name}"], atol=1e-5)


@pytest.mark.parametrize("alpha, T, bins", [(0.1, 1.6, 15), (0.3, 0.6, 40)])
def test_ece_of_the_page_is_that_of_the_estimator(visit, lab, alpha, T, bins):
    shown = table(visit("reliability", alpha=alpha, T=T, bins=bins))
    for name, run, at in (("hard targets, T = 1", lab[0.0], 1.0),
                          (f"hard targets, T = {T:g}", lab[0.0], T),
                          (f"α = {alpha:g}, T = 1", lab[alpha], 1.0)):
        i = int(np.abs(run.arrays["curve_T"] - at).argmin())
        confidence = run.arrays["token_confidence"][i].astype(float)
        want = reliability(confidence, run.arrays["token_correct"], bins)
        assert shown[name] == pytest.approx([want.ece], abs=1e-4)


def test_a_picker_of_one_is_not_offered(visit):
    page = visit("reliability")
    assert page.query_selector("#explore-reliability-alpha")
    assert not page.query_selector("#explore-reliability-seed")


def test_one_slider_moves_the_marker_of_every_panel(visit):
    page = visit("temperature", T=1.0)
    places = """[...document.querySelectorAll('.ls-stage .line.reference')]
      .map((rule) => rule.getAttribute('d'))"""
    before = page.evaluate(places)
    page.focus("#explore-temperature-T")
    page.keyboard.press("ArrowRight")
    after = page.evaluate(places)
    assert len(after) == 3 and all(a != b for a, b in zip(before, after))
    assert "T=1.1" in page.evaluate("location.hash")


def test_the_browser_shows_every_token_with_its_probability(visit, lab):
    page = visit("sentences", alpha=0.3, sentence=4)
    for column, run in zip(page.query_selector_all(".ls-beams > section"), (lab[0.0], lab[0.3])):
        lines = column.query_selector_all("li")
        assert len(lines) == 4
        for line, hypothesis in zip(lines, run.samples[4]["hypotheses"]):
            boxes = line.query_selector_all(".ls-token")
            words = [box.evaluate("e => e.firstChild.textContent") for box in boxes]
            values = [float(box.query_selector("small").inner_text()) for box in boxes]
            assert words == hypothesis["tokens"]
            assert values == pytest.approx(hypothesis["probabilities"], abs=5.1e-3)
    assert run.samples[4]["source"] in page.inner_text(".ls-pair")


def test_a_narrow_page_stacks_the_panels(visit, page):
    page.set_viewport_size({"width": 390, "height": 800})
    try:
        for name in ("temperature", "reliability", "sentences"):
            shown = visit(name)
            assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")
    finally:
        page.set_viewport_size({"width": 1280, "height": 800})

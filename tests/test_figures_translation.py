"""Frames behind the translation chapter against the library's estimators and counts by hand."""

from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from lsbook import recipes, runs
from lsbook.chapter import Chapter
from lsbook.data import load_text
from lsbook.estimators.calibration import reliability
from lsbook.estimators.templates import plane, project
from lsbook.figures import theme, translation
from lsbook.figures.markup import markdown
from lsbook.widgets.translation import SENTENCE, explorer, translated

TEMPERATURES = np.array([0.8, 1.0, 1.6], dtype=np.float32)
N, WORDS, WIDTH = 4000, 4, 7


def made(alpha, seed=0, nll=(0.7, 0.6, 0.5)):
    rng = np.random.default_rng(round(100 * alpha) + seed)
    confidence = rng.beta(5, 2, (len(TEMPERATURES), N)).astype(np.float32)
    activations = rng.normal(size=(200, WIDTH))
    templates = rng.normal(size=(WORDS, WIDTH))
    targets = rng.integers(WORDS, size=200)
    truth = rng.choice([0.0, 0.3, 0.7, 1.0], size=500)
    arrays = {
        "curve_T": TEMPERATURES,
        "curve_bleu": np.array([30.0, 31.0, 29.0]) + seed + 10 * alpha,
        "curve_ece": np.array([reliability(c, confidence[0] > 0.6).ece for c in confidence]),
        "curve_nll": np.array(nll, dtype=np.float32),
        "token_confidence": confidence,
        "token_correct": confidence[0] > 0.6,
        "plane_words": np.arange(4, 4 + WORDS),
        "plane_logits": activations @ templates.T,
        "plane_targets": targets,
        "plane_templates": templates,
        "truth_confidence": rng.uniform(size=500).astype(np.float32),
        "truth_probability": truth.astype(np.float32),
        "activations": activations,
    }
    recipe = recipes.named("lab/transformer-grammar", alpha=alpha, seed=seed)
    metrics = {"true_kl": 0.4 + alpha + 0.01 * seed}
    return SimpleNamespace(recipe=recipe, arrays=arrays, metrics=metrics)


@pytest.fixture(scope="module")
def pair():
    return [made(0.0), made(0.1)]


def params(chart):
    return {p["name"]: p for p in chart.to_dict()["params"] if "value" in p}


def test_reliability_starts_at_the_fitted_temperature(pair):
    assert translation.fitted_temperature(pair[0]) == 1.6


def test_detailed_prefers_the_seed_and_leaves_out_light_runs():
    light = made(0.1, seed=1)
    del light.arrays["token_confidence"]
    kept = translation.detailed([made(0.0), made(0.0, seed=1), made(0.1), light], seed=1)
    assert [(run.recipe.alpha, run.recipe.seed) for run in kept] == [(0.0, 1), (0.1, 0)]
    with pytest.raises(ValueError, match="retrain"):
        translation.detailed([light])


def test_paired_are_the_runs_with_tokens_of_seeds_that_have_a_hard_one():
    light = made(0.2)
    del light.arrays["token_confidence"]
    kept = translation.paired([made(0.0), made(0.1), light, made(0.1, seed=1)])
    assert [(run.recipe.alpha, run.recipe.seed) for run in kept] == [(0.0, 0), (0.1, 0)]
    assert translation.nearest([made(0.0), made(0.1), made(0.3)], 0.0) == 0.1


def test_words_on_the_diagrams_are_counts_by_hand(pair):
    told = translation.reliability_told(pair, 0.1)
    arrays = pair[0].arrays
    sure = arrays["token_confidence"][1] > 0.9
    assert "(seed 0)" in told and f"{sure.mean():.0%} of 4,000 tokens" in told
    assert f"right in {arrays['token_correct'][sure].mean():.0%}" in told
    before, after = (run.arrays["curve_ece"][1] for run in pair)
    assert f"Its ECE is {before:.3f}" in told and f"it is {after:.3f}. " in told
    assert ("Smoothing calibrates" in told) == (after < before)


def test_each_temperature_of_the_slider_has_one_nearest_recorded():
    frame = translation.curve_frame([made(0.0), made(0.0, seed=1)])
    for T in np.arange(0.8, 1.61, 0.1):
        here = frame[(frame.below <= T) & (frame.above > T) & (frame.seed == 0)]
        (found,) = here["T"]
        assert abs(found - T) == pytest.approx(np.abs(TEMPERATURES - T).min(), abs=1e-6)


def test_story_says_what_the_curves_say():
    worse = [made(0.0), made(0.1, nll=(0.9, 0.8, 0.7))]
    better = [made(0.0), made(0.1, nll=(0.5, 0.4, 0.3))]
    assert "with capitals) from 31.0 to 32.0 (+1.0" in translation.temperature_story(worse, 0.1)
    assert "worse, as in the paper" in translation.temperature_story(worse, 0.1)
    assert "*better*" in translation.temperature_story(better, 0.1)
    assert "does not reach" in translation.temperature_story(worse, 0.1)
    assert "one seed (0)" in translation.temperature_story([made(0.0, seed=1), *worse], 0.1)


def test_answer_says_whether_temperature_catches_up():
    behind, ahead = made(0.0), made(0.0)
    ahead.arrays["curve_bleu"] = np.array([30.0, 31.0, 40.0])
    told = translation.answer([behind, made(0.1, nll=(0.9, 0.8, 0.7))], 0.1)
    assert "BLEU (with capitals) is 31.0, and 31.0 at the best temperature, T = 1" in told
    assert "does not catch up" in told and "makes it worse" in told
    assert "does catch up" in translation.answer([ahead, made(0.1)], 0.1)
    ahead.arrays["curve_bleu"] = np.array([30.0, 31.0, 31.95])
    assert "by 0.05 BLEU only" in translation.answer([ahead, made(0.1)], 0.1)


def test_cells_and_means_of_the_truth_count_every_token(pair):
    frame = translation.truth_frame(pair)
    run = pair[1]
    confidence, truth = run.arrays["truth_confidence"], run.arrays["truth_probability"]
    mine = frame[frame.alpha == 0.1]
    assert mine[mine.part == "cell"]["n"].sum() == 500
    top = mine[(mine.part == "mean") & (mine.confidence > 0.9)].iloc[0]
    high = confidence > 0.9
    assert top.n == high.sum()
    assert top.truth == pytest.approx(truth[high].mean(), abs=1e-4)


def test_truth_table_shows_mean_and_range_over_seeds():
    runs = [made(0.0, seed=s) for s in range(3)] + [made(0.1)]
    table = translation.truth_table(runs).set_index("α")
    assert table.loc["0", "KL from the truth (nats)"] == "0.410 (0.400 to 0.420)"
    assert table.loc["0.1", "KL from the truth (nats)"] == "0.500 (one seed)"
    ruled_out = np.mean([(run.arrays["truth_probability"] == 0).mean() for run in runs[:3]])
    assert table.loc["0", "top word ruled out"].startswith(f"{ruled_out:.1%}")


def test_ratio_of_three_words_is_that_of_their_activations(pair):
    run = pair[0]
    examples, networks, ratios = translation.word_frames([run])
    a = run.arrays
    kept = np.concatenate([np.flatnonzero(a["plane_targets"] == k)[: translation.PER_WORD]
                           for k in range(WORDS)])
    x, targets = a["activations"][kept], a["plane_targets"][kept]
    for three in combinations(range(WORDS), 3):
        points = [project(x[targets == k], plane(a["plane_templates"][list(three)])) for k in three]
        spread = np.sqrt(np.mean([((p - p.mean(0)) ** 2).sum(1).mean() for p in points]))
        distance = pdist([p.mean(0) for p in points]).mean()
        row = ratios[(ratios.a == three[0]) & (ratios.b == three[1]) & (ratios.c == three[2])]
        assert row["ratio"].item() == pytest.approx(spread / distance)
    tokens = examples[(examples.part == "token") & (examples.target == 2)]["z"].item()
    assert np.array(tokens) * networks["step"][0] == pytest.approx(
        a["plane_logits"][kept][targets == 2], abs=networks["step"][0] / 2 + 1e-9)


def test_words_on_the_plane_count_the_tighter_choices(pair):
    ratios = translation.word_frames(pair)[2].pivot(
        index=["a", "b", "c"], columns="alpha", values="ratio")
    tighter = sum(row[0.1] < row[0.0] for _, row in ratios.iterrows())
    assert f"for {tighter} of the 4 choices" in translation.plane_told(pair, 0.1)


def test_panels_of_hard_and_smoothed_networks_have_their_colours(pair):
    for chart in (translation.truth_chart(translation.truth_frame(pair), 362),
                  translation.words_plane(pair, list("abcd"))):
        panels = dict(zip((theme.HARD, theme.SMOOTH), chart.to_dict()["hconcat"], strict=True))
        for colour, panel in panels.items():
            filters = {step.get("filter") for layer in panel["layer"]
                       for step in layer.get("transform", ())}
            assert ("datum.alpha == 0" in filters) == (colour == theme.HARD)
            assert {c for c in panels if c in str(panel)} == {colour}


def test_looseness_is_that_of_the_activations_in_the_planes_with_the_word(pair):
    run = pair[0]
    a = run.arrays
    mine = a["activations"][a["plane_targets"] == 2][: translation.PER_WORD]
    planes = [plane(a["plane_templates"][list(three)])
              for three in combinations(range(WORDS), 3) if 2 in three]
    spreads = [np.sqrt(project(mine, there).var(0).sum()) for there in planes]
    seen = translation.looseness(run)
    assert seen["spread"][2] == pytest.approx(np.mean(spreads))
    odds = np.exp(mine @ a["plane_templates"].T)
    assert seen["share"][2] == pytest.approx((odds[:, 2] / odds.sum(1)).mean())
    first = seen.sort_values("spread").iloc[0]
    assert f"): {markdown(first.word)} {first.spread:.1f}, " in translation.looseness_told(run)


def test_word_names_are_the_recorded_ones_or_those_of_the_vocabulary(pair):
    text = load_text("grammar")
    assert translation.word_names(pair[0])[1] == f"“{text.tokenizer.word(5)}”"
    run = made(0.0)
    run.arrays["plane_names"] = np.array([".", "▁in"])
    assert translation.word_names(run) == ["“.”", "“in”"]


def sample():
    return {
        "source": "the boy sleeps .", "reference": "der Bub schläft .",
        "tokens": ["der", "Junge", "isst", "."], "probabilities": [1.0, 0.8, 0.6, 0.9],
    }


def beams(*pairs):
    return [{"hypotheses": [{"tokens": tokens.split()} for tokens in pair]} for pair in pairs]


def test_hesitations_are_single_tokens_between_the_best_two():
    found = translation.hesitations(beams(
        ("▁a ▁b", "▁a ▁c", "▁x ▁y"), ("▁a", "▁a ▁b"), ("▁a ▁b", "▁c ▁d"), ("▁a",)))
    assert found == {0: ("b", "c")}
    assert translation.hesitations([sample()]) == {}


def test_hesitations_of_both_networks_count_in_either_order():
    hard, smoothed = made(0.0), made(0.1)
    hard.samples = beams(("▁a", "▁b"), ("▁a ▁b", "▁a ▁c"))
    smoothed.samples = beams(("▁b", "▁a"), ("▁a", "▁a ▁c"))
    told = translation.hesitation_told([hard, smoothed], 0.1)
    assert "in 2 of 2 sentences with hard targets, and in 1 with α = 0.1." in told
    assert told.endswith("the same two in 1: *a* or *b*.")


def test_charts_compile(pair):
    names = ["“a”", "“b”", "“,”", "“.”"]
    charts = [
        translation.truth_chart(translation.truth_frame(pair), 362),
        translation.words_plane(pair, names),
    ]
    for chart in charts:
        assert params(chart)["alpha"]["value"] == 0.1
        # One strength of smoothing is nothing to pick from.
        assert all(("bind" in p) == (name != "alpha") for name, p in params(chart).items())


def test_results_without_runs_are_not_yet_run():
    table = translation.results([]).set_index("hard → smoothed")
    assert table.loc["BLEU", "EN–DE, the paper"] == "25.3 → 25.8"
    assert table.loc["ECE", "EN–DE, the paper"] == "0.056 → 0.019"
    (missing,) = [name for name in table if name.startswith("Multi30k")]
    assert table.loc["BLEU", missing] == "not yet run"


def captions(alpha, lower, seed=0):
    run = made(alpha, seed)
    run.recipe = recipes.named("paper/transformer-multi30k", alpha=alpha, seed=seed)
    run.metrics = {"bleu": lower - 1, "bleu_lowercase": lower}
    run.arrays |= {"tests_name": np.array(["test", "newstest2015"]),
                   "tests_bleu": np.array([[lower - 1, lower], [1.0, 2.0]])}
    return run


def test_results_compare_captions_in_lower_case_as_the_paper_does():
    table = translation.results([captions(0.0, 31.0), captions(0.1, 33.0)], 0.1)
    column = next(name for name in table if name.startswith("Multi30k"))
    assert "our full schedule" in column and "4 layers of width 128" in column
    assert table.set_index("hard → smoothed").loc["BLEU", column] == (
        "31.0 (one seed) → 33.0 (one seed)")


def test_every_test_set_has_its_row():
    runs = [captions(0.0, 31.0), captions(0.0, 32.0, seed=1), captions(0.1, 33.0), made(0.1)]
    table = translation.by_test_set(runs, 0.1).set_index("test set")
    assert list(table.index) == ["test_2016_flickr", "newstest2015, other domain"]
    assert table.loc["test_2016_flickr", "BLEU, lower case"] == (
        "31.5 (31.0 to 32.0) → 33.0 (one seed)")
    assert translation.by_test_set([made(0.0), made(0.1)], 0.1).empty


def test_a_test_set_counts_the_runs_that_have_it():
    without = captions(0.0, 35.0, seed=2)
    without.arrays |= {"tests_name": np.array(["test"]), "tests_bleu": np.array([[34.0, 35.0]])}
    runs = [captions(0.0, 31.0), without, captions(0.1, 33.0)]
    table = translation.by_test_set(runs, 0.1).set_index("test set")
    assert table["BLEU, lower case"].tolist() == [
        "33.0 (31.0 to 35.0) → 33.0 (one seed)", "2.0 (one seed) → 2.0 (one seed)"]


@pytest.fixture(scope="module")
def recorded():
    return runs.get(recipes.named("lab/transformer-grammar", alpha=0.1, seed=0), progress=False)


def test_explorer_finds_the_recorded_translation(recorded):
    there = recorded.samples[0]
    found = translated(recorded, load_text("grammar"), there["source"], beam=4, T=1.0, device="cpu")
    assert found["tokens"] == there["tokens"]
    assert found["probabilities"] == pytest.approx(there["probabilities"], abs=0.02)


@pytest.fixture
def chapter(monkeypatch, tmp_path):
    monkeypatch.setenv("LSBOOK_RUNS", str(tmp_path))
    monkeypatch.delenv("LSBOOK_STATIC", raising=False)
    return lambda **changes: Chapter(**{
        "name": "translation", "presets": dict(lab="lab/transformer-grammar",
                                               paper="paper/transformer-multi30k"),
        "alpha": 0.1, "preset": "lab", "seed": 0, "device": "cpu"} | changes)


def test_explorer_offers_to_train_what_is_not_recorded(chapter):
    controls, offer, _, screen = explorer(chapter()).children
    assert offer.layout.display == "none" and len(screen.outputs) == 1
    next(c for c in controls.children if c.description == "α").value = 0.17
    assert offer.layout.display == "" and not screen.outputs
    assert offer.children[0].description.startswith("Not recorded: train it")


def test_explorer_takes_seed_0_where_a_seed_keeps_no_weights(chapter):
    _, offer, _, screen = explorer(chapter(seed=1)).children
    assert offer.layout.display == "none" and len(screen.outputs) == 1


def test_explorer_says_where_the_captions_are_missing(chapter, monkeypatch, tmp_path):
    monkeypatch.setenv("LSBOOK_DATA", str(tmp_path))
    assert "LSBOOK_DATA" in explorer(chapter(preset="paper")).value


def test_explorer_says_that_a_run_keeps_no_weights(recorded):
    class Bare:
        recipe, has_weights = recorded.recipe, False

    with pytest.raises(ValueError, match="retrain"):
        translated(Bare(), load_text("grammar"), SENTENCE, beam=4, T=1.0, device="cpu")


def test_explorer_starts_with_a_sentence_of_the_grammar_and_refuses_others(recorded):
    text = load_text("grammar")
    assert translated(recorded, text, SENTENCE, beam=4, T=1.0, device="cpu")["tokens"]
    for sentence in ("", "colourless green ideas sleep furiously ."):
        with pytest.raises(ValueError):
            translated(recorded, text, sentence, beam=4, T=1.0, device="cpu")


def by_size(*rows):
    return [SimpleNamespace(
        recipe=recipes.named("lab/transformer-sizes", sentences=n, alpha=a, seed=s),
        metrics={"bleu": bleu, "val_ece": ece, "val_nll": nll})
        for n, a, s, bleu, ece, nll in rows]


SIZES = by_size(
    (1500, 0.0, 0, 50.0, 0.10, 0.70), (1500, 0.05, 0, 52.0, 0.04, 0.60),
    (1500, 0.0, 1, 51.0, 0.10, 0.70), (1500, 0.05, 1, 54.0, 0.06, 0.62),
    (2200, 0.0, 0, 55.0, 0.06, 0.37), (2200, 0.05, 0, 56.0, 0.04, 0.39),
    (4000, 0.0, 0, 60.0, 0.02, 0.26), (4000, 0.05, 0, 61.0, 0.05, 0.33))


def test_changes_pair_networks_of_one_seed_and_text():
    frame = translation.changes(SIZES).set_index(["sentences", "seed"])
    assert len(frame) == 4
    assert frame.loc[(1500, 1), ["bleu", "ece", "nll"]].tolist() == pytest.approx([3, -0.04, -0.08])
    table = translation.changes_table(SIZES).set_index("sentences")
    # Two seeds, 2 and 3 points: mean 2.5, half width 12.706 · 0.7071 / √2 = 6.353.
    assert table.loc["1,500", "BLEU"] == "+2.5 (−3.9 to +8.9)"


def test_the_paradox_needs_all_three_findings():
    assert translation.paradoxical(SIZES) == [2200]
    told = translation.changes_told(SIZES)
    assert "the likelihood is worse at 2,200, 4,000, and the ECE lower at 1,500, 2,200." in told
    assert told.endswith("at 2,200 sentences.")

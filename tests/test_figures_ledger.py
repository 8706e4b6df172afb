"""The claims page's tables on invented runs."""

import re
from html import escape
from math import inf
from pathlib import Path

import drawn
import pytest

from lsbook import ledger, paper, recipes
from lsbook.figures import ledger as tables
from lsbook.figures.scale import DATASETS, MODELS
from lsbook.ledger import Spread, Verdict
from test_ledger import FIGURE_5, MLP, pairs

STATIC = Path(__file__).parent.parent / "book" / "_static"


@pytest.fixture(scope="module")
def verdicts():
    runs = FIGURE_5 + pairs(MLP, "val_accuracy", (0.8, 0.81, 0.82), (0.9, 0.91, 0.92))
    return ledger.verdicts(runs=runs)


def compact(metric, hard, smoothed, alpha=0.1):
    return pairs("compact/resnet20-cifar100", metric, hard, smoothed, alpha=alpha)


def lines(text):
    """What stands on each fold, by the claim's title."""
    folds = [fold[:fold.index("</summary>")] for fold in text.split("<summary>")[1:]]
    return {re.sub("<.*?>", "", fold.split("</span>")[0]): fold for fold in folds}


def test_a_line_a_claim_and_a_word_a_preset(verdicts):
    found = lines(tables.details(verdicts).data)
    assert list(found) == [escape(claim.title) for claim in paper.CLAIMS]
    row = found["Better accuracy"]
    assert "<small>lab: " in row and "fraction" not in row and "not yet run" not in row
    assert "●</span>&nbsp;held" in row and "MNIST-1D" in row
    assert found["Drop smoothing late"].count("not checked") == 1


def test_what_the_paper_does_not_claim_there_stands_on_a_line_of_its_own():
    runs = (compact("val_accuracy", (0.3,) * 3, (0.35,) * 3)
            + pairs("compact/alexnet-cifar10", "val_accuracy", (0.8,) * 3, (0.7,) * 3))
    row = lines(tables.details(ledger.verdicts(runs=runs)).data)["Better accuracy"]
    held, refuted = row.split('<span class="ls-line">')[1:]
    assert "held" in held and "CIFAR-100" in held and "elsewhere" not in held
    assert "not" in refuted and "elsewhere: <span>CIFAR-10</span>" in refuted


def test_lines_mark_data_sets_that_disagree():
    runs = (compact("val_accuracy", (0.3,) * 3, (0.3,) * 3)
            + pairs("compact/alexnet-cifar10", "val_accuracy", (0.8,) * 3, (0.7,) * 3))
    row = lines(tables.details(ledger.verdicts(runs=runs)).data)["Similar accuracy"]
    assert "mixed" in row and "CIFAR-10&nbsp;✕" in row and "CIFAR-100&nbsp;●" in row


def test_lines_tell_two_networks_on_one_data_set_apart():
    def rows(status, name):
        return Verdict(id="mi-starts-low", status=status, recipe=name, claimed=False,
                       ran=recipes.named(name), ours=(Spread("", 1.0, 1.0, 1.0, (0, 1)),))

    both = [rows("held", MLP), rows("not", "lab/teacher-mnist1d")]
    row = lines(tables.details(both).data)["Information starts low"]
    assert "MNIST-1D MLP&nbsp;●" in row and "MNIST-1D CNN&nbsp;✕" in row


def test_every_claim_of_the_summary_links_to_its_line():
    verdicts = ledger.verdicts(runs=compact("val_accuracy", (0.1, 0.1), (0.05, 0.05)))
    named = set(re.findall(r'href="#([^"]+)"', tables.summary(verdicts).data))
    assert named == {claim.id for claim in paper.CLAIMS}
    assert named == set(re.findall(r'class="ls-fold" id="([^"]+)"', tables.details(verdicts).data))


def test_summary_counts_first_and_says_at_what_scale(verdicts):
    assert "No claim has been checked on real data yet" in tables.summary(verdicts).data
    text = tables.summary(ledger.verdicts(runs=compact(
        "val_accuracy", (0.3, 0.3, 0.3), (0.28, 0.28, 0.28)))).data
    # Worse by two points in all three seeds: neither better nor within a point.
    said = "Of the paper's 31 claims 0 held, 2 did not hold and 29 are not run."
    assert text.index(said) < text.index("<table")
    assert ("ResNet-20 on CIFAR-100: 10,000 images of 32×32, 60 epochs, "
            "ResNet-20 in place of ResNet-56; 3 seeds</li>") in text


def cells(text, claim):
    """What a claim's row of the summary says, in the order of the columns."""
    row = text[text.index(f'href="#{claim}"'):]
    return [re.findall('aria-label="(.*?)"', cell) for cell in
            row[:row.index("</tr>")].split("<td>")[1:]]


def test_summary_has_a_column_a_data_set_and_the_lab_beside():
    runs = (compact("val_accuracy", (0.3,) * 3, (0.35,) * 3)
            + pairs("compact/alexnet-cifar10", "val_accuracy", (0.8,) * 3, (0.7,) * 3)
            + pairs(MLP, "val_accuracy", (0.8, 0.8), (0.9, 0.9)))
    text = tables.summary(ledger.verdicts(runs=runs)).data
    head = re.findall('<th scope="col"><span>(.*?)</span>', text)
    assert head == ["the claim", "CIFAR-10", "CIFAR-100", "the lab"]
    assert cells(text, "accuracy-better") == [
        ["held"], ["not, not claimed here"], ["held"], ["leans for"]]
    assert cells(text, "accuracy-similar") == [["not"], ["not"], ["not"], ["leans against"]]
    assert cells(text, "negative-alpha") == [[], [], [], []]


def test_summary_prefers_the_nearest_scale():
    runs = (compact("val_accuracy", (0.3,) * 3, (0.2,) * 3)
            + pairs("paper/resnet56-cifar100", "val_accuracy", (0.72,) * 3, (0.74,) * 3))
    text = tables.summary(ledger.verdicts(runs=runs)).data
    assert "31 claims 1 held, 1 did not hold and 29 are not run." in text
    assert "ResNet-56 on CIFAR-100: the paper's full schedule; 3 seeds" in text
    assert "ResNet-20" not in text


def test_details_show_the_interval_the_rule_and_the_deviations():
    runs = pairs("compact/alexnet-cifar10", "val_accuracy", (0.8, 0.802, 0.801),
                 (0.803, 0.803, 0.803))
    text = tables.details(ledger.verdicts([paper.claim("accuracy-similar")], runs)).data
    assert "Held if: Accuracies differ by less than a point either way" in text
    assert "smoothed − hard: 0.20 points <small>(−0.05 to 0.45; asked: −1.00 to 1.00)" in text
    assert "12,480 of 390,000 steps" in text and "Not as in the paper:" in text


@pytest.mark.parametrize("bounds, asked", [
    ({}, ""), ({"least": 1.0}, "; asked: above 1"), ({"least": -inf, "most": 0.5},
                                                     "; asked: below 0.5")])
def test_intervals_say_what_was_asked(bounds, asked):
    interval = ledger.Interval(label="best T", estimate=1.5, low=-1e-20, high=2, seeds=(0, 1, 2),
                               **bounds)
    assert tables.interval_text(interval, "T") == f"best T: 1.5 <small>(0 to 2{asked})</small>"


def test_a_reason_is_told():
    runs = pairs("compact/student-cifar10", "val_accuracy", (0.8,) * 3, (0.7,) * 3,
                 train_accuracy=0.59)
    text = tables.details(ledger.verdicts([paper.claim("student-alone-hurt")], runs)).data
    assert "cannot tell" in text and "fits 59.0 % of its training images, not 95 %" in text


@pytest.mark.parametrize("name, words", [
    ("paper/resnet56-cifar100", "the paper's full schedule"),
    ("lab/transformer-grammar", "our full schedule"),
    ("compact/alexnet-cifar10", "40,000 images of 32×32, 40 epochs"),
    ("paper/teacher-mnist", "the paper's full schedule"),
    ("compact/resnet20-tinyimagenet",
     "15,000 images of 64×64, 40 epochs, ResNet-20 in place of Inception-v4"),
    ("paper/transformer-multi30k",
     "our full schedule, 4 layers of width 128, 4,000 steps in place of the paper's 300,000"),
])
def test_scale_in_words(name, words):
    assert tables.scale_words(recipes.CATALOGUE[name]) == words


def test_details_put_the_paper_beside_ours(verdicts):
    text = tables.details(verdicts).data
    rows = iter(text.split("<tr>"))
    heading = next(row for row in rows if "raises the accuracy of ResNet-56" in row)
    heading = heading[heading.index("raises the accuracy of ResNet-56"):]
    assert "72.1 ± 0.3 %" in heading and "72.7 ± 0.3 %" in heading
    ours = next(row for row in rows if "MNIST-1D" in row)
    assert "81.0 % (80.0–82.0)" in ours and "91.0 % (90.0–92.0)" in ours
    assert "●</span>&nbsp;held" in ours and "10.00 points" in ours


def test_later_claims_name_their_work(verdicts):
    text = tables.details(verdicts).data
    assert text.count("(Xu 2020, abstract, ") == 1 and "(Figure 1, " in text


def test_gains_are_in_points():
    spread = Spread("", -0.009, -0.012, -0.006, (0, 1))
    assert tables.spread_text(spread, "gain") == "−0.9 points (−1.2 to −0.6)"


def test_every_claim_links_to_its_chapter(verdicts):
    text = tables.details(verdicts).data
    assert all(f'href="{claim.chapter}.html"' in text for claim in paper.CLAIMS)


def test_published_lists_missing_numbers_too():
    rows = ledger.measured()
    text = tables.published(rows).data
    assert all(tables.value_of(number) in text for row in rows
               for number in (row.number, row.reproduced) if number)
    experiments = {row.experiment.title for row in rows}
    assert text.count('<th scope="col">') == 3 * len(experiments) == 3 * text.count("<summary>")
    row = next(r for r in text.split("<tr>") if "2.9" in r and "optimal temperature" in r)
    assert re.sub("<.*?>", " ", row).split()[-2:] == ["1.9", "2.9"]


def test_quoted_numbers_stand_under_the_place_they_are_printed_in():
    survey, later = paper.numbers(place="Table 1"), paper.numbers(source="chandrasegaran2022")
    _, *parts = tables.numbers([*survey, *later]).data.split('<p class="ls-part">')
    for part, numbers, place in zip(parts, (survey, later), ("Table 1", "T × α"), strict=True):
        assert part.startswith(place) and part.count("<tr><td>") == len(numbers)
        assert all(f"<td>{tables.value_of(number)}</td>" in part for number in numbers)


def test_published_puts_our_mean_and_range_beside_the_paper():
    runs = compact("val_accuracy", (0.29, 0.31), (0.3,))
    text = tables.published(ledger.measured(runs=runs)).data
    row = next(r for r in text.split("<tr>") if "accuracy, α = 0<" in r and "72.1" in r)
    assert "72.1 ± 0.3 %" in row and "30.00 % <small>(29.00–31.00, 2 seeds)" in row
    assert "ResNet-20 on CIFAR-100, 10,000 images of 32×32" in text


def test_spread_names_a_single_seed():
    assert tables.spread_text(Spread("ours", 0.0312, 0.0312, 0.0312, (0,)), "ECE") == (
        "0.0312 (one seed)")
    assert tables.spread_text(Spread("ours", -0.395, -0.415, -0.376, (0, 1)), "NLL") == (
        "−0.395 (−0.415 to −0.376)")


def test_tables_without_any_run():
    rows = ledger.verdicts()
    for text in (tables.details(rows), tables.published(ledger.swept())):
        assert "not yet run" in text.data


def test_short_rows_fill_the_table(verdicts):
    text = tables.details(verdicts).data
    assert '○</span>&nbsp;not yet run</span></td><td colspan="4">' in text


def test_run_list_without_runs_says_what_to_do():
    assert "no runs yet" in tables.run_list([]).data


def test_run_list_shows_both_fractions_device_and_manifest():
    (run, *_) = compact("val_accuracy", (0.291,), ())
    run.manifest = {"device": "cpu (x)", "wall_seconds": 565.0, "data_hash": "abc"}
    text = tables.run_list([run]).data
    cells = text[text.index("<tbody>"):].split("<td>")
    assert cells[4] == "29.1 %</td>" and cells[6:9] == ["7.31 %</td>", "25 %</td>", "9 min</td>"]
    assert run.recipe.hash in text and '"data_hash": "abc"' in text


@pytest.fixture(scope="module")
def page():
    yield from drawn.open_page()


def test_run_list_sorts_and_filters_in_the_browser(page):
    runs = compact("val_accuracy", (0.291,), ()) + pairs(MLP, "val_accuracy", (0.8,), (0.75,))
    for run, seconds in zip(runs, (565.0, 8.0, 9000.0)):
        run.manifest = {"device": "cpu", "wall_seconds": seconds}
    page.set_content(tables.run_list(runs).data)
    page.add_script_tag(path=STATIC / "run-list.js")
    shown = "[...document.querySelectorAll('tbody tr')].filter(r => !r.hidden)"
    times = f"{shown}.map(r => r.cells[7].textContent)"
    assert page.evaluate(times) == ["9 min", "8 s", "2.5 h"]
    by_time = page.get_by_role("button", name="wall time")
    by_time.click()
    assert page.evaluate(times) == ["8 s", "9 min", "2.5 h"]
    by_time.click()
    assert page.evaluate(times) == ["2.5 h", "9 min", "8 s"]
    page.get_by_role("searchbox", name="Show runs with").fill("mlp 0.1")
    assert page.evaluate(times) == ["2.5 h"]
    assert page.get_by_role("status").text_content() == "1 of 3 runs."
    page.get_by_role("searchbox").fill("")
    assert "3 runs, trained in" in page.get_by_role("status").text_content()


def test_a_line_opens_by_key_and_link_and_all_of_them_on_paper(page, verdicts, tmp_path):
    path = tmp_path / "claims.html"
    path.write_text(f"<meta charset=utf-8>{tables.details(verdicts).data}"
                    f'<script src="{STATIC / "fold.js"}"></script>')
    page.goto(f"{path.as_uri()}#accuracy-better")
    is_open = "[...document.querySelectorAll('.ls-fold[open]')].map((fold) => fold.id)"
    assert page.evaluate(is_open) == ["accuracy-better"]
    page.locator("#tight-clusters summary").focus()
    page.keyboard.press("Enter")
    assert page.evaluate(is_open) == ["tight-clusters", "accuracy-better"]
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert len(page.evaluate(is_open)) == len(paper.CLAIMS)
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(is_open) == ["tight-clusters", "accuracy-better"]


def test_labels_cover_the_catalogue():
    for recipe in recipes.CATALOGUE.values():
        assert recipe.dataset in DATASETS and recipe.model in MODELS


def test_published_text_is_escaped():
    interval = ledger.Interval(label="<u>", estimate=1, low=0, high=2, seeds=(0,))
    verdict = Verdict(id="tight-clusters", status="held", recipe=MLP, ran=recipes.named(MLP),
                      measure="<b>", ours=(Spread("<i>", 1.0, 1.0, 1.0, (0,)),),
                      effects=(interval,), note="<s>")
    text = tables.details([verdict]).data
    assert not any(tag in text for tag in ("<i>", "<b>", "<u>", "<s>"))

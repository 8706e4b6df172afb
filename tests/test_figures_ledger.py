"""The claims page's tables on invented runs."""

import re
from html import escape
from pathlib import Path

import drawn
import pytest

from lsbook import ledger, paper, recipes
from lsbook.figures import ledger as tables
from lsbook.figures.scale import DATASETS, MODELS
from lsbook.ledger import Spread, Verdict
from test_ledger import FIGURE_5, MLP, pairs, run

STATIC = Path(__file__).parent.parent / "book" / "_static"


@pytest.fixture(scope="module")
def verdicts():
    runs = FIGURE_5 + pairs(MLP, "val_accuracy", (0.8, 0.82), (0.9, 0.92))
    return ledger.verdicts(runs=runs)


def fraction(metric, hard, smoothed, alpha=0.1):
    return pairs("fraction/resnet20-cifar100", metric, hard, smoothed, alpha=alpha)


def lines(text):
    """What stands on each fold, by the claim's title."""
    folds = [fold[:fold.index("</summary>")] for fold in text.split("<summary>")[1:]]
    return {re.sub("<.*?>", "", fold.split("</span>")[0]): fold for fold in folds}


def test_a_line_a_claim_and_a_word_a_preset(verdicts):
    found = lines(tables.details(verdicts).data)
    assert list(found) == [escape(claim.title) for claim in paper.CLAIMS]
    row = found["Better accuracy"]
    assert "<small>lab: " in row and "real data" not in row and "not yet run" not in row
    assert "●</span>&nbsp;held" in row and "MNIST-1D" in row
    assert found["Drop smoothing late"].count("not checked") == 1


def test_lines_mark_data_sets_that_disagree():
    runs = (fraction("val_ece", (0.1, 0.1), (0.05, 0.05))
            + pairs("fraction/alexnet-cifar10", "val_ece", (0.1, 0.1), (0.2, 0.2)))
    row = lines(tables.details(ledger.verdicts(runs=runs)).data)["Smoothing lowers ECE"]
    assert "partly" in row and "CIFAR-10&nbsp;✕" in row and "CIFAR-100&nbsp;●" in row
    assert "one seed" not in row


def test_lines_tell_two_networks_on_one_data_set_apart():
    def rows(status, name):
        return Verdict(id="mi-starts-low", status=status, recipe=name, scale=1.0,
                       train_fraction=1.0, ours=(Spread("", 1.0, 1.0, 1.0, (0, 1)),))

    both = [rows("partly", MLP), rows("not", "lab/teacher-mnist1d")]
    row = lines(tables.details(both).data)["Information starts low"]
    assert "MNIST-1D MLP&nbsp;◐" in row and "MNIST-1D CNN&nbsp;✕" in row


def test_every_claim_of_the_summary_links_to_its_line():
    verdicts = ledger.verdicts(runs=fraction("val_ece", (0.1, 0.1), (0.05, 0.05)))
    named = set(re.findall(r'href="#([^"]+)"', tables.summary(verdicts).data))
    assert named == {claim.id for claim in paper.CLAIMS}
    assert named == set(re.findall(r'class="ls-fold" id="([^"]+)"', tables.details(verdicts).data))


def test_summary_counts_real_data_alone_and_says_at_what_scale(verdicts):
    assert "No claim has been checked on real data yet" in tables.summary(verdicts).data
    runs = [run("fraction/resnet20-cifar100", a, val_ece=ece, val_accuracy=accuracy)
            for a, ece, accuracy in ((0.0, 0.1, 0.3), (0.1, 0.05, 0.28))]
    text = tables.summary(ledger.verdicts(runs=runs)).data
    # One seed: smoothing lowers the ECE; accuracy is neither better nor within a point.
    assert ("3 could be checked on real data: 1 held, 0 in part, 2 did not.</strong> "
            "None ran on the paper's own data with its network and its whole schedule.") in text
    assert ("ResNet-20 on CIFAR-100: a quarter of the images, 7.3 % of the paper's schedule, "
            "ResNet-20 in place of ResNet-56; 1 seed</li>") in text


def cells(text, claim):
    """What a claim's row of the summary says, in the order of the columns."""
    row = text[text.index(f'href="#{claim}"'):]
    return [re.findall('aria-label="(.*?)"', cell) for cell in
            row[:row.index("</tr>")].split("<td>")[1:]]


def test_summary_has_a_column_a_data_set_and_the_lab_beside():
    runs = ([run("fraction/resnet20-cifar100", a, val_ece=ece, val_accuracy=accuracy)
             for a, ece, accuracy in ((0.0, 0.1, 0.3), (0.1, 0.05, 0.28))]
            + pairs("fraction/alexnet-cifar10", "val_ece", (0.1, 0.1), (0.2, 0.2))
            + pairs(MLP, "val_accuracy", (0.8, 0.82), (0.9, 0.92)))
    text = tables.summary(ledger.verdicts(runs=runs)).data
    head = re.findall('<th scope="col"><span>(.*?)</span>', text)
    assert head == ["all real data", "CIFAR-10", "CIFAR-100", "the lab"]
    assert cells(text, "smoothing-lowers-ece") == [["partly"], ["not"], ["held once"], []]
    assert cells(text, "accuracy-better") == [["not, one seed"], [], ["not, one seed"], ["held"]]
    assert cells(text, "negative-alpha") == [[], [], [], []]


def test_summary_prefers_the_papers_scale():
    runs = (fraction("val_ece", (0.1, 0.1), (0.2, 0.2))
            + pairs("paper/resnet56-cifar100", "val_ece", (0.1, 0.1), (0.05, 0.05)))
    text = tables.summary(ledger.verdicts(runs=runs)).data
    assert "1 could be checked on real data: 1 held, 0 in part" in text
    assert "1 ran on the paper's own data" in text and "(CIFAR-100: 1 held)" in text
    assert "ResNet-56 on CIFAR-100: the paper's full schedule; 2 seeds" in text
    assert "ResNet-20" not in text


@pytest.mark.parametrize("name, words", [
    ("paper/resnet56-cifar100", "the paper's full schedule"),
    ("lab/transformer-grammar", "our full schedule"),
    ("fraction/alexnet-cifar10", "3.2 % of the paper's schedule"),
    ("paper/teacher-mnist", "the paper's full schedule"),
    ("fraction/resnet20-tinyimagenet", "40 % of our schedule, ResNet-20 in place of Inception-v4"),
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
    assert "●</span>&nbsp;held" in ours


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
    assert all(tables.value_of(row.number) in text for row in rows)
    experiments = {row.experiment for row in rows}
    assert text.count('<th scope="col">') == 2 * len(experiments) == 2 * text.count("<summary>")


def test_quoted_numbers_stand_under_the_place_they_are_printed_in():
    survey, later = paper.numbers(place="Table 1"), paper.numbers(source="chandrasegaran2022")
    _, *parts = tables.numbers([*survey, *later]).data.split('<p class="ls-part">')
    for part, numbers, place in zip(parts, (survey, later), ("Table 1", "T × α"), strict=True):
        assert part.startswith(place) and part.count("<tr><td>") == len(numbers)
        assert all(f"<td>{tables.value_of(number)}</td>" in part for number in numbers)


def test_published_puts_our_mean_and_range_beside_the_paper():
    runs = fraction("val_accuracy", (0.29, 0.31), (0.3,))
    text = tables.published(ledger.measured(runs=runs)).data
    row = next(r for r in text.split("<tr>") if "accuracy, α = 0<" in r and "72.1" in r)
    assert "72.1 ± 0.3 %" in row and "30.00 % <small>(29.00–31.00, 2 seeds)" in row
    assert "ResNet-20 on CIFAR-100, a quarter of the images" in text


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
    assert '○</span>&nbsp;not yet run</span></td><td colspan="3">' in text


def test_run_list_without_runs_says_what_to_do():
    assert "no runs yet" in tables.run_list([]).data


def test_run_list_shows_both_fractions_device_and_manifest():
    (run, *_) = fraction("val_accuracy", (0.291,), ())
    run.manifest = {"device": "cpu (x)", "wall_seconds": 565.0, "data_hash": "abc"}
    text = tables.run_list([run]).data
    cells = text[text.index("<tbody>"):].split("<td>")
    assert cells[4] == "29.1 %</td>" and cells[6:9] == ["7.31 %</td>", "25 %</td>", "9 min</td>"]
    assert run.recipe.hash in text and '"data_hash": "abc"' in text


@pytest.fixture(scope="module")
def page():
    yield from drawn.open_page()


def test_run_list_sorts_and_filters_in_the_browser(page):
    runs = fraction("val_accuracy", (0.291,), ()) + pairs(MLP, "val_accuracy", (0.8,), (0.75,))
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
    verdict = Verdict(id="tight-clusters", status="partly", recipe=MLP, scale=1.0,
                      train_fraction=1.0, measure="<b>",
                      ours=(Spread("<i>", 1.0, 1.0, 1.0, (0,)),))
    text = tables.details([verdict]).data
    assert "<i>" not in text and "<b>" not in text

"""The claims page's tables on invented runs."""

import pytest

from lsbook import ledger, paper, recipes
from lsbook.figures import ledger as tables
from lsbook.ledger import Spread, Verdict
from test_ledger import FIGURE_5, MLP, pairs


@pytest.fixture(scope="module")
def verdicts():
    runs = FIGURE_5 + pairs(MLP, "val_accuracy", (0.8, 0.82), (0.9, 0.92))
    return ledger.verdicts(runs=runs)


def test_glance_has_a_row_a_claim_and_signs_what_was_found(verdicts):
    text = tables.glance(verdicts).data
    assert text.count("<tr>") == len(paper.CLAIMS) + 1
    assert 'title="reproduced: MLP, scale 1">●' in text
    assert "MNIST-1D (lab)" in text


def test_glance_counts_by_preset(verdicts):
    lab = [row.status for row in verdicts if row.preset == "lab"]
    text = tables.glance(verdicts).data
    assert f"In the lab: ● reproduced {lab.count('reproduced')} ·" in text


def test_details_put_the_paper_beside_ours(verdicts):
    text = tables.details(verdicts).data
    rows = iter(text.split("<tr>"))
    heading = next(row for row in rows if "raises the accuracy of ResNet-56" in row)
    assert "72.1 ± 0.3 %" in heading and "72.7 ± 0.3 %" in heading
    ours = next(rows)
    assert "81.0 % (80.0–82.0)" in ours and "91.0 % (90.0–92.0)" in ours and "● reproduced" in ours


def test_every_claim_links_to_its_chapter(verdicts):
    text = tables.details(verdicts).data
    assert all(f'href="{claim.chapter}.html"' in text for claim in paper.CLAIMS)


def test_published_lists_missing_numbers_too():
    text = tables.published(ledger.measured()).data
    assert text.count("○ not yet run") == len(ledger.measured())


def test_spread_names_a_single_seed():
    assert tables.spread_text(Spread("ours", 0.0312, 0.0312, 0.0312, (0,)), "ECE") == (
        "0.0312 (one seed)")


@pytest.mark.parametrize(
    "seconds, text", [(8.2, "8 s"), (720, "12 min"), (12240, "3.4 h"), (None, "")])
def test_duration(seconds, text):
    assert tables.duration(seconds) == text


def test_short_rows_fill_the_table(verdicts):
    assert '<td colspan="5"><strong>' in tables.details(verdicts).data


def test_run_list_without_runs_says_what_to_do():
    assert "no runs yet" in tables.run_list([]).data


def test_labels_cover_the_catalogue():
    for recipe in recipes.CATALOGUE.values():
        assert recipe.dataset in tables.DATASETS and recipe.model in tables.MODELS


def test_published_text_is_escaped():
    verdict = Verdict(id="tight-clusters", status="partly", recipe=MLP, scale=1.0, measure="<b>",
                      ours=(Spread("<i>", 1.0, 1.0, 1.0, (0,)),))
    text = tables.details([verdict]).data
    assert "<i>" not in text and "<b>" not in text

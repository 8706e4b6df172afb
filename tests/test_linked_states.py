"""What the prose says of a figure that its link sets, computed anew from the recorded runs."""

import re
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from lsbook.estimators.calibration import ece, from_logits
from lsbook.estimators.information import collapsed_bias
from lsbook.explore import calibration, representations
from lsbook.runs import snapshots
from lsbook.runs.tables import metrics

BOOK = Path(__file__).parent.parent / "book"
LINK = re.compile(r'href="[\w.-]*#(explore-[\w-]+\?[^"]*)"')


def logits_of(run):
    return run.arrays["val_logits"], run.arrays["val_targets"]


def offered(name, sets):
    return next(runs for runs in sets if runs[0].recipe.name == name)


def too_much_smoothing_lifts_the_curve_above_the_diagonal():
    pairs = {run.recipe.alpha: from_logits(*logits_of(run)) for run in calibration.choices()[0]}
    over = {alpha: sure.mean() - right.mean() for alpha, (sure, right) in pairs.items()}
    assert over[0.0] > 0 > over[0.45]


def more_bins_are_more_error_for_the_smoothed_network_alone():
    hard, smoothed = calibration.start(offered("lab/mlp-mnist1d", calibration.choices()), 0.05, 0)
    many, few = ([ece(*logits_of(run), bins=bins) for run in (hard, smoothed)] for bins in (50, 5))
    assert 3.4 < many[1] / few[1] < 4.6 and abs(many[0] / few[0] - 1) < 0.1


def the_error_is_least_at_a_small_alpha_and_the_temperature_falls_through_1():
    means = metrics(offered("lab/mlp-mnist1d", calibration.choices())).groupby("alpha").mean(
        numeric_only=True)
    least = means["val_ece"].idxmin()
    assert 0 < least <= 0.1 and (np.diff(means["val_ece"].loc[least:]) > 0).all()
    T = means["optimal_T"]
    assert T.iloc[0] > 1 > T.iloc[-1] and means["ece_at_optimal_T"].max() < 0.05


def the_digits_are_easy():
    runs = offered("lab/mlp-digits", calibration.choices(calibration.EASY))
    assert metrics(runs)["val_accuracy"].min() > 0.95


def the_lab_recorded_its_training():
    runs = representations.compared(0.1)["lab/mlp-mnist1d"]
    assert any(len(snapshots.epochs(run)) > 3 for run in runs)


def a_reused_draw_reads_too_much():
    assert collapsed_bias(5, "reused") > 0 > collapsed_bias(5, "fresh")


SAID = {
    "explore-calibration?alpha=0.45":
        too_much_smoothing_lifts_the_curve_above_the_diagonal,
    "explore-calibration?data=lab/mlp-mnist1d&bins=50":
        more_bins_are_more_error_for_the_smoothed_network_alone,
    "explore-ece-against-alpha?data=lab/mlp-mnist1d":
        the_error_is_least_at_a_small_alpha_and_the_temperature_falls_through_1,
    "explore-calibration-right?data=lab/mlp-digits": the_digits_are_easy,
    "explore-representations?data=lab/mlp-mnist1d": the_lab_recorded_its_training,
    "explore-bias?form=reused": a_reused_draw_reads_too_much,
}


def test_every_link_that_sets_a_figure_is_tested():
    text = "\n".join(page.read_text() for page in BOOK.glob("*.md"))
    assert set(map(unescape, LINK.findall(text))) == set(SAID)


@pytest.mark.parametrize("state", SAID)
def test_what_is_said_of_a_linked_state_is_so(state, monkeypatch):
    monkeypatch.setenv("LSBOOK_STATIC", "1")
    SAID[state]()

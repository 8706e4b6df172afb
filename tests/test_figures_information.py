"""Frames behind the mutual-information chapter's figures against plain sums and known truths."""

import json
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.special import logsumexp

from lsbook.estimators.information import from_draws
from lsbook.figures import information as figures
from lsbook.recipes import named

STEPS = list(range(0, 310, 10))


def run(alpha, seed, last=1.0):
    rng = np.random.default_rng(seed)
    mean = rng.standard_normal((len(STEPS), 8))
    curve = [0.1, *np.linspace(1.5, last, len(STEPS) - 1)]
    return SimpleNamespace(
        recipe=named("lab/mlp-mnist1d", alpha=alpha, seed=seed), metrics={},
        history={"mi_step": STEPS, "mi_fresh": curve, "mi_reused": [v + 0.2 for v in curve]},
        arrays={"mi_mean": mean, "mi_scored": mean + 0.5})


@pytest.fixture
def runs():
    return [run(a, s, last) for a, last in ((0.0, 1.2), (0.1, 0.9), (0.3, 0.8)) for s in (0, 1)]


def test_endings(runs):
    ends = figures.endings(figures.history(runs))
    assert len(ends) == len(runs)
    assert ends["first"].eq(0.1).all() and ends["peak"].eq(1.5).all()
    assert ends.loc[ends["alpha"] == 0.3, "last"].tolist() == pytest.approx([0.8, 0.8])


def test_differences_cover_every_step_once(runs):
    rows = figures.differences(runs[:1])
    assert rows["step"].iloc[0] == 0 and rows["until"].iloc[-1] == STEPS[-1] + 1
    assert rows["until"].tolist()[:-1] == rows["step"].tolist()[1:]
    assert rows["sigma"].to_numpy() == pytest.approx(0.5)


def test_differences_skip_runs_without_draws(runs):
    light = SimpleNamespace(**(vars(runs[0]) | {"arrays": {}}))
    assert set(figures.differences([light, runs[2]])["alpha"]) == {0.1}


def plain(mu, y):
    s2 = np.mean((y - mu) ** 2)
    inner = logsumexp(-((y[:, None] - mu) ** 2) / (2 * s2), axis=1) - math.log(len(mu))
    return np.mean(-((y - mu) ** 2) / (2 * s2) - inner)


def test_mistakes_begin_with_the_right_one():
    rng = np.random.default_rng(0)
    mu = np.repeat([-8.0, 8.0], 100) + rng.standard_normal(200)
    y = mu + 0.3 * rng.standard_normal(200)
    nats = figures.mistakes(mu, y)["nats"].tolist()
    right = plain(mu, y)
    assert nats[0] == pytest.approx(right)
    assert nats[1] == pytest.approx(right - math.log(200))
    assert nats[2] == pytest.approx(200 * right)
    halves = [plain(mu[part], y[part]) for part in (slice(0, 100), slice(100, 200))]
    assert nats[4] == pytest.approx(np.mean(halves))
    assert nats[0] - nats[4] == pytest.approx(math.log(2), abs=0.05)


def test_bias_brackets_the_truth():
    frame = figures.bias_frame(counts=(5,), examples=(300,), sets=6)
    for _, case in frame.groupby("case"):
        values = case.set_index("form")["estimate"]
        assert values["fresh"] < case["truth"].iloc[0] < values["reused"]
    assert set(frame["truth"]) == {0.0, math.log(2)}


def test_draw_counts_use_the_first_columns():
    draws = np.random.default_rng(0).standard_normal((50, 5))
    frame = figures.draw_count_frame(draws).set_index(["L", "form"])["estimate"]
    assert frame[2, "fresh"] == pytest.approx(from_draws(draws[:, :3], "fresh"))
    assert frame[4, "reused"] == pytest.approx(from_draws(draws[:, :4], "reused"))


def test_charts_build_and_hold_their_controls(runs):
    history, rows = figures.history(runs), figures.differences(runs)
    bias = figures.bias_frame(counts=(2, 5), examples=(50,), sets=2)
    charts = [
        (figures.curves(history, 0.12, "An MLP"), {"form", "alpha"}),
        (figures.last_against_alpha(history), {"form"}),
        (figures.explorer(rows, history, 0.1, ("0", "5")), {"alpha", "step", "unit"}),
        (figures.bias_chart(bias), {"N", "known"}),
    ]
    for chart, names in charts:
        spec = chart.to_dict()
        assert {p["name"] for p in spec["params"] if "bind" in p} == names
        assert "NaN" not in json.dumps(spec)


def test_the_picker_starts_at_the_nearest_alpha(runs):
    spec = figures.curves(figures.history(runs), 0.12, "An MLP").to_dict()
    assert {p["name"]: p["value"] for p in spec["params"]}["alpha"] == 0.1


def test_curves_pack_one_row_a_run(runs):
    spec = figures.curves(figures.history(runs), 0.1, "An MLP").to_dict()
    packed = next(pd.DataFrame(d) for d in spec["datasets"].values() if "fresh" in d[0])
    assert len(packed) == len(runs)
    assert len(packed["fresh"].iloc[0]) == len(STEPS)

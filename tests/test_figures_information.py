"""Frames behind the mutual-information chapter's figures against plain sums and known truths."""

import json
import math
from types import SimpleNamespace

import numpy as np
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


def test_draw_counts_use_the_first_columns():
    draws = np.random.default_rng(0).standard_normal((50, 5))
    frame = figures.draw_count_frame(draws).set_index(["L", "form"])["estimate"]
    assert frame[2, "fresh"] == pytest.approx(from_draws(draws[:, :3], "fresh"))
    assert frame[4, "reused"] == pytest.approx(from_draws(draws[:, :4], "reused"))


def test_charts_build_and_hold_their_controls(runs):
    spec = figures.last_against_alpha(figures.history(runs)).to_dict()
    assert {p["name"] for p in spec["params"] if "bind" in p} == {"form"}
    drawn = {layer["mark"]["type"]: layer["encoding"]["y"] for layer in spec["layer"][:2]}
    assert drawn["line"]["aggregate"] == "mean" and "aggregate" not in drawn["point"]
    assert "NaN" not in json.dumps(spec)

"""Mutual information against loops over its formula, theorems and limits."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import logsumexp
from scipy.stats import norm

from lsbook.estimators import information
from lsbook.estimators.information import from_draws, mutual_information, simulate_bias


def by_definition(mu, y, sigma2=None):
    """The paper's formula, example by example."""
    N = len(mu)
    y = y.reshape(N, -1)
    if sigma2 is None:
        sigma2 = np.mean((y - mu[:, None]) ** 2)
    terms = [
        -((score - mu[x]) ** 2) / (2 * sigma2)
        - (logsumexp(-((score - mu) ** 2) / (2 * sigma2)) - math.log(N))
        for x in range(N)
        for score in y[x]
    ]
    return np.mean(terms)


def draws(N=120, L=20, spread=3.0, seed=0):
    rng = np.random.default_rng(seed)
    return spread * rng.normal(size=(N, 1)) + rng.normal(size=(N, L))


@pytest.mark.parametrize("method", ["auto", "grid", "direct"])
@pytest.mark.parametrize("spread", [0.0, 0.3, 3.0, 30.0, 300.0])
def test_equals_the_formula(method, spread):
    values = draws(spread=spread)
    mu = values.mean(1)
    exact = by_definition(mu, values)
    assert mutual_information(mu, values, method=method) == pytest.approx(exact, abs=1e-8)
    first = values[:, 0]
    exact = by_definition(mu, first)
    assert mutual_information(mu, first, method=method) == pytest.approx(exact, abs=1e-8)


def test_grid_survives_outliers_between_far_clusters():
    rng = np.random.default_rng(0)
    mu = np.repeat([0.0, 60.0], 300) + rng.normal(size=600)
    y = mu[:, None] + rng.standard_t(2, size=(600, 20)) * rng.gamma(1, size=(600, 1))
    exact = by_definition(mu, y)
    assert mutual_information(mu, y, method="grid") == pytest.approx(exact, abs=1e-8)


def test_forms_and_their_draws():
    values = draws()
    fresh = by_definition(values[:, :-1].mean(1), values[:, -1])
    assert from_draws(values, "fresh") == pytest.approx(fresh, abs=1e-8)
    reused = by_definition(values.mean(1), values)
    assert from_draws(values, "reused") == pytest.approx(reused, abs=1e-8)


def test_separated_examples_give_log_N():
    mu = 1000.0 * np.arange(64)
    y = mu + np.random.default_rng(0).normal(size=64)
    assert mutual_information(mu, y) == pytest.approx(math.log(64))


@pytest.mark.parametrize("clusters", [1, 2, 8])
def test_collapsed_clusters_give_the_log_of_their_number(clusters):
    mu = 1000.0 * (np.arange(64) % clusters)
    y = mu + np.random.default_rng(0).normal(size=64)
    assert mutual_information(mu, y) == pytest.approx(math.log(clusters))


@pytest.mark.parametrize("method", ["auto", "grid", "direct"])
@pytest.mark.parametrize("spread", [1e3, 1e6, 1e9, 1e12, 1e14])
@pytest.mark.parametrize("place", [0.0, -0.5, 1.0])
@pytest.mark.parametrize("unit", [1.0, 1e-5, 1e-180, 1e180])
def test_two_clusters_however_far_apart_give_log_2(method, spread, place, unit):
    rng = np.random.default_rng(0)
    mu = spread * (np.arange(600) % 2 + place)
    mu, noise = unit * mu, unit * rng.normal(size=600)
    y = mu + noise
    # What the far cluster's float spacing leaves of the noise is the draw; its distance is exact.
    assert mutual_information(mu, y, method=method) == pytest.approx(math.log(2), abs=1e-9)


@pytest.mark.parametrize("spread", [1e5, 1e8, 1e11])
def test_grid_asks_for_no_more_memory_than_the_sum(spread, monkeypatch):
    sizes = []
    linspace = np.linspace
    monkeypatch.setattr(
        information.np, "linspace", lambda *ends: sizes.append(ends[-1]) or linspace(*ends))
    rng = np.random.default_rng(0)
    mu = rng.normal(size=300) * spread
    y = mu + rng.normal(size=300) * 1e-3
    assert mutual_information(mu, y, method="grid") == pytest.approx(by_definition(mu, y))
    narrow = rng.normal(size=300)
    mutual_information(narrow, narrow + rng.normal(size=300), method="grid")
    assert sizes and max(sizes) <= 64 * 300 + 1


def test_equals_the_mutual_information_of_two_gaussians():
    gap, N = 2.0, 2000
    mu = gap * (np.arange(N) % 2)
    y = mu[:, None] + np.random.default_rng(0).normal(size=(N, 50))

    def density(t):
        return (norm.pdf(t) + norm.pdf(t - gap)) / 2

    entropy = quad(lambda t: -density(t) * math.log(density(t)), -8, 10)[0]
    exact = entropy - norm.entropy()
    assert mutual_information(mu, y, sigma2=1.0) == pytest.approx(exact, abs=0.01)


def test_never_exceeds_log_N_but_may_be_negative():
    for seed in range(20):
        values = draws(N=10, L=3, spread=10.0**seed / 1e10, seed=seed)
        assert from_draws(values, "reused") <= math.log(10) + 1e-8
    rng = np.random.default_rng(0)
    uneven = rng.gamma(0.3, size=(600, 1)) * rng.normal(size=(600, 5))
    assert from_draws(uneven, "fresh") < 0


def test_does_not_depend_on_place_or_unit():
    values = draws()
    expected = from_draws(values)
    assert from_draws(1e-6 * values) == pytest.approx(expected, abs=1e-7)
    assert from_draws(1e5 * values + 1e6) == pytest.approx(expected, abs=1e-6)


def test_memory_is_a_block_of_rows(monkeypatch):
    sizes = []
    direct = np.square
    monkeypatch.setattr(
        information.np, "square", lambda x: sizes.append(x.shape) or direct(x)
    )
    mutual_information(np.arange(3000.0) * 100, np.arange(3000.0) * 100 + 1)
    assert sizes and max(rows for rows, _ in sizes) <= 64


@pytest.mark.parametrize(
    "clusters, fresh, reused", [(1, -0.07, 0.11), (2, 0.63, 0.80)]
)
def test_bias_at_the_papers_sizes(clusters, fresh, reused):
    bias = simulate_bias(600, 5, clusters, seed=1)
    assert bias.truth == pytest.approx(math.log(clusters))
    assert bias.fresh == pytest.approx(fresh, abs=0.012)
    assert bias.reused == pytest.approx(reused, abs=0.012)
    assert bias.fresh < bias.truth < bias.reused
    assert bias == simulate_bias(600, 5, clusters, seed=1)


def test_bias_fades_with_the_number_of_draws():
    few, many = simulate_bias(200, 5), simulate_bias(200, 200)
    assert abs(many.fresh) < abs(few.fresh) / 3 and abs(many.reused) < abs(few.reused) / 3


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: mutual_information(np.zeros(3), np.zeros(4)), r"\(N,\)"),
        (lambda: mutual_information(np.zeros(3), np.zeros(3)), "augment"),
        (lambda: mutual_information(np.zeros(3), np.ones(3), sigma2=-1.0), "above 0"),
        (lambda: mutual_information(np.zeros(3), np.ones(3), method="fast"), "'direct'"),
        (lambda: mutual_information(np.zeros(0), np.zeros(0)), "empty"),
        (lambda: mutual_information(np.zeros(3), np.full(3, np.nan)), "NaN"),
        (lambda: from_draws(np.zeros((3, 1))), "at least two"),
        (lambda: from_draws(draws(), "new"), "'reused'"),
        (lambda: simulate_bias(N=5, clusters=6), "clusters must be at most N = 5; got 6"),
        (lambda: simulate_bias(N=5, clusters=1.5), "clusters must be a whole number"),
        (lambda: simulate_bias(N=0), "N must be a whole number, at least 1"),
        (lambda: simulate_bias(N=5, L=1), "L must be a whole number, at least 2"),
        (lambda: mutual_information(None, np.ones(3)), "mu must be an array"),
        (lambda: mutual_information(np.ones(3), "y"), "y must be an array"),
        (lambda: mutual_information(np.zeros(3), np.ones(3), sigma2="1"), "sigma2 must be a num"),
        (lambda: mutual_information(np.zeros(3), np.ones(3), sigma2=np.nan), "sigma2 must be fin"),
        (lambda: mutual_information(np.zeros(3), np.zeros(3), method="grid"), "augment"),
        (lambda: from_draws(None), "draws must be an array"),
        (lambda: information.collapsed_bias(1, "fresh"), "L must be a whole number, at least 2"),
        (lambda: information.collapsed_bias(5, "new"), "'reused'"),
        (lambda: simulate_bias(N=5, seed=-1), "seed must be a whole number, at least 0"),
        (lambda: simulate_bias(N=5, separation="1"), "separation must be a number"),
        (lambda: simulate_bias(N=5, draws=0), "draws must be a whole number, at least 1"),
    ],
)
def test_bad_input_says_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()

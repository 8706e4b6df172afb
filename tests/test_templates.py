"""The plane and the geometry against congruence, and Papyan's formulas written with pinv."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from lsbook.estimators.templates import append_one, geometry, plane, project, project_logits

RNG = np.random.default_rng(0)
TEMPLATES = RNG.normal(size=(3, 33))


def clusters(C=4, n=50, d=12, spread=0.5, seed=0):
    rng = np.random.default_rng(seed)
    centres, targets = rng.normal(size=(C, d)), np.repeat(np.arange(C), n)
    return centres[targets] + spread * rng.normal(size=(C * n, d)), targets


def test_templates_map_to_a_congruent_triangle():
    through = plane(TEMPLATES)
    np.testing.assert_allclose(through.basis @ through.basis.T, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(pdist(project(TEMPLATES, through)), pdist(TEMPLATES))
    np.testing.assert_allclose(project(TEMPLATES, through).mean(0), 0, atol=1e-12)


def test_projection_is_orthogonal():
    x, through = RNG.normal(size=(20, 33)), plane(TEMPLATES)
    coordinates = project(x, through)
    rest = x - through.origin - coordinates @ through.basis
    np.testing.assert_allclose(rest @ through.basis.T, 0, atol=1e-12)
    # The nearest point of the affine plane, by least squares over its sides.
    sides = (TEMPLATES[1:] - TEMPLATES[0]).T
    weights = np.linalg.lstsq(sides, (x - TEMPLATES[0]).T, rcond=None)[0]
    nearest = (sides @ weights).T + TEMPLATES[0]
    np.testing.assert_allclose(through.origin + coordinates @ through.basis, nearest)


def test_projection_from_three_logits_alone():
    x = append_one(RNG.normal(size=(20, 32)))
    np.testing.assert_allclose(
        project_logits(x @ TEMPLATES.T, TEMPLATES), project(x, plane(TEMPLATES)), atol=1e-10
    )


def test_projection_does_not_move_with_a_shift_of_all_templates_of_one_direction():
    shift = RNG.normal(size=33)
    shift -= plane(TEMPLATES).basis.T @ (plane(TEMPLATES).basis @ shift)
    x = RNG.normal(size=(5, 33))
    np.testing.assert_allclose(
        project(x, plane(TEMPLATES + shift)), project(x, plane(TEMPLATES)), atol=1e-12
    )


@pytest.mark.parametrize("third", [[0.0, 0, 0], [1.0, 2, 3], [3.0, 6, 9], [1 / 3, 2 / 3, 1.0]])
def test_collinear_templates_are_refused(third):
    with pytest.raises(ValueError, match="one line"):
        plane(np.array([[0.0, 0, 0], [1.0, 2, 3], third]))
    with pytest.raises(ValueError, match="one line"):
        project_logits(np.zeros((2, 3)), np.array([[0.0, 0, 0], [1.0, 2, 3], third]))


def test_geometry_agrees_with_papyans_formulas():
    activations, targets = clusters()
    C = 4
    centres = np.stack([activations[targets == c].mean(0) for c in range(C)])
    offsets = centres - centres.mean(0)
    within = np.cov((activations - centres[targets]).T, bias=True)
    between = offsets.T @ offsets / C
    result = geometry(activations, targets, np.eye(C, 12))
    assert result.nc1 == pytest.approx(np.trace(within @ np.linalg.pinv(between, rcond=1e-10)) / C)
    lengths = np.linalg.norm(offsets, axis=1)
    unit = offsets / lengths[:, None]
    cosines = [unit[a] @ unit[b] for a in range(C) for b in range(C) if a != b]
    assert result.nc2 == pytest.approx(np.mean(np.abs(np.array(cosines) + 1 / (C - 1))))
    assert result.nc2_angle == pytest.approx(np.std(cosines))
    assert result.nc2_norm == pytest.approx(np.std(lengths) / np.mean(lengths))
    assert result.within_spread == pytest.approx(np.sqrt(np.trace(within)))
    assert result.centre_distance == pytest.approx(pdist(centres).mean())
    assert result.ratio == pytest.approx(result.within_spread / result.centre_distance)


def test_geometry_of_a_collapsed_simplex_is_zero():
    simplex, targets = 3 * np.eye(5), np.repeat(np.arange(5), 4)
    result = geometry(simplex[targets] + 7, targets, simplex)
    assert result.centre_distance == pytest.approx(3 * np.sqrt(2))
    for number in ("within_spread", "simplex_deviation", "nc1", "nc2", "nc2_norm", "nc2_angle"):
        assert getattr(result, number) == pytest.approx(0, abs=1e-12)


def test_geometry_does_not_depend_on_place_or_turn_and_scales():
    activations, targets = clusters()
    turn = np.linalg.qr(RNG.normal(size=(12, 12)))[0]
    before, after = (
        geometry(x, targets, np.eye(4, 13)) for x in (activations, 5 * activations @ turn + 3)
    )
    assert after.nc1 == pytest.approx(before.nc1) and after.nc2 == pytest.approx(before.nc2)
    assert after.within_spread == pytest.approx(5 * before.within_spread)
    assert after.centre_distance == pytest.approx(5 * before.centre_distance)


def test_simplex_deviation_looks_at_the_classes_that_occur():
    activations, targets = clusters(C=3, d=2)
    templates = np.array([[0.0, 0], [3, 0], [0, 4], [100, 100]])
    sides = np.array([3.0, 4, 5])
    result = geometry(activations, targets, templates)
    assert result.simplex_deviation == pytest.approx(sides.std() / sides.mean())


def test_unequal_classes_weigh_alike():
    activations, targets = clusters(C=2)
    keep = np.r_[0:50, 50:100, 50:100, 50:100]
    whole = geometry(activations, targets, np.eye(2, 12))
    uneven = geometry(activations[keep], targets[keep], np.eye(2, 12))
    assert uneven.nc1 == pytest.approx(whole.nc1)
    assert uneven.within_spread == pytest.approx(whole.within_spread)


@pytest.mark.parametrize("width", [1, 5, 11, 14, 64])
def test_templates_are_as_wide_as_activations_with_or_without_a_bias(width):
    activations, targets = clusters()
    for fitting in (12, 13):
        geometry(activations, targets, np.eye(4, fitting))
    with pytest.raises(ValueError, match=r"templates must be as wide .*\(K, 12\).*\(K, 13\)"):
        geometry(activations, targets, np.ones((4, width)))
    geometry(activations[:, :2], targets, np.eye(4, width))  # coordinates in a plane


X, Y = np.zeros((3, 2)), np.array([0, 1, 2])


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: append_one(np.zeros(3)), r"\(n, d\); got \(3,\)"),
        (lambda: append_one(np.zeros((3, 2, 2))), r"\(n, d\)"),
        (lambda: plane(np.eye(4)), "three templates"),
        (lambda: project(np.zeros((2, 32)), plane(TEMPLATES)), "append_one"),
        (lambda: project_logits(np.zeros((2, 4)), TEMPLATES), "three classes"),
        (lambda: project_logits(np.full((2, 3), np.nan), TEMPLATES), "NaN"),
        (lambda: geometry(X, Y, np.eye(3)), "coincide"),
        (lambda: geometry(X, Y * 0, np.eye(3)), "two classes"),
        (lambda: geometry(X, Y, np.eye(2)), "found 2"),
        (lambda: geometry(X, Y[:2], np.eye(3)), "shape"),
        (lambda: geometry(X[:0], Y[:0], np.eye(3)), "empty"),
        (lambda: project(X, np.eye(3)), "plane must be a Plane"),
        (lambda: project(None, plane(TEMPLATES)), "x must be an array"),
        (lambda: plane(None), "templates must be an array"),
        (lambda: append_one("x"), "activations must be an array"),
        (lambda: project_logits(X[:, :1], None), "templates must be an array"),
        (lambda: geometry(X, None, np.eye(3)), "targets .*must be an array"),
        (lambda: geometry(None, Y, np.eye(3)), "activations must be an array"),
        (lambda: geometry(X, Y, np.zeros(3)), r"templates must have shape \(K, d\)"),
    ],
)
def test_bad_input_says_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()

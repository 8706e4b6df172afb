"""Arcs, clouds and rays whose shape is known."""

import numpy as np
import pytest

from lsbook.estimators.arc import arc_ratio, bend

CENTRE = np.array([3.0, -2.0])


def around(angles, distances):
    return CENTRE + np.stack([distances * np.cos(angles), distances * np.sin(angles)], 1)


def plane(first, second):
    third = CENTRE + np.array([[1.0, 0.0], [-1.0, 0.0]])
    targets = np.repeat([0, 1, 2], [len(first), len(second), 2])
    return np.concatenate([first, second, third]), targets


def test_points_on_one_circle_are_an_arc():
    angles = np.linspace(-0.5, 0.5, 21)
    points = plane(around(angles, np.full(21, 10.0)), around(angles + 1, np.full(21, 10.0)))
    assert arc_ratio(*points) == pytest.approx(0, abs=1e-6)


def test_known_deviations_of_angle_and_distance():
    sign = np.array([1.0, 1.0, -1.0, -1.0])
    cloud = around(0.7 + 0.1 * sign, 10 + 0.5 * np.array([1.0, -1.0, 1.0, -1.0]))
    # The angle deviates by 0.1, at a distance of 10, and the distance by 0.5.
    assert arc_ratio(*plane(cloud, cloud)) == pytest.approx(0.5)


def test_round_clouds_far_away_are_near_one():
    rng = np.random.default_rng(0)
    clouds = [CENTRE + corner + rng.normal(size=(5000, 2)) for corner in ([40, 0], [30, 30])]
    assert arc_ratio(*plane(*clouds)) == pytest.approx(1, rel=0.03)


def test_the_seam_of_the_angle_does_not_matter():
    angles = np.linspace(-0.5, 0.5, 21)
    distances = 10 + np.sin(np.arange(21))
    first = arc_ratio(*plane(around(angles, distances), around(angles, distances)))
    turned = arc_ratio(*plane(around(angles + np.pi, distances), around(angles, distances)))
    assert turned == pytest.approx(first)


@pytest.mark.parametrize("points, targets, message", [
    (np.ones((4, 3)), [0, 1, 2, 2], r"\(n, 2\)"),
    (np.ones((4, 2)), [0, 1, 2], r"targets \(n,\); got \(4, 2\) and \(3,\)"),
    (None, [0, 1, 2], "points must be an array"),
    (np.ones((4, 2)), None, "targets must be an array"),
    (np.ones((4, 2)), list("abca"), "targets must be an array"),
    (np.ones((4, 2)), [0, 0, 1, 2], "needed"),
    (np.ones((5, 2)), [0, 0, 1, 1, 2], "do not spread"),
])
def test_refuses_what_has_no_arc(points, targets, message):
    with pytest.raises(ValueError, match=message):
        arc_ratio(points, np.array(targets))


@pytest.mark.parametrize("turn", [0.0, 1.0, 3.0])
def test_bend_tells_an_arc_from_a_string(turn):
    """Both as thin as 0.1: an arc of radius 10 and a string as long, at its distance."""
    rng = np.random.default_rng(0)
    angle = np.linspace(-0.6, 0.6, 400)
    thin = 0.1 * rng.normal(size=400)
    arc = (10 + thin)[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    string = np.stack([9.4 + thin, 10 * angle], 1)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    targets = np.array([0] * 200 + [1] * 200 + [2])
    of_arc, of_string = (bend(np.vstack([points, [0, 0]]) @ rotation.T + 5, targets)
                         for points in (arc, string))
    # Distances of the arc from its chord: x = 10 cos(angle) has this deviation.
    off_line = np.hypot(10 * np.cos(angle).std(), 0.1)
    assert of_arc == pytest.approx(np.log(off_line / thin.std()), abs=0.05)
    off_circle = np.hypot(9.4, 10 * angle).std()
    assert of_string == pytest.approx(np.log(thin.std() / off_circle), abs=0.05)


def test_bend_of_a_round_cloud_far_away_says_nothing():
    cloud = np.random.default_rng(0).normal(size=(2000, 2))
    points = np.vstack([cloud, [[0, -100]]])
    targets = np.array([0] * 1000 + [1] * 1000 + [2])
    assert bend(points, targets) == pytest.approx(0, abs=0.05)

"""Whether two look-alike classes lie on an arc around a third (Müller et al. 2019, Figure 1)."""

from __future__ import annotations

import numpy as np

from lsbook.estimators.arrays import Array, as_float64, unit_of


def arc_ratio(points: Array, targets: Array) -> float:
    """Spread of two classes towards a third class, over their spread around it.

    Distances and angles are those from the centre of the third class. Of each of the two classes
    the deviation of the distance is set against the deviation of the angle times the mean
    distance; both are root mean squares over the two classes.

    Parameters
    ----------
    points : array (n, 2)
        Coordinates in the plane, as `lsbook.estimators.templates.project_logits` gives them.
    targets : array of int, (n,)
        0 and 1 for the look-alikes, 2 for the third class.

    Returns
    -------
    float
        0 for arcs, near 1 for small round clouds, above 1 for rays.

    Raises
    ------
    ValueError
        If a class has fewer than two points (the third: none), or angles do not spread at all.
    """
    points, targets = _checked(points, targets)
    out = points - points[targets == 2].mean(0)
    distance = np.linalg.norm(out, axis=1)
    towards, around = 0.0, 0.0
    for k in (0, 1):
        mine, lengths = out[targets == k], distance[targets == k]
        middle = np.arctan2(*mine.mean(0)[::-1])
        angle = np.arctan2(mine[:, 1], mine[:, 0]) - middle
        angle = (angle + np.pi) % (2 * np.pi) - np.pi
        towards += lengths.var()
        around += angle.var() * lengths.mean() ** 2
    if around == 0:
        raise ValueError("The two classes do not spread around the third at all.")
    return float(np.sqrt(towards / around))


def bend(points: Array, targets: Array) -> float:
    """Whether two classes lie nearer to a circle around a third class or to a straight line.

    The two classes are taken together; the circle has its centre at that of the third class and
    their mean distance as radius, the line is their first principal axis.

    Parameters
    ----------
    points : array (n, 2)
    targets : array of int, (n,)
        As in `arc_ratio`.

    Returns
    -------
    float
        Logarithm of their root mean square distance from the line over that from the circle:
        above 0 for an arc, below 0 for a string, near 0 where the two cannot be told apart.

    Raises
    ------
    ValueError
        As `arc_ratio`.
    """
    points, targets = _checked(points, targets)
    mine = points[targets < 2]
    distance = np.linalg.norm(mine - points[targets == 2].mean(0), axis=1)
    offsets = mine - mine.mean(0)
    from_line = np.linalg.svd(offsets, compute_uv=False)[-1] / np.sqrt(len(mine))
    tiny = np.finfo(float).eps * np.abs(points).max()
    if tiny == 0:
        raise ValueError("All points lie at 0; there is neither line nor circle.")
    return float(np.log(max(from_line, tiny) / max(distance.std(), tiny)))


def _checked(points: Array, targets: Array) -> tuple[np.ndarray, np.ndarray]:
    points, targets = as_float64(points, "points"), as_float64(targets, "targets")
    if points.ndim != 2 or points.shape[1] != 2 or targets.shape != points.shape[:1]:
        raise ValueError(
            f"points must be (n, 2) and targets (n,); got {points.shape} and {targets.shape}.")
    counts = [int((targets == k).sum()) for k in range(3)]
    if min(counts[:2]) < 2 or counts[2] < 1:
        raise ValueError(f"Two points of classes 0 and 1, one of 2 are needed; got {counts}.")
    return points / unit_of(points), targets

"""Templates: the plane through three of them, and the geometry of the classes around them.

A template is a class's row of the last layer with its bias appended, w_k; an activation x
carries a 1 in its last place, so that logit k is x · w_k (Müller et al. 2019, section 2).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from lsbook.estimators.arrays import Array, as_float64, as_targets, unit_of


@dataclass(frozen=True)
class Plane:
    """An affine plane: ``origin`` (d,), the templates' centroid, orthonormal ``basis`` (2, d)."""

    origin: np.ndarray
    basis: np.ndarray


@dataclass(frozen=True)
class Geometry:
    """Numbers beside the plane, over the classes that occur.

    Attributes
    ----------
    within_spread : float
        Root mean square distance of an activation from its class centre, classes weighing alike.
    centre_distance : float
        Mean distance between two class centres.
    ratio : float
        within_spread / centre_distance.
    simplex_deviation : float
        Standard deviation over mean of the distances between templates; 0 for a regular simplex.
    nc1 : float
        Tr(S_W S_B^+) / C, within-class variability collapse.
    nc2 : float
        Mean over pairs of centred class centres of ``|cosine + 1/(C - 1)|``; 0 for a simplex.
    nc2_norm : float
        Standard deviation over mean of the lengths of centred class centres.
    nc2_angle : float
        Standard deviation of the cosines.
    """

    within_spread: float
    centre_distance: float
    ratio: float
    simplex_deviation: float
    nc1: float
    nc2: float
    nc2_norm: float
    nc2_angle: float


def append_one(x: Array) -> np.ndarray:
    """Activations (n, d) with a 1 appended, (n, d + 1): what templates with a bias act on."""
    x = _matrix(x, "activations", "(n, d)")
    return np.concatenate([x, np.ones((len(x), 1))], axis=1)


def plane(templates: Array) -> Plane:
    """The affine plane through three templates (3, d), d at least 2.

    The first axis runs along the side from the first template to the second; the third lies on
    the positive side of the second axis.

    Raises
    ------
    ValueError
        If they are not three, or lie on one line.
    """
    templates = as_float64(templates, "templates")
    if templates.ndim != 2 or len(templates) != 3 or templates.shape[1] < 2:
        raise ValueError(f"A plane needs three templates, (3, d); got {templates.shape}.")
    return Plane(templates.mean(0), _orthonormal(templates) @ _sides(templates))


def project(x: Array, plane: Plane) -> np.ndarray:
    """Coordinates (n, 2) in the plane of points x (n, d), in the units of x."""
    x = as_float64(x, "x")
    if not isinstance(plane, Plane):
        raise ValueError(f"plane must be a Plane, as plane() gives; got {type(plane).__name__}.")
    if x.ndim != 2 or x.shape[1] != len(plane.origin):
        raise ValueError(
            f"x must have shape (n, {len(plane.origin)}), as wide as the templates (activations "
            f"need append_one when these carry a bias); got {x.shape}."
        )
    return (x - plane.origin) @ plane.basis.T


def project_logits(logits: Array, templates: Array) -> np.ndarray:
    """`project` from the logits of the three classes alone.

    Since x · (w_b - w_a) = z_b - z_a, two differences of logits and the templates say where
    in the plane x lies.

    Parameters
    ----------
    logits : array (n, 3)
    templates : array (3, d)
        With the bias as last column.

    Returns
    -------
    array (n, 2)
    """
    logits, templates = as_float64(logits, "logits"), as_float64(templates, "templates")
    if logits.ndim != 2 or logits.shape[1] != 3:
        raise ValueError(f"logits must be those of the three classes, (n, 3); got {logits.shape}.")
    through = plane(templates)
    along_sides = logits[:, 1:] - logits[:, :1]
    return along_sides @ _orthonormal(templates).T - through.basis @ through.origin


def geometry(activations: Array, targets: Array, templates: Array) -> Geometry:
    """Measure clusters of activations, and their templates.

    Parameters
    ----------
    activations : array (n, d)
        Penultimate activations, or their coordinates in the plane.
    targets : array of int, (n,)
        Classes, at least two of them.
    templates : array (K, d) or (K, d + 1)
        One row a class, with or without a bias; rows of classes without examples are left out.
        With coordinates in the plane, d = 2, the templates may have any width.

    Raises
    ------
    ValueError
        For arrays that do not fit, fewer than two classes, or class centres that all coincide.

    Source
    ------
    Papyan, Han and Donoho 2020 for nc1 and the three nc2.
    """
    activations = _matrix(activations, "activations", "(n, d)")
    templates = _matrix(templates, "templates", "(K, d)")
    unit = unit_of(activations)
    activations, templates = activations / unit, templates / unit_of(templates)
    d = activations.shape[1]
    if d != 2 and templates.shape[1] not in (d, d + 1):
        raise ValueError(
            f"templates must be as wide as the activations, (K, {d}), or have a bias besides, "
            f"(K, {d + 1}); got {templates.shape}."
        )
    targets = as_targets(targets, activations.shape, len(templates)).numpy()
    classes, member = np.unique(targets, return_inverse=True)
    C = len(classes)
    if C < 2:
        raise ValueError("Geometry needs examples of at least two classes.")
    weight = 1 / (C * np.bincount(member)[member])
    centres = np.stack([activations[member == c].mean(0) for c in range(C)])
    offsets = centres - centres.mean(0)
    within = activations - centres[member]

    _, sizes, axes = np.linalg.svd(offsets, full_matrices=False)
    kept = sizes > 1e-9 * max(np.abs(activations).max(), np.finfo(float).tiny)
    if not kept.any():
        raise ValueError("All class centres coincide; there is no geometry to measure.")
    between = sizes[kept] ** 2 / C
    nc1 = float((weight @ (within @ axes[kept].T) ** 2 / between).sum() / C)

    lengths = np.linalg.norm(offsets, axis=1)
    towards = offsets / np.maximum(lengths, np.finfo(float).tiny)[:, None]
    cosines = (towards @ towards.T)[np.triu_indices(C, 1)]
    spread = float(np.sqrt(weight @ (within**2).sum(1)))
    distance = float(_distances(centres).mean())
    sides = _distances(templates[classes])
    return Geometry(
        within_spread=unit * spread,
        centre_distance=unit * distance,
        ratio=spread / distance,
        simplex_deviation=float(sides.std() / sides.mean()) if sides.any() else float("nan"),
        nc1=nc1,
        nc2=float(np.abs(cosines + 1 / (C - 1)).mean()),
        nc2_norm=float(lengths.std() / lengths.mean()),
        nc2_angle=float(cosines.std()),
    )


def _matrix(x: Array, name: str, shape: str) -> np.ndarray:
    x = as_float64(x, name)
    if x.ndim != 2:
        raise ValueError(f"{name} must have shape {shape}; got {x.shape}.")
    return x


def _sides(templates: np.ndarray) -> np.ndarray:
    """The two sides of the triangle that leave the first template, (2, d)."""
    return templates[1:] - templates[0]


def _orthonormal(templates: np.ndarray) -> np.ndarray:
    """The (2, 2) matrix that turns the two sides into the plane's basis (Gram-Schmidt)."""
    u, v = _sides(templates)
    length = np.linalg.norm(u)
    if length > 0:
        along = (u @ v) / length**2
        height = np.linalg.norm(v - along * u)
        if height > 1e-9 * max(length, np.linalg.norm(v)):
            return np.array([[1 / length, 0], [-along / height, 1 / height]])
    raise ValueError(
        "The three templates lie on one line, so no single plane goes through them; "
        "choose three different classes."
    )


def _distances(points: np.ndarray) -> np.ndarray:
    return np.array([np.linalg.norm(a - b) for a, b in combinations(points, 2)])

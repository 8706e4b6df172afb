// The plane through three templates, and the geometry of the classes on it: the book's
// estimators/templates.py, from logits and the templates' inner products alone.
const lsRepresentationsMath = (() => {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

  /**
   * From the logits of three classes to the plane coordinates [x, y] of their activation.
   * `inner(j, k)` is the inner product of two of the three templates. The first axis runs along
   * the side from the first template to the second.
   */
  function plane(inner) {
    const along = (j, k) => inner(j, k) - inner(0, j) - inner(0, k) + inner(0, 0);
    const [uu, uv, vv] = [along(1, 1), along(1, 2), along(2, 2)];
    const height = Math.sqrt(vv - (uv * uv) / uu);
    const centre = [1, 2].map((side) => mean([0, 1, 2].map((k) => inner(k, side) - inner(k, 0))));
    return (z0, z1, z2) => {
      const [u, v] = [z1 - z0 - centre[0], z2 - z0 - centre[1]];
      return [u / Math.sqrt(uu), (v - (uv / uu) * u) / height];
    };
  }

  /** Corners of the triangle of three templates; `gram` (K, K) holds all inner products. */
  function corners(gram, K, classes) {
    const inner = (j, k) => gram[classes[j] * K + classes[k]];
    const at = plane(inner);
    return [0, 1, 2].map((k) => at(inner(k, 0), inner(k, 1), inner(k, 2)));
  }

  /** Examples of three classes in their plane, a list of points [x, y] a class. */
  function points(logits, targets, gram, K, classes) {
    const at = plane((j, k) => gram[classes[j] * K + classes[k]]);
    const groups = [[], [], []];
    targets.forEach((target, row) => {
      const slot = classes.indexOf(target);
      if (slot >= 0) groups[slot].push(at(...classes.map((k) => logits[row * K + k])));
    });
    return groups;
  }

  const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
  const sides = ([a, b, c]) => [distance(a, b), distance(b, c), distance(c, a)];
  const centre = (group) => [0, 1].map((axis) => mean(group.map((point) => point[axis])));

  /** Root mean square distance from the class centre, mean distance of centres, and their ratio. */
  function spread(groups) {
    const centres = groups.map(centre);
    const within = groups.map((group, k) =>
      mean(group.map((point) => distance(point, centres[k]) ** 2)),
    );
    const [wide, apart] = [Math.sqrt(mean(within)), mean(sides(centres))];
    return { spread: wide, distance: apart, ratio: wide / apart };
  }

  /** Deviation over mean of the triangle's sides; 0 where it is regular. */
  function unevenness(triangle) {
    const lengths = sides(triangle);
    const middle = mean(lengths);
    return Math.sqrt(mean(lengths.map((length) => (length - middle) ** 2))) / middle;
  }

  return { plane, corners, points, spread, unevenness };
})();

if (typeof module !== "undefined") module.exports = lsRepresentationsMath;

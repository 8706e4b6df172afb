// The book's estimators, as far as the playground shows them.
function lsMetrics() {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

  /** Top-1 confidence and correctness, and the NLL in nats, of logits (n, K). */
  function score(logits, targets, K) {
    const confidence = [];
    const correct = [];
    const losses = [];
    targets.forEach((target, row) => {
      const z = logits.subarray(row * K, (row + 1) * K);
      const best = z.reduce((top, value, k) => (value > z[top] ? k : top), 0);
      const total = z.reduce((sum, value) => sum + Math.exp(value - z[best]), 0);
      confidence.push(1 / total);
      correct.push(best === target);
      losses.push(Math.log(total) + z[best] - z[target]);
    });
    return { confidence, correct, nll: mean(losses) };
  }

  /** Expected calibration error with bins (a, b] of equal width (Guo et al. 2017, eq. 3). */
  function ece(confidence, correct, bins = 15) {
    const gaps = new Float64Array(bins);
    confidence.forEach((value, i) => {
      let bin = 0;
      while (bin < bins - 1 && value > (bin + 1) / bins) bin++;
      gaps[bin] += value - correct[i];
    });
    return gaps.reduce((sum, gap) => sum + Math.abs(gap), 0) / confidence.length;
  }

  /** Accuracy, ECE and NLL of logits (n, K). */
  function evaluate(logits, targets, K) {
    const { confidence, correct, nll } = score(logits, targets, K);
    return { accuracy: mean(correct), ece: ece(confidence, correct), nll };
  }

  /** Mutual information, nats, of means mu and lists of scored draws (paper, section 4). */
  function mutualInformation(mu, scored) {
    const squared = scored.flatMap((draws, i) => draws.map((y) => (y - mu[i]) ** 2));
    const sigma2 = mean(squared);
    const logs = scored.flat().map((y) => {
      const exponents = mu.map((m) => -((y - m) ** 2) / (2 * sigma2));
      const top = Math.max(...exponents);
      return top + Math.log(mean(exponents.map((e) => Math.exp(e - top))));
    });
    return -0.5 - mean(logs);
  }

  /** The estimate from L + 1 draws an example: the last scored afresh, or the first L reused. */
  function fromDraws(draws, form) {
    const behind = draws.map((row) => row.slice(0, -1));
    const scored = form === "fresh" ? draws.map((row) => row.slice(-1)) : behind;
    return mutualInformation(behind.map(mean), scored);
  }

  const minus = (a, b) => a.map((value, i) => value - b[i]);
  const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
  const scaled = (a, factor) => a.map((value) => value * factor);

  /** The plane through three templates: {origin, basis}, first axis along their first side. */
  function plane(templates) {
    const [first, second, third] = templates;
    const origin = first.map((_, i) => mean([first[i], second[i], third[i]]));
    const side = minus(second, first);
    const u = scaled(side, 1 / Math.sqrt(dot(side, side)));
    const other = minus(third, first);
    const height = minus(other, scaled(u, dot(other, u)));
    return { origin, basis: [u, scaled(height, 1 / Math.sqrt(dot(height, height)))] };
  }

  /** Coordinates [x, y] of a point in a plane. */
  function project(point, { origin, basis }) {
    const offset = minus(point, origin);
    return basis.map((axis) => dot(offset, axis));
  }

  /** Spread within classes over the mean distance of centres; `groups` lists points by class. */
  function spreadRatio(groups) {
    const centres = groups.map((points) => [0, 1].map((axis) => mean(points.map((p) => p[axis]))));
    const within = groups.map((points, c) =>
      mean(points.map((p) => dot(minus(p, centres[c]), minus(p, centres[c])))),
    );
    const between = [];
    centres.forEach((a, i) => {
      for (const b of centres.slice(i + 1)) between.push(Math.hypot(...minus(a, b)));
    });
    return Math.sqrt(mean(within)) / mean(between);
  }

  return { evaluate, score, ece, mutualInformation, fromDraws, plane, project, spreadRatio };
}

if (typeof module !== "undefined") module.exports = lsMetrics();

// Means over seeds, gains between students, and the softened targets of teachers.
const lsDistillation = (() => {
  const [TEACHER, ALONE, HARD, SMOOTHED, OTHER] = [0, 1, 2, 3, 4];

  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

  /** One object a run, out of the columns of a family. */
  const rows = (family) =>
    family.curve.map((curve, i) => ({
      curve, alpha: family.alpha[i], T: family.T[i], seed: family.seed[i],
      gamma: family.gamma[i], accuracy: family.accuracy[i],
    }));

  /** Mean, least and greatest seed of every point, by curve, then α, then T. */
  function summary(family) {
    const points = new Map();
    for (const row of rows(family)) {
      const key = `${row.curve} ${row.alpha} ${row.T}`;
      points.set(key, [...(points.get(key) ?? []), row]);
    }
    const made = [...points.values()].map((runs) => {
      const found = runs.map((run) => run.accuracy);
      const { curve, alpha, T } = runs[0];
      return {
        curve, alpha, T, gamma: mean(runs.map((run) => run.gamma)), mean: mean(found),
        low: Math.min(...found), high: Math.max(...found), seeds: runs.length,
      };
    });
    return made.sort((a, b) => a.curve - b.curve || a.alpha - b.alpha || a.T - b.T);
  }

  /** The T × α grid: mean accuracy, and mean gain over the hard teacher's student of one seed. */
  function grid(family) {
    const taught = rows(family).filter((row) => row.T > 0);
    const shared = new Set(taught.filter((row) => row.alpha > 0).map((row) => row.T));
    const hard = new Map();
    for (const row of taught)
      if (row.alpha === 0) hard.set(`${row.T} ${row.seed}`, row.accuracy);
    const cells = new Map();
    for (const row of taught.filter((each) => shared.has(each.T))) {
      const key = `${row.alpha} ${row.T}`;
      const cell = cells.get(key) ?? { alpha: row.alpha, T: row.T, found: [], gains: [] };
      cell.found.push(row.accuracy);
      const base = hard.get(`${row.T} ${row.seed}`);
      if (base !== undefined) cell.gains.push(row.accuracy - base);
      cells.set(key, cell);
    }
    const made = [...cells.values()].map(({ alpha, T, found, gains }) => ({
      alpha, T, accuracy: mean(found), gain: gains.length ? mean(gains) : null,
      seeds: found.length,
    }));
    return made.sort((a, b) => a.alpha - b.alpha || a.T - b.T);
  }

  /** Probabilities of row `row` of logits (n × K) at temperature T. */
  function softmax(logits, row, K, T) {
    const own = logits.subarray(row * K, (row + 1) * K);
    const top = Math.max(...own);
    const weights = Array.from(own, (z) => Math.exp((z - top) / T));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return weights.map((weight) => weight / total);
  }

  /** Equivalent smoothing: mean probability of wrong classes, times K / (K − 1). */
  function gamma(logits, targets, K, T) {
    let wrong = 0;
    for (let row = 0; row < targets.length; row++) {
      const start = row * K;
      let top = -Infinity;
      for (let k = 0; k < K; k++) top = Math.max(top, logits[start + k]);
      let [right, others] = [0, 0];
      for (let k = 0; k < K; k++) {
        const weight = Math.exp((logits[start + k] - top) / T);
        if (k === targets[row]) right = weight;
        else others += weight;
      }
      wrong += others / (right + others);
    }
    return ((wrong / targets.length) * K) / (K - 1);
  }

  return { TEACHER, ALONE, HARD, SMOOTHED, OTHER, rows, summary, grid, softmax, gamma };
})();
if (typeof module !== "undefined") module.exports = lsDistillation;

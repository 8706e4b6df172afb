// The estimate of mutual information in nats, and simulated draws where the truth is known.
const lsInformation = (() => {
  const PER_SIGMA = 16; // grid points a sigma
  const REACH = 6.5; // sigmas beyond which a kernel adds nothing
  const GRID = 40; // cells a mean, above which a grid is no help
  const SEPARATION = 100;

  /** Uniform numbers in (0, 1) from a seed (mulberry32). */
  function uniform(seed) {
    let state = seed >>> 0;
    return () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return (((mixed ^ (mixed >>> 14)) >>> 0) + 0.5) / 4294967296;
    };
  }

  /** Standard normal numbers from a seed (Box and Muller). */
  function normal(seed) {
    const next = uniform(seed);
    let kept = null;
    return () => {
      if (kept !== null) {
        const value = kept;
        kept = null;
        return value;
      }
      const radius = Math.sqrt(-2 * Math.log(next()));
      const angle = 2 * Math.PI * next();
      kept = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    };
  }

  function firstAbove(sorted, value) {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle] < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** t -> log (1/N) Σ exp(−(t − μ)²/2) for sorted means; all in sigmas. */
  function logMeanKernel(sorted) {
    return (t) => {
      let sum = 0;
      let nearest = Infinity;
      const start = firstAbove(sorted, t - REACH);
      for (let i = start; i < sorted.length && sorted[i] <= t + REACH; i++)
        sum += Math.exp(-((t - sorted[i]) ** 2) / 2);
      if (sum > 0) return Math.log(sum / sorted.length);
      for (const mean of sorted) nearest = Math.min(nearest, (t - mean) ** 2 / 2);
      return -nearest - Math.log(sorted.length);
    };
  }

  /** The same function through a cubic on a grid whose points are computed when first needed. */
  function onGrid(exact, low, cells) {
    const known = new Float64Array(cells + 4).fill(NaN);
    const at = (i) => {
      if (Number.isNaN(known[i])) known[i] = exact(low + (i - 1) / PER_SIGMA);
      return known[i];
    };
    return (t) => {
      const place = (t - low) * PER_SIGMA;
      const cell = Math.floor(place);
      const x = place - cell;
      const [a, b, c, d] = [at(cell), at(cell + 1), at(cell + 2), at(cell + 3)];
      return (
        (-a * x * (x - 1) * (x - 2)) / 6 + (b * (x + 1) * (x - 1) * (x - 2)) / 2 -
        (c * (x + 1) * x * (x - 2)) / 2 + (d * (x + 1) * x * (x - 1)) / 6
      );
    };
  }

  /** The estimate for means (N) and scored draws (N × each, row by row), with its sigma. */
  function estimate(means, scored, each = 1) {
    let squares = 0;
    let low = Infinity;
    let high = -Infinity;
    for (let i = 0; i < scored.length; i++) {
      const y = scored[i];
      squares += (y - means[Math.floor(i / each)]) ** 2;
      if (y < low) low = y;
      if (y > high) high = y;
    }
    const sigma = Math.sqrt(squares / scored.length);
    const sorted = new Float64Array(means.length);
    for (let i = 0; i < means.length; i++) sorted[i] = means[i] / sigma;
    sorted.sort();
    const cells = Math.ceil(((high - low) / sigma) * PER_SIGMA);
    const exact = logMeanKernel(sorted);
    const value = cells < GRID * means.length ? onGrid(exact, low / sigma, cells) : exact;
    let sum = 0;
    for (let i = 0; i < scored.length; i++) sum += value(scored[i] / sigma);
    return { nats: -0.5 - sum / scored.length, sigma };
  }

  /** N rows of `columns` draws around `clusters` points far apart; the same for the same seed. */
  function draws(N, columns, clusters, seed) {
    const next = normal(seed);
    const table = new Float64Array(N * columns);
    for (let i = 0; i < table.length; i++)
      table[i] = SEPARATION * (Math.floor(i / columns) % clusters) + next();
    return table;
  }

  /** Means of the first L draws of each row, and what is scored: one more draw, or those L. */
  function split(table, N, L, form) {
    const columns = table.length / N;
    const means = new Float64Array(N);
    const scored = new Float64Array(form === "fresh" ? N : N * L);
    for (let row = 0; row < N; row++) {
      const start = row * columns;
      for (let i = 0; i < L; i++) {
        means[row] += table[start + i] / L;
        if (form !== "fresh") scored[row * L + i] = table[start + i];
      }
      if (form === "fresh") scored[row] = table[start + L];
    }
    return { means, scored };
  }

  /** The estimate on drawn numbers by either form. */
  function fromDraws(table, N, L, form) {
    const { means, scored } = split(table, N, L, form);
    return estimate(means, scored, form === "fresh" ? 1 : L).nats;
  }

  /** Bias for N → ∞ where examples of a cluster are one: the Gaussian integral, in nats. */
  function bias(L, form) {
    const kernel = form === "fresh" ? 1 + 1 / L : 1 - 1 / L;
    const width = kernel + 1 / L;
    return -0.5 + 0.5 * Math.log(width / kernel) + 0.5 / width;
  }

  return { normal, estimate, draws, split, fromDraws, bias };
})();
if (typeof module !== "undefined") module.exports = lsInformation;

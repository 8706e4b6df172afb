// Calibration of a network's logits at any temperature; agrees with lsbook.estimators.calibration.
const lsCalibration = (() => {
  /** Logits (n · K) below each example's largest, that of its own class, and who is right. */
  function prepare(logits, targets) {
    const n = targets.length;
    const K = logits.length / n;
    const below = new Float32Array(logits.length);
    const right = new Uint8Array(n);
    const own = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      const start = i * K;
      let top = start;
      for (let j = start + 1; j < start + K; j++) if (logits[j] > logits[top]) top = j;
      for (let j = start; j < start + K; j++) below[j] = logits[j] - logits[top];
      right[i] = top - start === targets[i] ? 1 : 0;
      own[i] = below[start + targets[i]];
    }
    return { n, K, below, right, own };
  }

  /** Confidence of each prediction at temperature T, in single precision; mean scores in double. */
  function scored({ n, K, below, right, own }, T = 1) {
    const confidence = new Float32Array(n);
    const beta = 1 / T;
    let [nll, brier, hits] = [0, 0, 0];
    for (let i = 0; i < n; i++) {
      let [sum, squares] = [0, 0];
      for (let j = i * K; j < (i + 1) * K; j++) {
        const e = Math.exp(beta * below[j]);
        sum += e;
        squares += e * e;
      }
      const p = Math.exp(beta * own[i]) / sum;
      confidence[i] = 1 / sum;
      nll += Math.log(sum) - beta * own[i];
      brier += squares / (sum * sum) - 2 * p + 1;
      hits += right[i];
    }
    return { confidence, right, nll: nll / n, brier: brier / n, accuracy: hits / n };
  }

  /** Edges of bins (a, b] of equal width, or of equally many examples where ties allow it. */
  function edgesOf(confidence, bins, binning) {
    if (binning === "width") return Float32Array.from({ length: bins + 1 }, (_, i) => i / bins);
    const sorted = confidence.toSorted();
    const last = (i) => sorted[Math.max(0, Math.ceil((i * sorted.length) / bins) - 1)];
    const upper = new Set(Array.from({ length: bins }, (_, i) => last(i + 1)));
    return Float32Array.from([sorted[0], ...upper]);
  }

  /** The bin of a confidence: the first whose upper edge reaches it. */
  function binOf(value, edges) {
    let [low, high] = [0, edges.length - 2];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (value <= edges[middle + 1]) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** The bins that hold examples, with means over them, and the expected calibration error. */
  function reliability({ confidence, right }, bins = 15, binning = "width") {
    const edges = edgesOf(confidence, bins, binning);
    const count = new Uint32Array(edges.length - 1);
    const sure = new Float64Array(count.length);
    const hits = new Float64Array(count.length);
    for (let i = 0; i < confidence.length; i++) {
      const bin = binOf(confidence[i], edges);
      count[bin]++;
      sure[bin] += confidence[i];
      hits[bin] += right[i];
    }
    const rows = Array.from(count, (n, b) => ({
      lower: edges[b],
      upper: edges[b + 1],
      count: n,
      confidence: sure[b] / n,
      accuracy: hits[b] / n,
    })).filter((row) => row.count);
    const error = sure.reduce((sum, s, b) => sum + Math.abs(hits[b] - s), 0);
    return { rows, ece: error / confidence.length };
  }

  return { prepare, scored, reliability };
})();

if (typeof module !== "undefined") module.exports = lsCalibration;

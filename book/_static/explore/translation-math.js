// Next-word predictions in bins, curves over seeds, pieces joined to words; agrees with lsbook.
const lsTranslationMath = (() => {
  /** The bins (a, b] of equal width that hold tokens, with means over them, and the ECE. */
  function reliability(confidence, correct, bins = 15) {
    const [count, sure, right] = Array.from({ length: 3 }, () => new Float64Array(bins));
    for (let i = 0; i < confidence.length; i++) {
      const bin = Math.max(0, Math.ceil(confidence[i] * bins) - 1);
      count[bin] += 1;
      sure[bin] += confidence[i];
      right[bin] += correct[i];
    }
    const rows = Array.from(count, (n, bin) => ({
      lower: bin / bins, upper: (bin + 1) / bins, n,
      confidence: sure[bin] / n, accuracy: right[bin] / n,
    })).filter(({ n }) => n);
    const gaps = rows.map(({ n, confidence, accuracy }) => n * Math.abs(accuracy - confidence));
    return { rows, ece: gaps.reduce((sum, gap) => sum + gap, 0) / confidence.length };
  }

  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

  /** Mean, least and greatest over curves of one length, point by point. */
  function spread(curves) {
    return curves[0].map((_, i) => {
      const values = curves.map((curve) => curve[i]);
      return { mean: mean(values), low: Math.min(...values), high: Math.max(...values) };
    });
  }

  /** Tokens with their numbers as words: a list each, of one token, or of byte-pair pieces. */
  function words(tokens) {
    const pieces = tokens.some(({ token }) => token.startsWith("▁"));
    const grouped = [];
    for (const each of tokens) {
      const begins = !pieces || each.token.startsWith("▁") || !grouped.length;
      if (begins) grouped.push([]);
      grouped.at(-1).push({ ...each, token: pieces ? each.token.replace("▁", "") : each.token });
    }
    return grouped;
  }

  return { reliability, spread, mean, words };
})();

if (typeof module !== "undefined") module.exports = lsTranslationMath;

// Targets, loss and slope of label smoothing for one example whose wrong logits are all equal.
const lsSmoothingMath = (() => {
  /** Target probability of the right class and of each wrong one (the paper's definition). */
  const targets = (alpha, K) => ({ right: 1 - alpha + alpha / K, wrong: alpha / K });

  /** Cross-entropy in nats at a gap between the right logit and the wrong ones. */
  const loss = (gap, alpha, K) => {
    const shifted =
      gap < 0 ? Math.log(Math.exp(gap) + K - 1) - gap : Math.log1p((K - 1) * Math.exp(-gap));
    return shifted + (alpha * (K - 1) * gap) / K;
  };

  /** Its derivative. */
  const slope = (gap, alpha, K) => (alpha * (K - 1)) / K - (K - 1) / (Math.exp(gap) + K - 1);

  /** What the network gives the right class at a gap. */
  const probability = (gap, K) => 1 / (1 + (K - 1) * Math.exp(-gap));

  /** The gap of least loss, and that loss: the entropy of the targets. Infinite and 0 if hard. */
  function optimum(alpha, K) {
    if (!alpha) return { gap: Infinity, loss: 0 };
    const gap = Math.log(targets(alpha, K).right / targets(alpha, K).wrong);
    return { gap, loss: loss(gap, alpha, K) };
  }

  const CONVENTIONS = [
    {
      name: "uniform over K",
      wrong: (alpha, K) => alpha / K,
      right: (alpha, K) => 1 - alpha + alpha / K,
    },
    {
      name: "over the K − 1 wrong",
      wrong: (alpha, K) => alpha / (K - 1),
      right: (alpha) => 1 - alpha,
    },
    {
      name: "over K − 2, no padding",
      wrong: (alpha, K) => alpha / (K - 2),
      right: (alpha) => 1 - alpha,
    },
  ];

  /** The gap of least loss under each of three conventions, K from 3 up. */
  const conventions = (alpha, K) =>
    CONVENTIONS.map(({ name, right, wrong }) => ({
      name,
      right: right(alpha, K),
      gap: Math.log(right(alpha, K) / wrong(alpha, K)),
    }));

  /** The value that a share of the sorted values lies below, between neighbours linearly. */
  function quantile(sorted, share) {
    const place = share * (sorted.length - 1);
    const low = Math.floor(place);
    const high = Math.min(low + 1, sorted.length - 1);
    return sorted[low] + (place - low) * (sorted[high] - sorted[low]);
  }

  return { targets, loss, slope, probability, optimum, conventions, quantile };
})();

if (typeof module !== "undefined") module.exports = lsSmoothingMath;

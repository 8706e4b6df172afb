// The page's loss, slope, optimum, conventions against torch: see tests/test_explore_smoothing.py.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import test from "node:test";

const math = createRequire(import.meta.url)("../../book/_static/explore/smoothing-math.js");
const golden = JSON.parse(readFileSync(process.env.LSBOOK_GOLDEN));

const near = (actual, expected) =>
  assert.ok(
    Math.abs(actual - expected) <= 1e-9 * Math.max(1, Math.abs(expected)),
    `${actual} against ${expected}`,
  );

test("loss, slope and probability agree with cross-entropy and its gradient", () => {
  for (const { gap, alpha, K, loss, slope, probability } of golden.points) {
    near(math.loss(gap, alpha, K), loss);
    near(math.slope(gap, alpha, K), slope);
    near(math.probability(gap, K), probability);
  }
});

test("the slope vanishes at the optimum, whose loss is the entropy of the targets", () => {
  for (const { alpha, K, gap, entropy } of golden.optima) {
    const best = math.optimum(alpha, K);
    near(best.gap, gap);
    near(best.loss, entropy);
    near(math.slope(best.gap, alpha, K) + 1, 1);
  }
  assert.deepEqual(math.optimum(0, 10), { gap: Infinity, loss: 0 });
});

test("the conventions' gaps are the book's", () => {
  for (const { alpha, K, gaps } of golden.conventions)
    math.conventions(alpha, K).forEach(({ gap }, i) => near(gap, gaps[i]));
});

test("quantiles are numpy's", () => {
  for (const { sorted, share, value } of golden.quantiles)
    near(math.quantile(sorted, share), value);
});

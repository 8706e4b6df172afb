// Means, gains and softened targets of the distillation explorers, worked out by hand.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import test from "node:test";

const math = createRequire(import.meta.url)("../../book/_static/explore/distillation-math.js");
const near = (actual, expected, by = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= by, `${actual} against ${expected}`);

const family = {
  curve: [math.HARD, math.HARD, math.HARD, math.SMOOTHED, math.SMOOTHED, math.ALONE],
  alpha: [0, 0, 0, 0.1, 0.1, 0.1],
  T: [1, 1, 2, 1, 1, 0],
  seed: [0, 1, 0, 0, 2, 0],
  gamma: [0.01, 0.03, 0.2, 0.1, 0.1, 0.1],
  accuracy: [80, 82, 81, 79, 70, 75],
};

test("a point is the mean of its seeds", () => {
  const [alone, first] = math.summary(family);
  assert.equal(alone.curve, math.ALONE);
  assert.deepEqual([first.mean, first.low, first.high, first.seeds], [81, 80, 82, 2]);
  near(first.gamma, 0.02);
});

test("a gain is over the hard teacher's student of the same seed and temperature", () => {
  const cells = math.grid(family);
  assert.deepEqual(cells.map(({ alpha, T }) => [alpha, T]), [[0, 1], [0.1, 1]]);
  near(cells[1].gain, 79 - 80);
  near(cells[1].accuracy, 74.5);
});

test("a smoothed target has γ = α at T = 1 and the closed form above", () => {
  const [alpha, K] = [0.1, 10];
  const target = (k) => alpha / K + (k === 3 ? 1 - alpha : 0);
  const logits = Array.from({ length: K }, (_, k) => Math.log(target(k)));
  near(math.gamma(logits, [3], K, 1), alpha);
  const wrong = (K - 1) * Math.sqrt(alpha / K);
  near(math.gamma(logits, [3], K, 2), ((K / (K - 1)) * wrong) / (wrong + Math.sqrt(0.91)));
});

test("softmax takes its row and stands large logits", () => {
  const logits = Float32Array.from([5, 5, 5, 3000, 0, 2000]);
  math.softmax(logits, 0, 3, 4).forEach((p) => near(p, 1 / 3));
  near(math.softmax(logits, 1, 3, 1000)[0], Math.E ** 3 / (Math.E ** 3 + 1 + Math.E ** 2), 1e-6);
});

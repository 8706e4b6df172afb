// The estimate of mutual information where its value is known in closed form.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import test from "node:test";

const math = createRequire(import.meta.url)("../../book/_static/explore/information-math.js");
const near = (actual, expected, by = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= by, `${actual} against ${expected}`);

test("points far apart tell which one it was, whatever the unit", () => {
  for (const unit of [1e-3, 1, 1e3])
    for (const points of [2, 5, 40]) {
      const means = Array.from({ length: 40 }, (_, i) => unit * 100 * (i % points));
      const scored = means.map((mean, i) => mean + (i % 2 ? unit : -unit));
      near(math.estimate(means, scored).nats, Math.log(points));
      near(math.estimate(means, scored).sigma, unit, 1e-12 * unit);
    }
});

test("one point tells nothing", () => {
  const means = new Float64Array(30);
  const scored = means.map((_, i) => (i % 2 ? 2 : -2));
  near(math.estimate(means, scored).nats, 0);
});

test("a draw far from every mean is finite", () => {
  const scored = [0, 0, 0, 30];
  assert.ok(Number.isFinite(math.estimate([0, 0.1, 0.2, 0], scored).nats));
});

test("the grid agrees with the sum, term by term", () => {
  const table = math.draws(100, 8, 3, 5);
  const { means, scored } = math.split(table, 100, 8, "reused");
  const quick = math.estimate(means, scored, 8);
  let slow = 0;
  for (const y of scored) {
    let sum = 0;
    for (const mean of means) sum += Math.exp(-((y - mean) ** 2) / (2 * quick.sigma ** 2));
    slow += Math.log(sum / 100) / scored.length;
  }
  near(quick.nats, -0.5 - slow, 1e-5);
});

test("fresh scores one more draw than it averages, reused those it averages", () => {
  const table = Float64Array.from([1, 3, 10, 2, 4, 20]);
  assert.deepEqual([...math.split(table, 2, 2, "fresh").means], [2, 3]);
  assert.deepEqual([...math.split(table, 2, 2, "fresh").scored], [10, 20]);
  assert.deepEqual([...math.split(table, 2, 2, "reused").scored], [1, 3, 2, 4]);
});

test("the bias goes with one over L", () => {
  near(math.bias(5, "reused"), 0.5 * Math.log(5 / 4), 1e-12);
  near(1000 * math.bias(1000, "fresh"), -0.5, 1e-2);
  near(1000 * math.bias(1000, "reused"), 0.5, 1e-2);
});

// The page's plane and geometry against the book's: see tests/test_explore_representations.py.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import test from "node:test";

const math = createRequire(import.meta.url)("../../book/_static/explore/representations-math.js");
const cases = JSON.parse(readFileSync(process.env.LSBOOK_GOLDEN));

const near = (actual, expected) =>
  assert.ok(
    Math.abs(actual - expected) <= 1e-9 * Math.max(1, Math.abs(expected)),
    `${actual} against ${expected}`,
  );
const nearPoints = (actual, expected) => {
  assert.equal(actual.length, expected.length);
  actual.forEach((point, i) => point.forEach((value, axis) => near(value, expected[i][axis])));
};

test("logits and inner products give the projection of the activations", () => {
  for (const { logits, targets, gram, K, classes, groups } of cases) {
    const found = math.points(logits.flat(), targets, gram.flat(), K, classes);
    found.forEach((group, slot) => nearPoints(group, groups[slot]));
  }
});

test("the triangle is that of the templates", () => {
  for (const { gram, K, classes, corners, unevenness } of cases) {
    const triangle = math.corners(gram.flat(), K, classes);
    nearPoints(triangle, corners);
    near(math.unevenness(triangle), unevenness);
  }
});

test("spread, distance and their ratio are those of the estimator", () => {
  for (const { groups, spread, distance, ratio } of cases) {
    const found = math.spread(groups);
    near(found.spread, spread);
    near(found.distance, distance);
    near(found.ratio, ratio);
  }
});

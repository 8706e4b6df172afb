// The page's estimators against the book's; the golden values come from tests/test_playground.py.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import test from "node:test";

const metrics = createRequire(import.meta.url)("../../book/_static/playground/metrics.js");
const golden = JSON.parse(readFileSync(process.env.LSBOOK_GOLDEN)).metrics;

const near = (actual, expected) =>
  assert.ok(Math.abs(actual - expected) <= 1e-6, `${actual} against ${expected}`);

test("accuracy, ECE and NLL agree with the book's", () => {
  for (const { logits, targets, accuracy, ece, nll } of golden.calibration) {
    const found = metrics.evaluate(Float64Array.from(logits.flat()), targets, logits[0].length);
    near(found.accuracy, accuracy);
    near(found.ece, ece);
    near(found.nll, nll);
  }
});

test("a confidence on an edge belongs to the bin below", () => {
  for (const { confidence, correct, bins, ece } of golden.edges)
    near(metrics.ece(confidence, correct, bins), ece);
});

test("mutual information agrees with the book's, in both forms", () => {
  for (const { draws, fresh, reused } of golden.information) {
    near(metrics.fromDraws(draws, "fresh"), fresh);
    near(metrics.fromDraws(draws, "reused"), reused);
  }
});

test("the plane and the projection on it agree with the book's", () => {
  const { templates, points, projected, corners } = golden.plane;
  const plane = metrics.plane(templates);
  points.forEach((point, i) =>
    metrics.project(point, plane).forEach((value, axis) => near(value, projected[i][axis])),
  );
  templates.forEach((t, i) =>
    metrics.project(t, plane).forEach((value, axis) => near(value, corners[i][axis])),
  );
});

test("spread over distance agrees with the book's", () => {
  near(metrics.spreadRatio(golden.spread.groups), golden.spread.ratio);
});

// The explorer's estimators against the book's; the golden values come from the Python tests.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import test from "node:test";

const require = createRequire(import.meta.url);
const { prepare, scored, reliability } = require("../../book/_static/explore/calibration-math.js");
const cases = JSON.parse(readFileSync(process.env.LSBOOK_GOLDEN));

const near = (actual, expected, what) =>
  assert.ok(Math.abs(actual - expected) <= 1e-5, `${what}: ${actual} against ${expected}`);

for (const golden of cases) {
  const { T, bins, binning, logits, targets } = golden;
  test(`T = ${T}, ${bins} bins of equal ${binning}`, () => {
    const scores = scored(prepare(Float32Array.from(logits), targets), T);
    const { ece, rows } = reliability(scores, bins, binning);
    near(ece, golden.ece, "ECE");
    for (const name of ["nll", "brier", "accuracy"]) near(scores[name], golden[name], name);
    // Confidences one rounding apart may fall on either side of an edge of equal mass.
    if (binning === "mass") return;
    for (const [name, column] of Object.entries(golden.rows)) {
      assert.equal(rows.length, column.length);
      rows.forEach((row, b) => near(row[name], column[b], `${name} of bin ${b}`));
    }
  });
}

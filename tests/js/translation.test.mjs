// The page's bins and curves against the book's; golden values: tests/test_explore_translation.py.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import test from "node:test";

const math = createRequire(import.meta.url)("../../book/_static/explore/translation-math.js");
const cases = JSON.parse(readFileSync(process.env.LSBOOK_GOLDEN));

const near = (actual, expected) =>
  assert.ok(Math.abs(actual - expected) <= 1e-9, `${actual} against ${expected}`);

test("bins and ECE are those of the estimator", () => {
  for (const { confidence, correct, bins, rows, ece } of cases) {
    const found = math.reliability(confidence, correct, bins);
    near(found.ece, ece);
    assert.equal(found.rows.length, rows.length);
    found.rows.forEach((row, i) => {
      assert.equal(row.n, rows[i].n);
      for (const name of ["lower", "upper", "confidence", "accuracy"])
        near(row[name], rows[i][name]);
    });
  }
});

test("a confidence of 0 belongs to the first bin, an edge to the bin below it", () => {
  const { rows } = math.reliability([0, 0.25, 0.5, 1], [0, 0, 1, 1], 4);
  assert.deepEqual(rows.map(({ upper, n }) => [upper, n]), [[0.25, 2], [0.5, 1], [1, 1]]);
});

test("the spread over curves holds their mean and their ends at each point", () => {
  const found = math.spread([[1, 5], [3, 5], [8, 2]]);
  assert.deepEqual(found, [{ mean: 4, low: 1, high: 8 }, { mean: 4, low: 2, high: 5 }]);
});

test("byte-pair pieces join to words, words of a grammar stay apart", () => {
  const texts = (tokens) =>
    math.words(tokens.map((token) => ({ token }))).map((word) => word.map(({ token }) => token));
  assert.deepEqual(texts(["▁Ein", "▁Fuß", "ball", "."]), [["Ein"], ["Fuß", "ball", "."]]);
  assert.deepEqual(texts(["ein", "Ball", "."]), [["ein"], ["Ball"], ["."]]);
  assert.deepEqual(texts(["an", "▁", "ders"]), [["an"], ["", "ders"]]);
});

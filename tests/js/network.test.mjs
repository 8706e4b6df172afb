// The network against torch; the golden vectors come from tests/test_playground.py.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import test from "node:test";

const network = createRequire(import.meta.url)("../../book/_static/playground/network.js");
const golden = JSON.parse(readFileSync(process.env.LSBOOK_GOLDEN)).network;

const layersOf = (stored) =>
  stored.map(({ weight, bias }) => ({
    inputs: weight[0].length,
    outputs: weight.length,
    weight: Float64Array.from(weight.flat()),
    bias: Float64Array.from(bias),
  }));

function close(actual, expected, tolerance) {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) => {
    assert.ok(Math.abs(value - expected[i]) <= tolerance, `${i}: ${value} against ${expected[i]}`);
  });
}

function agree(actual, expected, tolerance) {
  actual.forEach(({ weight, bias }, depth) => {
    close(weight, expected[depth].weight.flat(), tolerance);
    close(bias, expected[depth].bias, tolerance);
  });
}

const batch = ({ x, y }) => [Float64Array.from(x.flat()), y];

for (const { alpha, batches, logits, gradients, trained } of golden.cases) {
  test(`logits and gradients at alpha ${alpha} agree with torch`, () => {
    const layers = layersOf(golden.start);
    const [x, y] = batch(batches[0]);
    const outputs = network.forward(layers, x, y.length);
    close(outputs.at(-1), logits.flat(), 1e-12);
    agree(network.backward(layers, outputs, y, alpha), gradients, 1e-12);
  });

  test(`${batches.length} steps at alpha ${alpha} agree with torch`, () => {
    const layers = layersOf(golden.start);
    const optimiser = new network.Sgd(layers, golden.lr, golden.momentum);
    for (const [x, y] of batches.map(batch)) {
      const outputs = network.forward(layers, x, y.length);
      optimiser.step(network.backward(layers, outputs, y, alpha));
    }
    agree(layers, trained, 1e-9);
  });
}

test("a seed gives the same numbers again, evenly spread", () => {
  const draw = (seed) => {
    const random = network.generator(seed);
    return Array.from({ length: 20_000 }, random.uniform);
  };
  const values = draw(7);
  assert.deepEqual(values, draw(7));
  assert.notDeepEqual(values, draw(8));
  assert.ok(values.every((value) => value >= 0 && value < 1));
  const mean = values.reduce((a, b) => a + b) / values.length;
  const square = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  assert.ok(Math.abs(mean - 1 / 2) < 0.01 && Math.abs(square - 1 / 12) < 0.005);
});

test("an order is a permutation, every place equally likely", () => {
  const random = network.generator(1);
  assert.deepEqual(
    [...random.order(50)].sort((a, b) => a - b),
    [...Array(50).keys()],
  );
  const first = [0, 0, 0];
  for (let i = 0; i < 6000; i++) first[random.order(3)[0]]++;
  for (const count of first) assert.ok(Math.abs(count - 2000) < 200);
});

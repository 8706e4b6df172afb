import assert from "node:assert/strict";
import { createRequire } from "node:module";
import test from "node:test";

const require = createRequire(import.meta.url);
const { Trainer, unpack, gather, finished } = require("../../book/_static/playground/trainer.js");
const data = unpack(require("../../book/_static/playground/data.js"));
const settings = { alpha: 0.3, seed: 1, lr: 0.2, classes: [3, 5, 8] };

function trained(steps, changes = {}) {
  const trainer = new Trainer(data, { ...settings, ...changes });
  for (let i = 0; i < steps; i++) trainer.step();
  return trainer;
}

test("both networks start from the same weights and part when one is smoothed", () => {
  const start = trained(0).snapshot();
  assert.deepEqual(start.hard, start.smoothed);
  const after = trained(20).snapshot();
  assert.equal(after.step, 20);
  assert.notEqual(after.hard.nll, after.smoothed.nll);
});

test("without smoothing both see the same batches, so they stay one network", () => {
  const { hard, smoothed } = trained(30, { alpha: 0 }).snapshot();
  assert.deepEqual(hard, smoothed);
});

test("a seed gives the same training again, another seed another one", () => {
  assert.deepEqual(trained(10).snapshot(), trained(10).snapshot());
  assert.notDeepEqual(trained(10).snapshot(), trained(10, { seed: 2 }).snapshot());
});

test("looking does not change the training", () => {
  const watched = new Trainer(data, settings);
  for (let i = 0; i < 10; i++) {
    watched.show([i % 3, 4, 9]);
    watched.snapshot();
    watched.step();
  }
  watched.show(settings.classes);
  assert.deepEqual(watched.snapshot(), trained(10).snapshot());
});

test("it learns", () => {
  const { hard, smoothed } = trained(100).snapshot();
  for (const { accuracy } of [hard, smoothed]) assert.ok(accuracy > 0.3);
});

test("an epoch takes no example twice", () => {
  const trainer = new Trainer(data, settings);
  trainer.step();
  const left = new Set(trainer.queue);
  assert.equal(left.size, data.train.n - 128);
});

test("random shifts go round by at most two points", () => {
  const part = { x: Float64Array.from({ length: 10 }, (_, i) => i), length: 10 };
  assert.deepEqual([...gather(part, [0])], [...part.x]);
  for (const by of [-2, -1, 0, 1, 2]) {
    const moved = gather(part, [0], { below: () => by + 2 });
    assert.equal(moved[(4 + by + 10) % 10], 4);
  }
  const asked = [];
  gather(part, [0, 0], { below: (n) => asked.push(n) });
  assert.deepEqual(asked, [5, 5]);
});

test("the stop rules", () => {
  const at = (step, hard, smoothed = hard) => ({
    step,
    hard: { nll: hard },
    smoothed: { nll: smoothed },
  });
  assert.equal(finished([at(0, 2), at(480, 1)], { steps: 500 }), false);
  assert.equal(finished([at(0, 2), at(500, 1)], { steps: 500 }), true);
  const stalled = { patience: 300 };
  assert.equal(finished([at(0, 2)], stalled), false);
  assert.equal(finished([at(0, 2), at(100, 1), at(399, 1.1)], stalled), false);
  assert.equal(finished([at(0, 2), at(100, 1), at(400, 1.1)], stalled), true);
  assert.equal(finished([at(0, 2), at(100, 1), at(400, 1.1, 0.9)], stalled), false);
});

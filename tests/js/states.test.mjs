// A link's values against the table of states: what it allows comes through, the rest starts anew.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import test from "node:test";

const require = createRequire(import.meta.url);
const { linkTo, linked, initially, settled } = require("../../book/_static/states.js");

const TABLE = [
  { name: "bins", kind: "range", min: 5, max: 50, step: 1, initial: 15 },
  { name: "N", kind: "range", min: 50, max: 600, step: 50, initial: 600 },
  { name: "T", kind: "range", min: 0.5, max: 4, step: 0.05, initial: 1 },
  { name: "alpha", kind: "range", values: [0.05, 0.1, 0.3], initial: 0.1 },
  { name: "network", kind: "choice", options: [{ value: 0 }, { value: 1 }], initial: 0 },
  { name: "data", kind: "choice", options: [{ value: "a" }, { value: "b/c" }], initial: "a" },
  { name: "all", kind: "switch", initial: false },
];
const INITIAL = initially(TABLE);
const reached = (query) => settled(() => TABLE, linked(`#figure?${query}`).values).state;

test("what the table allows comes through", () => {
  const wanted = { bins: 7, N: 150, T: 1.8372, alpha: 0.3, network: 1, data: "b/c", all: true };
  assert.deepEqual(reached(linkTo("figure", wanted, INITIAL).split("?")[1]), wanted);
  assert.deepEqual(reached(linkTo("figure", INITIAL, INITIAL)), INITIAL);
});

const HOSTILE = [
  "-1", "4", "51", "7.5", "1e999", "-1e999", "1e-320", "NaN", "null", "undefined", "true1", "{}",
  "[]", "[15]", '{"valueOf":1}', "constructor", "__proto__", "toString", "hasOwnProperty", "length",
  '"0"', '"15"', "", "%00", "%zz", "%3Cimg%20src=x%20onerror=alert(1)%3E", "0x10", "9007199254740993",
];

test("nothing else does, in any entry", () => {
  for (const { name } of TABLE)
    for (const value of HOSTILE) {
      const state = reached(`${name}=${value}`);
      if (!(name === "T" && value === "4"))
        assert.deepEqual(state, INITIAL, `${name}=${value}`);
    }
});

test("names that no table has, or that every object has, are ignored", () => {
  for (const name of ["constructor", "__proto__", "toString", "x", "", "bins.x"])
    for (const value of ["1", "a", '{"bins":7}']) assert.deepEqual(reached(`${name}=${value}`), INITIAL);
  const inherited = Object.create({ bins: 7 });
  assert.deepEqual(settled(() => TABLE, inherited).state, INITIAL);
});

test("a figure never sees what its table does not allow", () => {
  const seen = [];
  const tableOf = (current) => {
    seen.push(...Object.values(current));
    return TABLE;
  };
  for (const value of HOSTILE) settled(tableOf, linked(`#f?network=${value}&bins=${value}`).values);
  const allowed = new Set(Object.values(INITIAL));
  assert.deepEqual(seen.filter((value) => !allowed.has(value)), []);
});

test("an entry follows another, before it or after it", () => {
  const tableOf = ({ seed = 0, first = 3 }) => [
    { name: "alpha", kind: "range", values: seed ? [0.1, 0.3] : [0.1], initial: 0.1 },
    { name: "seed", kind: "choice", options: [{ value: 0 }, { value: 1 }], initial: 0 },
    { name: "first", kind: "choice", options: [3, 5].map((value) => ({ value })), initial: 3 },
    { name: "second", kind: "choice", initial: first === 3 ? 5 : 3,
      options: [3, 5].filter((value) => value !== first).map((value) => ({ value })) },
  ];
  const state = (given) => settled(tableOf, given).state;
  assert.deepEqual(state({ alpha: 0.3, seed: 1 }), { alpha: 0.3, seed: 1, first: 3, second: 5 });
  assert.deepEqual(state({ alpha: 0.3 }), { alpha: 0.1, seed: 0, first: 3, second: 5 });
  assert.deepEqual(state({ first: 3, second: 3 }), { alpha: 0.1, seed: 0, first: 3, second: 5 });
  assert.deepEqual(state({ first: 5 }), { alpha: 0.1, seed: 0, first: 5, second: 3 });
  assert.equal(settled(tableOf, { seed: 1 }).table[0].values.length, 2);
});

test("words need no quotes, numbers in words do", () => {
  assert.equal(linkTo("f", { x: "b/c", y: "2" }, {}), "#f?x=b/c&y=%222%22");
  assert.deepEqual(linked("#f?x=b/c&y=%222%22"), { id: "f", values: { x: "b/c", y: "2" } });
});

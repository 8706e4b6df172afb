// Two networks from the same weights on the same batches: hard targets, and smoothed at alpha.
function lsTrainer(network, metrics) {
  const WIDTHS = [40, 64, 32, 10];
  const K = WIDTHS.at(-1);
  const BATCH = 128;
  const MOMENTUM = 0.9;
  const SHIFT = 2;
  const DRAWS = 5;
  const PROBED = 60;
  const SHOWN = 100;
  const NAMES = ["hard", "smoothed"];

  /** Signals and classes of the packed set: {train, val}, each {x, y, n}. */
  function unpack({ length, scale, train, val }) {
    const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const part = ({ signals, classes }) => ({
      x: Float64Array.from(new Int8Array(bytes(signals).buffer), (level) => level * scale),
      y: Array.from(classes, Number),
      n: classes.length,
      length,
    });
    return { train: part(train), val: part(val) };
  }

  /** Rows `indices` of a part in one array, each shifted round by up to two points if `random`. */
  function gather({ x, length }, indices, random) {
    const rows = new Float64Array(indices.length * length);
    indices.forEach((index, row) => {
      const by = random ? random.below(2 * SHIFT + 1) - SHIFT : 0;
      for (let i = 0; i < length; i++)
        rows[row * length + i] = x[index * length + ((i - by + length) % length)];
    });
    return rows;
  }

  const ofClass = ({ y }, wanted, most) =>
    y.flatMap((label, index) => (label === wanted ? [index] : [])).slice(0, most);

  class Trainer {
    /** Settings: alpha, seed, lr, and classes, the three that are shown. */
    constructor(data, { alpha, seed, lr, classes }) {
      this.data = data;
      const start = network.initialise(WIDTHS, network.generator(seed));
      this.random = network.generator(seed + 1_000_003);
      this.runs = [0, alpha].map((smoothing) => {
        const layers = network.copy(start);
        return { alpha: smoothing, layers, optimiser: new network.Sgd(layers, lr, MOMENTUM) };
      });
      this.seed = seed;
      this.taken = 0;
      this.queue = [];
      this.show(classes);
    }

    /** Choose the three classes of the plane; mutual information is between the first two. */
    show(classes) {
      this.classes = classes;
      const random = network.generator(this.seed + 2_000_003);
      const probed = classes.slice(0, 2).flatMap((c) => ofClass(this.data.train, c, PROBED));
      this.probe = Array.from({ length: DRAWS + 1 }, () => gather(this.data.train, probed, random));
      this.probed = probed.length;
      this.views = ["train", "val"].map((name) => {
        const part = this.data[name];
        const groups = classes.map((c) => ofClass(part, c, SHOWN));
        return { name, sizes: groups.map((g) => g.length), x: gather(part, groups.flat()) };
      });
    }

    step() {
      if (this.queue.length < BATCH) this.queue = this.random.order(this.data.train.n);
      const indices = this.queue.splice(0, BATCH);
      const x = gather(this.data.train, indices, this.random);
      const targets = indices.map((index) => this.data.train.y[index]);
      for (const { alpha, layers, optimiser } of this.runs) {
        const outputs = network.forward(layers, x, BATCH);
        optimiser.step(network.backward(layers, outputs, targets, alpha));
      }
      this.taken++;
    }

    /** What the page draws: metrics and plane of both networks at this step. */
    snapshot() {
      const entries = this.runs.map(({ layers }, i) => [NAMES[i], this.examine(layers)]);
      return { step: this.taken, classes: this.classes, ...Object.fromEntries(entries) };
    }

    examine(layers) {
      const { x, y, n } = this.data.val;
      const logits = network.forward(layers, x, n).at(-1);
      return {
        ...metrics.evaluate(logits, y, K),
        ...this.information(layers),
        ...this.geometry(layers),
      };
    }

    information(layers) {
      const [a, b] = this.classes;
      const columns = this.probe.map((x) => network.forward(layers, x, this.probed).at(-1));
      const draws = Array.from({ length: this.probed }, (_, i) =>
        columns.map((z) => z[i * K + b] - z[i * K + a]),
      );
      return {
        fresh: metrics.fromDraws(draws, "fresh"),
        reused: metrics.fromDraws(draws, "reused"),
      };
    }

    geometry(layers) {
      const { inputs, weight, bias } = layers.at(-1);
      const templates = this.classes.map((c) => [
        ...weight.subarray(c * inputs, (c + 1) * inputs),
        bias[c],
      ]);
      const plane = metrics.plane(templates);
      const corners = templates.map((t) => metrics.project(t, plane));
      const points = {};
      for (const { name, sizes, x } of this.views) {
        const total = sizes.reduce((sum, size) => sum + size, 0);
        const hidden = network.forward(layers, x, total).at(-2);
        let row = 0;
        points[name] = sizes.map((size) =>
          Array.from({ length: size }, () => {
            const activation = hidden.subarray(row * inputs, ++row * inputs);
            return metrics.project([...activation, 1], plane);
          }),
        );
      }
      return { corners, points };
    }
  }

  /** Whether to stop: at `steps`, or once no network's NLL has fallen for `patience` steps. */
  function finished(history, { steps, patience }) {
    const last = history.at(-1)?.step ?? 0;
    if (steps) return last >= steps;
    return NAMES.every((name) => {
      const best = history.reduce((low, point) => (point[name].nll < low[name].nll ? point : low));
      return last - best.step >= patience;
    });
  }

  /** A snapshot without its points, for keeping. */
  function summary({ step, classes, ...shot }) {
    const numbers = NAMES.map((name) => {
      const { points, corners, ...kept } = shot[name];
      return [name, kept];
    });
    return { step, classes, ...Object.fromEntries(numbers) };
  }

  return { Trainer, unpack, gather, finished, summary, BATCH, NAMES };
}

if (typeof module !== "undefined")
  module.exports = lsTrainer(require("./network.js"), require("./metrics.js"));

// A small multi-layer perceptron and its optimiser, in float64. Everything lies in one function
// whose text also makes up the worker, so that the page opens from a file.
function lsNetwork() {
  /** Seeded: `uniform()` in [0, 1), `below(n)` whole, `order(n)` a permutation (mulberry32). */
  function generator(seed) {
    let state = seed >>> 0;
    const uniform = () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = Math.imul(state ^ (state >>> 15), state | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
    const below = (n) => Math.floor(uniform() * n);
    const order = (n) => {
      const made = Array.from({ length: n }, (_, i) => i);
      for (let i = n - 1; i > 0; i--) {
        const j = below(i + 1);
        [made[i], made[j]] = [made[j], made[i]];
      }
      return made;
    };
    return { uniform, below, order };
  }

  /** Layers {inputs, outputs, weight, bias}, weight row-major by output, spread as torch's. */
  function initialise(widths, random) {
    return widths.slice(1).map((outputs, i) => {
      const inputs = widths[i];
      const draw = () => (2 * random.uniform() - 1) / Math.sqrt(inputs);
      const weight = Float64Array.from({ length: outputs * inputs }, draw);
      return { inputs, outputs, weight, bias: Float64Array.from({ length: outputs }, draw) };
    });
  }

  const copy = (layers) =>
    layers.map((layer) => ({ ...layer, weight: layer.weight.slice(), bias: layer.bias.slice() }));

  const zeros = (layers) =>
    layers.map(({ weight, bias }) => ({
      weight: new Float64Array(weight.length),
      bias: new Float64Array(bias.length),
    }));

  /** The input x (n rows) and what each layer puts out; the last are logits. */
  function forward(layers, x, n) {
    const outputs = [x];
    layers.forEach((layer, depth) => {
      outputs.push(linear(layer, outputs[depth], n, depth < layers.length - 1));
    });
    return outputs;
  }

  function linear({ inputs, outputs, weight, bias }, x, n, relu) {
    const y = new Float64Array(n * outputs);
    for (let row = 0; row < n; row++)
      for (let o = 0; o < outputs; o++) {
        let sum = bias[o];
        const w = o * inputs;
        const from = row * inputs;
        for (let i = 0; i < inputs; i++) sum += weight[w + i] * x[from + i];
        y[row * outputs + o] = relu && sum < 0 ? 0 : sum;
      }
    return y;
  }

  /** Probabilities of logits (n, K). */
  function softmax(logits, K) {
    const p = new Float64Array(logits.length);
    for (let row = 0; row < logits.length; row += K) {
      let most = -Infinity;
      for (let k = 0; k < K; k++) most = Math.max(most, logits[row + k]);
      let total = 0;
      for (let k = 0; k < K; k++) total += p[row + k] = Math.exp(logits[row + k] - most);
      for (let k = 0; k < K; k++) p[row + k] /= total;
    }
    return p;
  }

  /** Gradients, shaped as the layers, of the mean cross-entropy with targets smoothed by alpha. */
  function backward(layers, outputs, targets, alpha) {
    const n = targets.length;
    const K = layers.at(-1).outputs;
    const gradients = zeros(layers);
    let delta = softmax(outputs.at(-1), K);
    for (let row = 0; row < n; row++)
      for (let k = 0; k < K; k++) {
        const target = (k === targets[row] ? 1 - alpha : 0) + alpha / K;
        delta[row * K + k] = (delta[row * K + k] - target) / n;
      }
    for (let depth = layers.length - 1; depth >= 0; depth--)
      delta = linearBackward(layers[depth], gradients[depth], outputs[depth], delta, n, depth > 0);
    return gradients;
  }

  function linearBackward({ inputs, outputs, weight }, gradient, x, delta, n, relu) {
    const back = new Float64Array(relu ? n * inputs : 0);
    for (let row = 0; row < n; row++) {
      const from = row * inputs;
      for (let o = 0; o < outputs; o++) {
        const d = delta[row * outputs + o];
        if (d === 0) continue;
        const w = o * inputs;
        gradient.bias[o] += d;
        for (let i = 0; i < inputs; i++) gradient.weight[w + i] += d * x[from + i];
        if (relu) for (let i = 0; i < inputs; i++) back[from + i] += d * weight[w + i];
      }
    }
    for (let i = 0; i < back.length; i++) if (x[i] <= 0) back[i] = 0;
    return back;
  }

  /** SGD with momentum as torch has it: v <- momentum v + g, w <- w - lr v. */
  class Sgd {
    constructor(layers, lr, momentum) {
      Object.assign(this, { layers, lr, momentum, velocity: zeros(layers) });
    }

    step(gradients) {
      this.layers.forEach((layer, depth) => {
        for (const name of ["weight", "bias"]) {
          const [w, v, g] = [layer[name], this.velocity[depth][name], gradients[depth][name]];
          for (let i = 0; i < w.length; i++) {
            v[i] = this.momentum * v[i] + g[i];
            w[i] -= this.lr * v[i];
          }
        }
      });
    }
  }

  return { generator, initialise, copy, forward, softmax, backward, Sgd };
}

if (typeof module !== "undefined") module.exports = lsNetwork();

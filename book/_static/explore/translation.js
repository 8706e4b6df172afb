// Translation: reliability of the next word, three curves against T with one marker, and sentences.
(() => {
  const { setOf, distinct, nearest } = lsExplore;
  const { picture, linear, extent, axes, text, line, band, mark, bar, plain, svg } = lsPlot;
  const { reliability, spread, mean, words } = lsTranslationMath;

  const CURVES = {
    bleu: { title: "BLEU", digits: 2, best: Math.max },
    ece: { title: "ECE", digits: 4, best: Math.min },
    nll: { title: "NLL (nats a token)", digits: 4, best: Math.min },
  };
  const SHAPES = { hard: "circle", smooth: "triangle", temperature: "square" };
  const KINDS = ["hard", "smooth"];
  const ALL = "all";
  const [GAP, WIDEST, LEFT] = [30, 330, 36];
  const WIDE = 620;
  const fixed = (value, digits) => value.toFixed(digits).replace("-", "−");
  const nameOf = (alpha) => (alpha ? `α = ${plain(alpha)}` : "hard targets");

  // ---------------------------------------------------------------------------------------- state

  const runOf = (set, alpha, seed) =>
    set.runs.find((run) => run.alpha === alpha && run.seed === seed);

  const choice = (name, label, values, initial, words = plain) => ({
    name, label, kind: "choice", initial,
    options: values.map((value) => ({ value, label: words(value) })),
  });
  const temperature = (values, initial) => ({
    name: "T", label: "temperature T", kind: "range", values, initial, format: (T) => T.toFixed(1),
  });

  const everySeed = (there) => (there.length > 1 ? [ALL, ...there] : there);
  const oneSeed = (there) => there;

  /** The chosen set; of a text that was cut to several sizes, the runs on the chosen one. */
  function sized(config, state) {
    const set = setOf(config, state);
    if (!set.sizes) return set;
    const size = set.sizes.includes(state.sentences) ? state.sentences : set.size;
    return { ...set, runs: set.runs.filter(({ sentences }) => sentences === size) };
  }

  /** The set, α and seed that a state stands for, and what else could be chosen. */
  function chosen(config, state, seeds) {
    const set = sized(config, state);
    const alphas = distinct(set.runs.map(({ alpha }) => alpha)).filter((alpha) => alpha > 0);
    const start = nearest(alphas, set.alpha ?? config.alpha);
    const alpha = alphas.includes(state.alpha) ? state.alpha : start;
    const smoothed = set.runs.filter((run) => run.alpha === alpha);
    const there = smoothed.map(({ seed }) => seed).filter((seed) => runOf(set, 0, seed));
    const options = seeds(there);
    const seed = options.includes(state.seed) ? state.seed : options[0];
    return { set, alphas, start, alpha, options, seed, shown: seed === ALL ? there : [seed] };
  }

  /** Data set, α and seed, where there is a choice. */
  function networks(config, current, seeds) {
    const { alphas, start, options } = chosen(config, current, seeds);
    const names = config.sets.map(({ name }) => name);
    const label = (name) => config.sets.find((each) => each.name === name).label;
    const seed = (value) => (value === ALL ? "all, and their mean" : String(value));
    return [
      choice("data", "data", names, names[0], label),
      choice("alpha", "α", alphas, start),
      choice("seed", "seed", options, options[0], seed),
    ].filter((entry) => entry.options.length > 1);
  }

  // ------------------------------------------------------------------------------------- the grid

  /** Panels side by side, or one below the other on a narrow page. */
  function panels(stage, count, height, draw) {
    const columns = stage.clientWidth >= WIDE ? count : 1;
    const width = Math.min(WIDEST, (stage.clientWidth - (columns - 1) * GAP) / columns);
    const high = height(width);
    const parts = Array.from({ length: count }, (_, i) => {
      const [column, row] = columns === 1 ? [0, i] : [i, 0];
      const transform = `translate(${column * (width + GAP)} ${row * high})`;
      return svg("g", { transform }, draw(i, width));
    });
    const whole = columns === 1 ? [width, count * high] : [count * (width + GAP) - GAP, high];
    stage.replaceChildren(picture(...whole, ...parts));
  }

  // ------------------------------------------------------------------- BLEU, ECE and NLL against T

  const temperatures = {
    state(config, current) {
      const { T, sizes, size } = setOf(config, current);
      const text = {
        name: "sentences", label: "training sentences", kind: "range", values: sizes, initial: size,
        format: plain,
      };
      const [data, ...others] = networks(config, current, everySeed);
      return [data, ...(sizes ? [text] : []), ...others, temperature(T, 1)];
    },
    load: async (config) => config,
    draw(stage, _, state, config) {
      const { set, alpha, shown } = chosen(config, state, everySeed);
      const at = set.T.indexOf(state.T);
      const both = [0, alpha].map((each) => curvesOf(set, each, shown));
      const names = Object.keys(CURVES);
      panels(stage, names.length, () => 270, (i, width) =>
        curvePanel(set.T, at, names[i], both, alpha, width),
      );
      const numbers = both.flatMap((curves, k) =>
        names.map((name) => ({
          of: nameOf(k && alpha), kind: KINDS[k], label: CURVES[name].title,
          value: fixed(curves[name].spread[at].mean, CURVES[name].digits),
        })),
      );
      const said = both.map((curves, k) => {
        const mean = (name) => fixed(curves[name].spread[at].mean, 3);
        const values = names.map((name) => `${CURVES[name].title} ${mean(name)}`);
        return `${nameOf(k && alpha)}: ${values.join(", ")}`;
      });
      const rows = set.T.flatMap((T, i) =>
        both.flatMap((curves, k) =>
          curves.seeds.map((seed, s) => ({
            T, alpha: k && alpha, seed,
            ...Object.fromEntries(names.map((name) => [name, curves[name].all[s][i]])),
          })),
        ),
      );
      const alt = `${set.label}, temperature ${plain(state.T)}. ${said.join(". ")}.`;
      return { numbers, rows: () => rows, alt };
    },
  };

  /** Every curve of one network: those of its seeds, and their spread. */
  function curvesOf(set, alpha, seeds) {
    const runs = seeds.map((seed) => runOf(set, alpha, seed));
    const curve = (name) => {
      const all = runs.map((run) => run[name]);
      return [name, { all, spread: spread(all) }];
    };
    return { seeds, ...Object.fromEntries(Object.keys(CURVES).map(curve)) };
  }

  function curvePanel(T, at, name, both, alpha, width) {
    const { title, best } = CURVES[name];
    const values = both.flatMap((curves) => curves[name].all.flat());
    const x = linear([T[0], T.at(-1)], [LEFT, width - 4]);
    const y = linear(extent(values, 0.08), [225, 24]);
    const grid = axes({ x, y, xTicks: [0.6, 1, 1.4, 1.8], xTitle: "temperature T", yTitle: title });
    const points = (read, list) => list.map((each, i) => [x(T[i]), y(read(each))]);
    const drawn = both.flatMap((curves, k) => {
      const kind = KINDS[k];
      const shape = SHAPES[kind];
      const { all, spread: over } = curves[name];
      const means = over.map((each) => each.mean);
      const top = means.indexOf(best(...means));
      const own = (one) => line(points((value) => value, one), `${kind} faint`);
      return [
        band(points((o) => o.high, over), points((o) => o.low, over), kind),
        ...(all.length > 1 ? all.map(own) : []),
        line(points((o) => o.mean, over), kind),
        mark(x(T[top]), y(means[top]), { kind: `hollow ${kind}`, shape, radius: 5.5 }),
        mark(x(T[at]), y(means[at]), { kind, shape, radius: 5 }),
      ];
    });
    const rule = line(y.range.map((end) => [x(T[at]), end]), "reference");
    const ends = labels(T, both.map((curves) => curves[name].spread), x, y, alpha);
    return [grid, rule, ...drawn, ...ends];
  }

  /** The two networks' names at the ends of their curves, where these lie furthest apart. */
  function labels(T, [hard, smooth], x, y, alpha) {
    const gap = (i) => Math.abs(hard[i].mean - smooth[i].mean);
    const i = gap(0) > gap(T.length - 1) ? 0 : T.length - 1;
    const hardAbove = y(hard[i].mean) <= y(smooth[i].mean);
    const anchor = i ? "end" : "start";
    return [[hard, "hard", "hard", hardAbove], [smooth, nameOf(alpha), "smooth", !hardAbove]].map(
      ([curve, name, kind, above]) => {
        const high = Math.max(y.range[1] + 10, y(curve[i].mean) - 10);
        const low = Math.min(y.range[0] - 4, y(curve[i].mean) + 19);
        return text(x(T[i]), above ? high : low, name, { anchor, kind: `name ${kind}` });
      },
    );
  }

  // -------------------------------------------------------------------- reliability of next words

  const diagrams = {
    state(config, current) {
      const set = setOf(config, current);
      return [
        ...networks(config, current, oneSeed),
        temperature(set.T, set.fitted),
        { name: "bins", label: "bins", kind: "range", min: 5, max: 50, step: 1, initial: 15 },
      ];
    },
    load: both,
    draw(stage, [hard, smooth], state, config) {
      const { set, alpha } = chosen(config, state, oneSeed);
      const row = (arrays, T) => {
        const n = arrays.shapes.token_correct[0];
        const i = set.T.indexOf(T);
        const confidence = arrays.token_confidence.subarray(i * n, (i + 1) * n);
        return reliability(confidence, arrays.token_correct, state.bins);
      };
      const shown = [
        { kind: "hard", name: "hard targets, T = 1", ...row(hard, 1) },
        { kind: "temperature", name: `hard targets, T = ${plain(state.T)}`, ...row(hard, state.T) },
        { kind: "smooth", name: `${nameOf(alpha)}, T = 1`, ...row(smooth, 1) },
      ];
      const total = hard.shapes.token_correct[0];
      const most = Math.max(...shown.flatMap(({ rows }) => rows.map(({ n }) => n)));
      const height = (width) => width + 116;
      panels(stage, shown.length, height, (i, width) => diagram(shown[i], most, width));
      return {
        numbers: shown.map(({ name, kind, ece }) => ({
          of: name, kind, label: "ECE", value: fixed(ece, 4),
        })),
        alt: `Reliability of ${total} next-word predictions, ${set.label}, ${state.bins} bins. `
          + `ECE: ${shown.map(({ name, ece }) => `${name}: ${fixed(ece, 3)}`).join("; ")}.`,
        rows: () => shown.flatMap(({ name: network, rows }) =>
          rows.map((each) => ({ network, ...each }))),
      };
    },
  };

  async function both(config, state) {
    const { set, alpha, seed } = chosen(config, state, oneSeed);
    return Promise.all([0, alpha].map((a) => lsEvaluations.load(runOf(set, a, seed).key)));
  }

  function diagram({ kind, name, rows, ece }, most, width) {
    const x = linear([0, 1], [LEFT, width - 4]);
    const y = linear([0, 1], [width - LEFT + 36, 44]);
    const below = linear([0, most], [width + 74, width + 24]);
    const ticks = [0, 0.5, 1];
    const tokens = (n) => (n >= 1000 ? `${plain(Number((n / 1000).toPrecision(2)))}k` : plain(n));
    const points = rows.map(({ confidence, accuracy }) => [x(confidence), y(accuracy)]);
    const radius = (n) => Math.max(2.2, 8 * Math.sqrt(n / most));
    return [
      text(0, 12, name, { kind }),
      axes({ x, y, xTicks: ticks, yTicks: ticks, yTitle: "accuracy" }),
      line([[x(0), y(0)], [x(1), y(1)]], "reference"),
      line(points, kind),
      ...rows.map(({ n }, i) =>
        mark(...points[i], { kind, shape: SHAPES[kind], radius: radius(n) })),
      text(x(0) + 8, y(1) + 14, `ECE ${fixed(ece, 3)}`, { kind }),
      axes({
        x, y: below, xTicks: ticks, yTicks: [0, most], yFormat: tokens, xTitle: "confidence",
      }),
      text(x(0.5), below(most) + 12, "tokens", { anchor: "middle" }),
      ...rows.map(({ lower, upper, n }) =>
        bar(x(lower) + 0.5, below(n), x(upper) - x(lower) - 1, below(0) - below(n), kind),
      ),
    ];
  }

  // ------------------------------------------------------------------------------------ sentences

  const sentences = {
    state(config, current) {
      const { sources } = setOf(config, current);
      const label = (i) => `${i + 1}: ${sources[i].split(" ").slice(0, 6).join(" ")} …`;
      return [
        ...networks(config, current, oneSeed),
        choice("sentence", "sentence", sources.map((_, i) => i), 0, label),
      ];
    },
    async load(config, state) {
      const decode = ({ sentences }) => JSON.parse(new TextDecoder().decode(sentences));
      return (await both(config, state)).map(decode);
    },
    draw(stage, data, state, config) {
      const { alpha } = chosen(config, state, oneSeed);
      const pair = data.map((samples) => samples[state.sentence]);
      const [{ source, reference }] = pair;
      stage.setAttribute("role", "group");
      const given = [...described("English", source), ...described("reference", reference)];
      stage.replaceChildren(
        html("dl", "ls-pair", ...given),
        html("div", "ls-beams", ...pair.map((one, k) => beam(one, KINDS[k], nameOf(k && alpha)))),
      );
      const numbers = pair.flatMap((sample, k) => beamNumbers(sample, k, alpha));
      const best = pair.map(({ hypotheses: [{ tokens, p }] }, k) => {
        const sure = `mean probability of a token ${fixed(mean(p), 2)}`;
        return `${nameOf(k && alpha)}: ${plainText(tokens)}, ${sure}`;
      });
      return {
        numbers, rows: () => pair.flatMap((sample, k) => tokenRows(sample, k && alpha)),
        alt: `Source: ${source} Reference: ${reference} Best hypotheses: ${best.join("; ")}.`,
      };
    },
  };

  function html(tag, className = "", ...children) {
    const made = Object.assign(document.createElement(tag), { className });
    made.append(...children);
    return made;
  }

  const described = (name, words) => [html("dt", "", name), html("dd", "", words)];
  const joined = ({ tokens, p, truth }) =>
    words(tokens.map((token, i) => ({ token, p: p[i], truth: truth?.[i] })));
  const spelled = (word) => word.map(({ token }) => token).join("");
  const plainText = (tokens) => words(tokens.map((token) => ({ token }))).map(spelled).join(" ");

  function beamNumbers({ hypotheses: [{ p }], reference_p }, k, alpha) {
    const own = { of: nameOf(k && alpha), kind: KINDS[k] };
    const nll = reference_p && -mean(reference_p.map((value) => Math.log(Math.max(value, 5e-4))));
    return [
      { ...own, label: "mean probability", value: fixed(mean(p), 3) },
      { ...own, label: "least", value: fixed(Math.min(...p), 3) },
      ...(reference_p ? [{ ...own, label: "reference: NLL", value: fixed(nll, 2) }] : []),
    ];
  }

  function tokenRows({ hypotheses }, alpha) {
    return hypotheses.flatMap(({ tokens, p, truth, score }, rank) =>
      tokens.map((token, i) => ({
        alpha, rank: rank + 1, score, position: i + 1, token, probability: p[i],
        ...(truth && { truth: truth[i] }),
      })),
    );
  }

  function beam({ hypotheses, reference_tokens, reference_p }, kind, name) {
    const items = hypotheses.map((hypothesis) => html("li", "", ...sentence(hypothesis)));
    const forced = reference_p
      ? [html("p", "ls-forced", "the reference, given its own beginning"),
         html("p", "", ...sentence({ tokens: reference_tokens, p: reference_p }))]
      : [];
    const title = html("p", "ls-network", name);
    return html("section", kind, title, html("ol", "", ...items), ...forced);
  }

  /** Words with the probability of each token below it, and in its ground. */
  function sentence({ score, ...hypothesis }) {
    const parts = joined(hypothesis).map((word) => html("span", "ls-word", ...word.map(tokenBox)));
    return score === undefined ? parts : [...parts, html("small", "", `score ${fixed(score, 2)}`)];
  }

  function tokenBox({ token, p, truth }) {
    const box = html("span", "ls-token", token || "␣", html("small", "", fixed(p, 2)));
    const known = truth !== undefined && truth !== null;
    if (known) box.append(html("small", "ls-truth", fixed(truth, 2)));
    box.style.setProperty("--sure", p);
    const aside = known ? `, true probability ${fixed(truth, 3)}` : "";
    box.title = `“${token}”: probability ${fixed(p, 3)}${aside}`;
    return box;
  }

  // --------------------------------------------------------------------------------------------

  const views = { temperatures, diagrams, sentences };
  lsExplore.register("translation", {
    state: (config, current) => views[config.view].state(config, current),
    load: (config, state) => views[config.view].load(config, state),
    draw: (stage, data, state, config) => views[config.view].draw(stage, data, state, config),
  });
})();

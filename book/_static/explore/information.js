// Explorers of the mutual-information chapter: Figure 6 with the draws behind it, and the bias.
(() => {
  const { distinct, nearest } = lsExplore;
  const { estimate, draws, split, fromDraws, bias } = lsInformation;
  const { svg, picture, linear, log, axes, text, line, marks, mark } = lsPlot;

  const LOG2 = Math.log(2);
  const FORMS = [
    { value: "fresh", label: "fresh: one more draw" },
    { value: "reused", label: "reused: one of the L" },
  ];
  const UNITS = [
    { value: "σ", label: "σ of each network" },
    { value: "logits", label: "logits" },
  ];
  const widthOf = (stage) => Math.max(280, stage.clientWidth || 640);
  const nats = (value) => `${value.toFixed(3).replace("-", "−")}`;
  const signed = (value) => (value <= -0.0005 ? "−" : "+") + Math.abs(value).toFixed(3);
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const nameOf = (alpha) => (alpha ? `α = ${alpha}` : "hard");
  const kindOf = (alpha) => (alpha ? "smooth" : "hard");

  // ------------------------------------------------------------------------------------- Figure 6

  const networkOf = ({ networks }, { network = 0 }) => networks[network] ?? networks[0];

  const figure6 = {
    state(config, current) {
      const network = networkOf(config, current);
      const alphas = distinct(network.runs.map(({ alpha }) => alpha)).filter(Boolean);
      const { steps } = network;
      return [
        { name: "network", label: "network", kind: "choice", initial: 0,
          options: config.networks.map(({ name }, value) => ({ value, label: name })) },
        ...(alphas.length ? [{ name: "alpha", label: "smoothing α", kind: "choice",
          initial: nearest(alphas, config.alpha),
          options: alphas.map((value) => ({ value, label: String(value) })) }] : []),
        { name: "form", label: "scored draw of the curves", kind: "choice", initial: "fresh",
          options: FORMS },
        { name: "tick", label: "training step", kind: "range", min: 0, max: steps.length - 1,
          step: 1, initial: steps.length - 1, steps, format: (tick) => String(steps[tick]) },
        { name: "unit", label: "unit of the draws", kind: "choice", initial: "σ", options: UNITS },
      ];
    },

    async load(config, state) {
      const network = networkOf(config, state);
      const there = new Set(network.runs.map(({ alpha }) => alpha));
      const alphas = [0, state.alpha].filter((alpha) => there.has(alpha));
      const shown = await Promise.all(alphas.map(async (alpha) => {
        const runs = network.runs.filter((run) => run.alpha === alpha);
        const key = runs.find((run) => run.key)?.key;
        return { alpha, runs, cloud: key ? await cloudOf(key, network) : null };
      }));
      return { network, shown };
    },

    draw(stage, { network, shown }, state) {
      const width = widthOf(stage);
      const parts = curves(network, shown, state, width);
      const clouds = shown.filter(({ cloud }) => cloud);
      const found = clouds.map(({ alpha, cloud }) => (
        { alpha, cloud, ...read(cloud, state.tick) }));
      const reach = Math.max(0, ...found.map(({ cloud, sigma }) =>
        state.unit === "σ" ? cloud.reachInSigmas : cloud.reach));
      const columns = width < 560 ? 1 : Math.max(1, found.length);
      const size = Math.min(320, width / columns - 56);
      found.forEach((each, i) => {
        const left = 44 + (i % columns) * (width / columns);
        const top = 390 + Math.floor(i / columns) * (size + 84);
        parts.push(...scatter(each, network, state.unit, reach, left, top, size));
      });
      const rows = Math.ceil(found.length / columns);
      const height = rows ? 390 + rows * (size + 84) - 36 : 350;
      stage.replaceChildren(picture(width, height, ...parts));
      return figure6Told(network, shown, found, state);
    },
  };

  const clouds = new Map();

  async function cloudOf(key, network) {
    if (!clouds.has(key)) {
      const { mi_mean: means, mi_scored: scored, shapes } = await lsEvaluations.load(key);
      const [ticks, N] = shapes.mi_mean;
      const cloud = { means, scored, ticks, N, reach: 0, reachInSigmas: 0 };
      for (let tick = 0; tick < Math.min(ticks, network.steps.length); tick++) {
        const part = [means, scored].map((all) => all.subarray(tick * N, (tick + 1) * N));
        const far = part[0].reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        const sigma = Math.sqrt(mean(Array.from(part[0], (mu, i) => (part[1][i] - mu) ** 2)));
        cloud.reach = Math.max(cloud.reach, far);
        cloud.reachInSigmas = Math.max(cloud.reachInSigmas, far / sigma);
      }
      clouds.set(key, cloud);
    }
    return clouds.get(key);
  }

  function read({ means, scored, N, ticks }, tick) {
    const at = Math.min(tick, ticks - 1);
    const own = means.subarray(at * N, (at + 1) * N);
    const y = scored.subarray(at * N, (at + 1) * N);
    return { means: own, scored: y, ...estimate(own, y) };
  }

  function curves({ steps, L }, shown, { form, tick }, width) {
    const all = shown.flatMap(({ runs }) => runs.flatMap((run) => run[form]));
    const floor = LOG2 + bias(L, form);
    const x = linear([0, steps.at(-1)], [40, width - (width < 480 ? 14 : 110)]);
    const y = linear([Math.min(0, ...all), 1.05 * Math.max(...all, floor)], [300, 34]);
    const across = (value, words, dy, kind = "reference") => [
      line([[x(0), y(value)], [x.range[1], y(value)]], kind),
      text(x.range[1], y(value) + dy, words, { anchor: "end", kind: "reference" }),
    ];
    const seen = `two points, as this estimate sees them: ${floor.toFixed(2)}`;
    const parts = [
      axes({ x, y, xTitle: "training step", yTitle: "estimated mutual information (nats)" }),
      ...across(LOG2, "log 2", floor > LOG2 ? 13 : -5),
      ...across(floor, seen, floor > LOG2 ? -5 : 13),
      svg("path", { class: "line reference", d: `M${x(steps[tick])} 34V300` }),
    ];
    const ends = [];
    for (const { alpha, runs } of shown) {
      const kind = kindOf(alpha);
      const along = (values) => values.map((value, i) => [x(steps[i]), y(value)]);
      for (const run of runs) parts.push(line(along(run[form]), `${kind} faint`));
      const means = steps.map((_, i) => mean(runs.map((run) => run[form][i])));
      parts.push(
        line(along(means), kind),
        mark(x(steps[tick]), y(means[tick]),
          { shape: alpha ? "triangle" : "square", radius: 5, kind }));
      const last = means.at(-1);
      ends.push({ at: y(last), words: `${nameOf(alpha)} ${last.toFixed(2)}`, kind });
    }
    ends.sort((a, b) => a.at - b.at).forEach((end, i) => {
      if (i) end.at = Math.max(end.at, ends[i - 1].at + 15);
    });
    const beside = width >= 480;
    for (const [i, { at, words, kind }] of ends.entries())
      parts.push(beside ? text(x.range[1] + 12, at, words, { dy: "0.35em", kind })
        : text(x.range[1] - 6, 276 + 15 * i, words, { anchor: "end", kind }));
    return parts;
  }

  function scatter(found, { classes }, unit, reach, left, top, size) {
    const { alpha, means, scored, sigma, nats: value } = found;
    const scale = unit === "σ" ? sigma : 1;
    const x = linear([-reach, reach], [left, left + size]);
    const y = linear([-reach, reach], [top + size, top]);
    const half = means.length / 2;
    const inside = ([px, py]) => py >= top - 4 && py <= top + size + 4;
    const points = Array.from(means, (mu, i) => [x(mu / scale), y(scored[i] / scale)]);
    const kind = kindOf(alpha);
    const title = `its scored draw y (${unit}), ${nameOf(alpha)}: ${value.toFixed(2)} nats`;
    return [
      axes({ x, y, xTicks: x.ticks(6), yTicks: y.ticks(6),
        xTitle: `mean μ of an example's draws (${unit})` }),
      text(left - 40, top - 10, title, { kind: "title" }),
      line([[left, top + size], [left + size, top]], "reference"),
      marks(points.slice(0, half).filter(inside), { shape: "circle", radius: 2, kind }),
      marks(points.slice(half).filter(inside), { shape: "triangle", radius: 2, kind: "reference" }),
      mark(left + 12, top + 12, { radius: 4, kind }),
      text(left + 22, top + 12, classes[0], { dy: "0.35em", kind }),
      mark(left + 12, top + 30, { shape: "triangle", radius: 4, kind: "reference" }),
      text(left + 22, top + 30, classes[1], { dy: "0.35em", kind: "reference" }),
    ];
  }

  function figure6Told({ name, note, steps }, shown, found, { form, tick }) {
    const numbers = shown.flatMap(({ alpha, runs }) => {
      const at = runs.map((run) => run[form][tick]);
      const own = found.find((each) => each.alpha === alpha);
      const peak = mean(runs.map((run) => Math.max(...run[form])));
      const row = { of: nameOf(alpha), kind: kindOf(alpha) };
      return [
        { ...row, label: "mean", value: nats(mean(at)) },
        { ...row, label: "peak", value: nats(peak) },
        ...(own ? [{ ...row, label: "draws below", value: nats(own.nats) },
          { ...row, label: "σ", value: own.sigma.toFixed(3) }] : []),
      ];
    });
    const words = numbers.map(({ of, label, value }) => `${of}, ${label}: ${value}`).join("; ");
    const rows = shown.flatMap(({ alpha, runs }) => runs.flatMap(({ seed, fresh, reused }) =>
      steps.map((step, i) => ({ alpha, seed, step, fresh: fresh[i], reused: reused[i] }))));
    const step = steps[tick];
    const clouds = found.flatMap(({ alpha, means, scored }) =>
      Array.from(means, (mu, i) => ({ alpha, step, example: i, mean: mu, scored: scored[i] })));
    return {
      numbers, rows: () => [...rows, ...clouds],
      alt: `Estimated mutual information in nats, ${form} draw, ${name} (${note}), ` +
        `at step ${step}. ${words}.`,
    };
  }

  // ------------------------------------------------------------------------------------- the bias

  const SETS = 6;

  const CASES = [
    { value: 1, label: "no information: all examples one point" },
    { value: 2, label: "two collapsed classes" },
    { value: 10, label: "ten points" },
    { value: "N", label: "every example a point of its own" },
  ];
  const COLOURS = { fresh: "", reused: "distil" };

  const biasView = {
    state: () => [
      { name: "known", label: "what is true", kind: "choice", initial: 2, options: CASES },
      { name: "N", label: "examples N", kind: "range", min: 50, max: 600, step: 50, initial: 600 },
      { name: "L", label: "draws L", kind: "range", min: 2, max: 30, step: 1, initial: 5 },
      { name: "form", label: "scored draw", kind: "choice", initial: "fresh", options: FORMS },
      { name: "seed", label: "simulation", kind: "range", min: 1, max: 50, step: 1, initial: 1 },
    ],

    load: (config, { known, N, L, form, seed }) => {
      const clusters = known === "N" ? N : known;
      const tables = Array.from({ length: SETS }, (_, i) =>
        draws(N, L + 1, clusters, SETS * seed + i));
      const found = tables.map((table) => fromDraws(table, N, L, form));
      return { clusters, found, first: split(tables[0], N, L, form), truth: Math.log(clusters) };
    },

    draw(stage, { clusters, found, first, truth }, { known, N, L, form }) {
      const width = widthOf(stage);
      const beside = width >= 620;
      const chart = beside ? width - 290 : width;
      const apart = known === "N";
      const expected = (at, kind) => truth + (apart ? 0 : bias(at, kind));
      const x = log([2, 30], [44, chart - 14]);
      const ends = [expected(2, "fresh"), expected(2, "reused"), ...found, truth];
      const [low, high] = [Math.min(...ends), Math.max(...ends)];
      const room = Math.max(0.12 * (high - low), 0.05);
      const y = linear([low - room, high + room], [250, 34]);
      const Ls = Array.from({ length: 57 }, (_, i) => 2 + i / 2);
      const parts = [
        axes({ x, y, xTicks: [2, 3, 5, 10, 20, 30], xTitle: "draws L behind each mean",
          yTitle: "estimate (nats)" }),
        line([[x(2), y(truth)], [x(30), y(truth)]], "reference"),
        text(x(2.15), y(truth) - 6, `truth ${truth.toFixed(3)}`, { kind: "reference" }),
      ];
      for (const { value: each } of FORMS) {
        const path = line(Ls.map((at) => [x(at), y(expected(at, each))]), COLOURS[each]);
        if (each !== form) path.style.opacity = 0.35;
        parts.push(path);
        const aside = each === "fresh" ? 22 : -4;
        if (!apart)
          parts.push(text(x(2.15), y(expected(2.15, each)) + aside, `${each}, many examples`,
            { kind: COLOURS[each] }));
      }
      const faint = { radius: 4, kind: `${COLOURS[form]} faint` };
      parts.push(...found.map((value) => mark(x(L), y(value), faint)),
        mark(x(L), y(mean(found)), { shape: "diamond", radius: 5, kind: COLOURS[form] }));
      const size = beside ? 216 : Math.min(300, width - 58);
      const [left, top] = beside ? [chart + 60, 34] : [44, 340];
      const near = linear([-4, 4], [left, left + size]);
      const up = linear([-4, 4], [top + size, top]);
      const each = form === "fresh" ? 1 : L;
      const centre = (i) => 100 * (i % clusters);
      const cloud = Array.from(first.means, (mu, i) =>
        [near(mu - centre(i)), up(first.scored[i * each] - centre(i))]);
      const inside = cloud.filter(([, py]) => py >= top && py <= top + size);
      parts.push(
        axes({ x: near, y: up, xTicks: [-4, -2, 0, 2, 4], yTicks: [-4, -2, 0, 2, 4],
          xTitle: "mean of the draws, from its point (σ)" }),
        text(left - 40, top - 10, "scored draw, from its point (σ), one set", { kind: "title" }),
        line([[near(-4), up(-4)], [near(4), up(4)]], "reference"),
        marks(inside, { radius: 2, kind: COLOURS[form] }));
      stage.replaceChildren(picture(width, top + size + 44, ...parts));
      const average = mean(found);
      const spread = Math.sqrt(mean(found.map((value) => (value - average) ** 2)));
      const numbers = [
        { label: "truth (nats)", value: nats(truth) },
        { label: `mean estimate of ${SETS} sets`, value: nats(average), kind: COLOURS[form] },
        { label: "its bias", value: signed(average - truth), kind: COLOURS[form] },
        { label: "bias for many examples", value: apart ? "none" : signed(bias(L, form)) },
        { label: "s.d. of one set", value: spread.toFixed(3) },
      ];
      return {
        numbers,
        rows: () => found.map((estimate, set) => ({ clusters, N, L, form, set, estimate, truth })),
        alt: `Simulated estimates, N = ${N}, L = ${L}, ${form} draw, ${clusters} points. ${numbers
          .map(({ label, value }) => `${label}: ${value}`).join("; ")}.`,
      };
    },
  };

  // ---------------------------------------------------------------------------------------------

  const views = { figure6, bias: biasView };
  lsExplore.register("information", {
    state: (config, current) => views[config.view].state(config, current),
    load: (config, state) => views[config.view].load(config, state),
    draw: (stage, data, state, config) => views[config.view].draw(stage, data, state, config),
  });
})();

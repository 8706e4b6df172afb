// Label smoothing itself: targets, loss and slope against the logit gap; the gaps of trained
// networks; and three conventions.
(() => {
  const { setOf, nearest, recorded } = lsExplore;
  const { picture, linear, log, axes, text, line, bar, mark, plain } = lsPlot;
  const { targets, loss, slope, probability, optimum, conventions, quantile } = lsSmoothingMath;

  const KINDS = ["hard", "smooth"];
  const NAMES = { hard: "hard targets", smooth: "smoothed" };
  const CLASSES = [
    2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 32000,
  ];
  const [WIDE, GAP] = [600, 28];
  const two = (value) => (Number.isFinite(value) ? value.toFixed(2).replace("-", "−") : "none");
  const many = (value) => value.toLocaleString("en");
  const between = (low, high, n) =>
    Array.from({ length: n + 1 }, (_, i) => low + ((high - low) * i) / n);

  /** A dashed line up and down at x, with words beside it, in view. */
  function upright(x, value, words, from, to) {
    const [left, right] = x.domain;
    if (!(value > left && value < right)) return [];
    const early = value < (left + right) / 2;
    return [
      line(
        [
          [x(value), from],
          [x(value), to],
        ],
        "reference",
      ),
      text(x(value) + (early ? 6 : -6), to + 4, words, { anchor: early ? "start" : "end" }),
    ];
  }

  // ------------------------------------------------------------------------------- the landscape

  const GAPS = [-4, 16];

  const landscapeState = ({ alpha, K }) => [
    { name: "alpha", label: "α", kind: "range", min: 0, max: 0.9, step: 0.01, initial: alpha },
    { name: "K", label: "classes K", kind: "range", values: CLASSES, initial: K, format: many },
    {
      name: "gap",
      label: "logit gap",
      kind: "range",
      min: GAPS[0],
      max: GAPS[1],
      step: 0.1,
      initial: 2,
      format: (value) => value.toFixed(1).replace("-", "−"),
    },
  ];

  function shares(width, alpha, K) {
    const x = linear([0, 1], [width < WIDE ? 112 : 130, width - 60]);
    const rows = ["the right class", "each wrong class"];
    return rows.flatMap((row, r) => {
      const top = 8 + 46 * r;
      const bars = KINDS.map((kind, k) => {
        const share = targets(kind === "hard" ? 0 : alpha, K)[r ? "wrong" : "right"];
        const y = top + 18 * k;
        const words = Number(share.toPrecision(3)).toString();
        return [
          bar(x(0), y, x(share) - x(0), 15, kind),
          text(x(share) + 6, y + 12, words, { kind }),
        ];
      });
      return [text(0, top + 20, row), ...bars.flat()];
    });
  }

  /** One curve of a quantity for hard and smoothed targets, with the reader's gap marked. */
  function curve(of, { left, top, width, height, domain, title, alpha, K, gap, names }) {
    const x = linear(GAPS, [left + 34, left + width - 6]);
    const y = linear(domain, [top + height - 40, top + 24]);
    const inside = (value) => value >= domain[0] && value <= domain[1];
    const lines = KINDS.map((kind) => {
      const own = kind === "hard" ? 0 : alpha;
      const points = between(...GAPS, 200).filter((g) => inside(of(g, own, K)));
      const here = inside(of(gap, own, K))
        ? [mark(x(gap), y(of(gap, own, K)), { kind, radius: 5 })]
        : [];
      return [
        line(
          points.map((g) => [x(g), y(of(g, own, K))]),
          `${kind} ${kind === "smooth" ? "whole" : ""}`,
        ),
        ...here,
      ];
    });
    const best = optimum(alpha, K).gap;
    const at = GAPS[1] - 0.3;
    const [hardEnd, smoothEnd] = [0, alpha].map((own) => y(of(at, own, K)));
    const apart = Math.abs(hardEnd - smoothEnd) > 12;
    const labels = KINDS.map((kind) => {
      const end = kind === "hard" ? hardEnd : smoothEnd;
      const shown = names && inside(of(at, kind === "hard" ? 0 : alpha, K));
      return shown && (apart || kind === "hard")
        ? text(x(at), end - 8, NAMES[kind], { anchor: "end", kind })
        : "";
    });
    return [
      axes({ x, y, xTitle: "logit gap", yTitle: title, xTicks: x.ticks(5), yTicks: y.ticks(5) }),
      ...upright(x, best, `least loss at ${two(best)}`, y.range[0], y.range[1]),
      ...lines.flat(),
      ...labels.filter(Boolean),
    ];
  }

  function landscapeDraw(stage, _, state) {
    const { alpha, K, gap } = state;
    const width = stage.clientWidth;
    const wide = width >= WIDE;
    const room = { width: wide ? (width - GAP) / 2 : width, height: 270, ...state };
    const top = 110;
    const parts = [
      ...shares(width, alpha, K),
      ...curve(loss, {
        ...room,
        left: 0,
        top,
        title: "loss (nats)",
        names: true,
        domain: [0, Math.max(3, 1.6 * Math.log(K))],
      }),
      ...curve(slope, {
        ...room,
        left: wide ? room.width + GAP : 0,
        top: wide ? top : top + room.height,
        title: "slope of the loss",
        domain: [-1, 1],
      }),
    ];
    stage.replaceChildren(picture(width, top + (wide ? 1 : 2) * room.height, ...parts));
    const numbers = KINDS.flatMap((kind) => {
      const own = kind === "hard" ? 0 : alpha;
      const best = optimum(own, K);
      const values = {
        "best gap": two(best.gap),
        "least loss": two(best.loss),
        "loss here": two(loss(gap, own, K)),
        "slope here": two(slope(gap, own, K)),
      };
      return Object.entries(values).map(([label, value]) => ({
        label,
        value,
        kind,
        of: kind === "hard" ? NAMES.hard : `α = ${plain(alpha)}`,
      }));
    });
    return { numbers, alt: landscapeWords(state), rows: () => landscapeRows(alpha, K) };
  }

  function landscapeWords({ alpha, K, gap }) {
    const best = optimum(alpha, K).gap;
    const least = alpha ? `the loss is least at a gap of ${two(best)}` : "the loss falls for ever";
    return (
      `With ${many(K)} classes and α = ${plain(alpha)} the right class gets ` +
      `${Number(targets(alpha, K).right.toPrecision(3))} and ${least}. ` +
      `At a gap of ${two(gap)} the network gives the right class ${two(probability(gap, K))}; ` +
      `the loss is ${two(loss(gap, alpha, K))} and its slope ${two(slope(gap, alpha, K))}, ` +
      `with hard targets ${two(loss(gap, 0, K))} and ${two(slope(gap, 0, K))}.`
    );
  }

  const landscapeRows = (alpha, K) =>
    KINDS.flatMap((kind) => {
      const own = kind === "hard" ? 0 : alpha;
      return between(...GAPS, 200).map((g) => ({
        target: kind === "hard" ? "hard" : "smoothed",
        alpha: own,
        K,
        gap: Number(g.toFixed(4)),
        loss: loss(g, own, K),
        slope: slope(g, own, K),
      }));
    });

  // ------------------------------------------------------------------ the gaps of trained networks

  function gapsState(config, current) {
    const set = setOf(config, current);
    const { seeds, alphas } = recorded(set, current);
    return [
      {
        name: "data",
        label: "network",
        kind: "choice",
        initial: config.sets[0].name,
        options: config.sets.map(({ name, label }) => ({ value: name, label })),
      },
      {
        name: "alpha",
        label: "α",
        kind: "range",
        values: alphas,
        initial: nearest(alphas, config.alpha),
      },
      {
        name: "seed",
        label: "seed",
        kind: "choice",
        initial: seeds[0],
        options: seeds.map((value) => ({ value, label: String(value) })),
      },
    ];
  }

  function gapsLoad(config, state) {
    const { runs } = setOf(config, state);
    const keys = [0, state.alpha].map(
      (alpha) => runs.find((run) => run.alpha === alpha && run.seed === state.seed).key,
    );
    return Promise.all(keys.map((key) => lsEvaluations.load(key)));
  }

  function histogram(gaps, { left, top, width, height, kind, title, domain, best, last }) {
    const bins = 60;
    const wide = (domain[1] - domain[0]) / bins;
    const counts = Array(bins).fill(0);
    for (const gap of gaps) counts[Math.min(bins - 1, Math.floor((gap - domain[0]) / wide))]++;
    const x = linear(domain, [left + 40, left + width - 6]);
    const y = linear([0, 1.15 * Math.max(...counts)], [top + height, top + 10]);
    const bars = counts.map((count, i) =>
      count
        ? bar(x(domain[0] + i * wide), y(count), x(wide) - x(0) - 0.6, y(0) - y(count), kind)
        : "",
    );
    return [
      axes({
        x,
        y,
        xTicks: x.ticks(8),
        yTicks: y.ticks(3),
        xTitle: last ? "logit gap: right − mean of wrong" : "",
      }),
      ...bars.filter(Boolean),
      ...upright(x, best, `least loss at ${two(best)}`, y.range[0], y.range[1]),
      text(left + 44, top + 4, title, { kind }),
    ];
  }

  function gapsDraw(stage, data, state, config) {
    const set = setOf(config, state);
    const width = stage.clientWidth;
    const all = data.map(({ gap }) => Float32Array.from(gap).sort());
    const domain = [
      Math.min(...all.map((gap) => gap[0])),
      Math.max(...all.map((gap) => gap.at(-1))),
    ];
    const alphas = [0, state.alpha];
    const titles = alphas.map((alpha) => (alpha ? `α = ${plain(alpha)}` : NAMES.hard));
    const best = alphas.map((alpha) => optimum(alpha, set.K).gap);
    const height = 130;
    const parts = all.flatMap((gap, i) =>
      histogram(gap, {
        left: 0,
        top: 12 + i * (height + 44),
        width,
        height,
        kind: KINDS[i],
        title: i ? titles[i] : `${titles[i]} · training examples`,
        domain,
        best: best[i],
        last: i === 1,
      }),
    );
    stage.replaceChildren(picture(width, 2 * (height + 44) + 16, ...parts));
    const quartiles = all.map((gap) => [0.25, 0.5, 0.75].map((share) => quantile(gap, share)));
    const numbers = quartiles.flatMap(([low, middle, high], i) =>
      Object.entries({
        "25 %": low,
        median: middle,
        "75 %": high,
        "best gap": best[i],
      }).map(([label, value]) => ({ label, value: two(value), of: titles[i], kind: KINDS[i] })),
    );
    const words = quartiles.map(
      ([low, , high], i) =>
        `${titles[i]}: half of the gaps lie between ${two(low)} and ${two(high)}`,
    );
    const least = `the loss is least at ${two(best[1])}`;
    const told = [...words, least].join("; ");
    return {
      numbers,
      alt: `Histograms of the logit gaps of training examples, ${set.label}. ${told}.`,
      rows: () => all.flatMap((gap, i) =>
        Array.from(gap, (value) => ({ alpha: alphas[i], gap: Number(value.toFixed(4)) })),
      ),
    };
  }

  // -------------------------------------------------------------------------------- conventions

  const DASHES = ["none", "8 4", "2 3"];
  const KS = CLASSES.filter((K) => K >= 3 && K <= 300);

  const conventionsState = ({ alpha, K }) => [
    { name: "alpha", label: "α", kind: "range", min: 0.01, max: 0.95, step: 0.01, initial: alpha },
    { name: "K", label: "classes K", kind: "range", values: KS, initial: K, format: many },
  ];

  function conventionsDraw(stage, _, { alpha, K }) {
    const width = stage.clientWidth;
    const height = 280;
    const all = KS.map((k) => conventions(alpha, k).map(({ gap }) => gap));
    const values = all.flat();
    const x = log([3, 300], [40, width - 8]);
    const y = linear([Math.min(0, ...values), Math.max(...values) + 0.5], [height - 40, 24]);
    const lines = DASHES.map((dash, i) => {
      const made = line(
        KS.map((k, j) => [x(k), y(all[j][i])]),
        "smooth",
      );
      made.style.strokeDasharray = dash;
      return made;
    });
    const here = conventions(alpha, K);
    const key = here.flatMap(({ name }, i) => {
      const row = height + 14 + 20 * i;
      const sample = line(
        [
          [40, row],
          [76, row],
        ],
        "smooth",
      );
      sample.style.strokeDasharray = DASHES[i];
      return [sample, text(84, row + 4, name)];
    });
    const dots = here.map(({ gap }) => mark(x(K), y(gap), { kind: "smooth", radius: 4 }));
    const frame = axes({ x, y, xTitle: "classes K", yTitle: "logit gap of least loss" });
    stage.replaceChildren(picture(width, height + 64, frame, ...lines, ...dots, ...key));
    const numbers = here.flatMap(({ name, right, gap }) => [
      { label: "right class gets", value: Number(right.toPrecision(3)).toString(), of: name },
      { label: "best gap", value: two(gap), of: name },
    ]);
    const words = here.map(({ name, gap }) => `${name}: ${two(gap)}`).join("; ");
    const setting = `${many(K)} classes at α = ${plain(alpha)}`;
    return {
      numbers,
      alt: `Gap of least loss with ${setting}, by convention. ${words}.`,
      rows: () => KS.flatMap((k) =>
        conventions(alpha, k).map(({ name, gap }) => ({ alpha, K: k, convention: name, gap })),
      ),
    };
  }

  // --------------------------------------------------------------------------------------- views

  const nothing = async () => true;
  const VIEWS = {
    landscape: { state: landscapeState, load: nothing, draw: landscapeDraw },
    gaps: { state: gapsState, load: gapsLoad, draw: gapsDraw },
    conventions: { state: conventionsState, load: nothing, draw: conventionsDraw },
  };
  lsExplore.register("smoothing", {
    state: (config, current) => VIEWS[config.view].state(config, current),
    load: (config, current) => VIEWS[config.view].load(config, current),
    draw: (stage, data, current, config) => VIEWS[config.view].draw(stage, data, current, config),
  });
})();

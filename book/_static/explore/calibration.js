// The reliability diagram: a hard and a smoothed network, and one of the two at any temperature.
(() => {
  const { setOf, distinct, nearest } = lsExplore;
  const { prepare, scored, reliability } = lsCalibration;
  const { svg, picture, linear, axes, text, line, mark, bar } = lsPlot;
  const LOOKS = {
    hard: { kind: "hard", shape: "circle", sign: "●" },
    scaled: { kind: "temperature", shape: "square", sign: "■" },
    smooth: { kind: "smooth", shape: "triangle", sign: "▲" },
  };
  const SIDE = 400;
  const WIDE = 600;
  const networks = new Map();

  // ------------------------------------------------------------------------------------- the state

  const choices = (values) => values.map((value) => ({ value, label: String(value) }));

  function state(config, current) {
    const set = setOf(config, current);
    const smoothed = set.runs.filter(({ alpha }) => alpha > 0);
    const seeds = distinct(smoothed.map(({ seed }) => seed));
    const seed = seeds.includes(current.seed) ? current.seed : nearest(seeds, config.seed);
    const alphas = distinct(smoothed.filter((run) => run.seed === seed).map(({ alpha }) => alpha));
    const several = (values, entry) => (values.length > 1 ? [entry] : []);
    return [
      ...several(config.sets, {
        name: "data", label: "data and network", kind: "choice",
        options: config.sets.map(({ name, label }) => ({ value: name, label })),
        initial: config.sets[0].name,
      }),
      ...several(seeds, {
        name: "seed", label: "seed", kind: "choice", options: choices(seeds), more: true,
        initial: nearest(seeds, config.seed),
      }),
      ...several(alphas, {
        name: "alpha", label: "smoothing α", kind: "range", values: alphas,
        initial: nearest(alphas, config.alpha),
      }),
      {
        name: "T", label: "temperature T", kind: "range", min: 0.5, max: 4, step: 0.05,
        initial: set.T, format: (T) => T.toFixed(2),
      },
      {
        name: "scales", label: "T divides the logits of", kind: "choice", initial: "hard", more: true,
        options: [
          { value: "hard", label: "the hard network" },
          { value: "smooth", label: "the smoothed network" },
        ],
      },
      {
        name: "bins", label: "bins", kind: "range", min: 5, max: 50, step: 1, initial: 15, more: true,
      },
      {
        name: "binning", label: "of equal", kind: "choice", initial: "width", more: true,
        options: [{ value: "width", label: "width" }, { value: "mass", label: "mass" }],
      },
    ];
  }

  /** The hard and the smoothed run that the state asks for. */
  function pairOf(config, current) {
    const { runs } = setOf(config, current);
    const find = (alpha, seed) => runs.find((run) => run.alpha === alpha && run.seed === seed);
    const smoothed = runs.filter(({ alpha }) => alpha > 0);
    const seed = current.seed ?? smoothed[0].seed;
    return { hard: find(0, seed), smooth: find(current.alpha ?? smoothed[0].alpha, seed) };
  }

  // -------------------------------------------------------------------------------------- the data

  function network({ key }) {
    if (!networks.has(key)) {
      const made = lsEvaluations.load(key).then(({ val_logits, val_targets }) => {
        const prepared = prepare(val_logits, val_targets);
        return { prepared, plain: scored(prepared), last: {} };
      });
      made.catch(() => networks.delete(key));
      networks.set(key, made);
    }
    return networks.get(key);
  }

  async function load(config, current) {
    const pair = pairOf(config, current);
    const [hard, smooth] = await Promise.all([pair.hard, pair.smooth].map(network));
    return { hard: { ...pair.hard, ...hard }, smooth: { ...pair.smooth, ...smooth } };
  }

  // ----------------------------------------------------------------------------------- the drawing

  /** Scores at T, kept until another T is asked for. */
  function scaled({ prepared, last }, T) {
    if (last.T !== T) Object.assign(last, { T, scores: scored(prepared, T) });
    return last.scores;
  }

  function seriesOf(data, { T, bins, binning, scales }) {
    const names = { hard: "hard targets", smooth: `smoothing, α = ${data.smooth.alpha}` };
    const made = (look, name, T, scores) => ({
      ...LOOKS[look], name, T, ...scores, ...reliability(scores, bins, binning),
    });
    const other = data[scales];
    const short = { hard: "hard", smooth: `α = ${other.alpha}` }[scales];
    return [
      made("hard", names.hard, 1, data.hard.plain),
      made("scaled", `${short}, T = ${T.toFixed(2)}`, T, scaled(other, T)),
      made("smooth", names.smooth, 1, data.smooth.plain),
    ];
  }

  function diagram(series, left, top, side) {
    const x = linear([0, 1], [left, left + side]);
    const y = linear([0, 1], [top + side, top]);
    const most = Math.max(...series.flatMap(({ rows }) => rows.map(({ count }) => count)));
    const radius = (count) => 2 + 5 * Math.sqrt(count / most);
    const at = ({ confidence, accuracy }) => [x(confidence), y(accuracy)];
    return svg(
      "g", {},
      axes({ x, y, xTitle: "confidence, mean of the bin", yTitle: "accuracy in the bin" }),
      line([[x(0), y(0)], [x(1), y(1)]], "reference"),
      text(x(1), top - 10, "perfect calibration", { kind: "reference", anchor: "end" }),
      text(x(0.03), y(0.94), "too modest", { kind: "reference" }),
      text(x(0.97), y(0.04), "over-confident", { kind: "reference", anchor: "end" }),
      series.map(({ kind, rows }) => line(rows.map(at), `${kind} thin`)),
      series.flatMap(({ kind, shape, rows }) =>
        rows.map((row) => mark(...at(row), { shape, kind, radius: radius(row.count) })),
      ),
    );
  }

  function counts(series, left, top, width, height) {
    const most = Math.max(...series.flatMap(({ rows }) => rows.map(({ count }) => count)));
    const x = linear([0, 1], [left, left + width]);
    const strip = height / series.length;
    return series.map(({ kind, rows }, i) => {
      const floor = top + (i + 1) * strip - 16;
      const y = linear([0, most], [floor, floor - strip + 30]);
      const last = i === series.length - 1;
      return svg(
        "g", {},
        axes({
          x, y, yTicks: [0, y.ticks(3).at(-1)], xFormat: last ? undefined : () => "",
          xTitle: last ? "confidence" : "", yTitle: i ? "" : "examples in the bin",
        }),
        rows.map(({ lower, upper, count }) =>
          bar(x(lower), y(count), Math.max(1, x(upper) - x(lower) - 0.5), floor - y(count), kind),
        ),
      );
    });
  }

  function drawn(series, room) {
    const wide = room >= WIDE;
    const side = wide ? Math.min(SIDE, room * 0.55) : Math.min(SIDE, room - 46);
    const [left, top] = [38, 26];
    if (wide) {
      const beside = left + side + 70;
      const width = Math.min(300, room - beside - 8);
      return picture(
        beside + width + 8, top + side + 44,
        diagram(series, left, top, side), counts(series, beside, top, width, side + 16),
      );
    }
    const below = top + side + 74;
    return picture(
      room, below + 270, diagram(series, left, top, side), counts(series, left, below, side, 240),
    );
  }

  function draw(stage, data, current, config) {
    const series = seriesOf(data, current);
    stage.replaceChildren(drawn(series, stage.clientWidth));

    const percent = (share) => `${(100 * share).toFixed(1)} %`;
    const numbers = series.flatMap(({ sign, name, kind, ece, nll, brier, accuracy }) => {
      const of = `${sign} ${name}`;
      return [
        { of, kind, label: "ECE", value: ece.toFixed(4) },
        { of, kind, label: "NLL (nats)", value: nll.toFixed(4) },
        { of, kind, label: "Brier", value: brier.toFixed(4) },
        { of, kind, label: "accuracy", value: percent(accuracy) },
      ];
    });
    const words = series.map(
      ({ name, ece, nll, accuracy }) =>
        `${name}: ECE ${ece.toFixed(4)}, NLL ${nll.toFixed(4)}, accuracy ${percent(accuracy)}`,
    );
    const { bins, binning } = current;
    const what = `${setOf(config, current).label}, ${bins} bins of equal ${binning}`;
    const row = (name, T) => (bin) => ({ network: name, T, ...bin });
    const { best } = data[current.scales];
    return {
      numbers,
      alt: `Reliability diagram, ${what}. ${words.join("; ")}.`,
      rows: () => series.flatMap(({ name, T, rows }) => rows.map(row(name, T))),
      marks: best ? { T: [{ value: best, label: `least NLL: ${best.toFixed(2)}` }] } : {},
    };
  }

  lsExplore.register("calibration", { state, load, draw });
})();

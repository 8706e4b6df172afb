// Measured quantities against α: every seed, their mean, and a band from the least to the greatest.
(() => {
  const { picture, linear, axes, text, line, band, mark, plain, smooth } = lsPlot;
  const WIDE = 560;
  const GAP = 24;
  const HEIGHT = 280;
  const FEW = 4;

  const setOf = ({ sets }, { data }) => sets.find(({ name }) => name === data) ?? sets[0];
  const distinct = (values) => [...new Set(values)].sort((a, b) => a - b);
  const average = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

  function state({ sets }) {
    const options = sets.map(({ name, label }) => ({ value: name, label }));
    const picker = { name: "data", label: "data and network", kind: "choice", options };
    return sets.length > 1 ? [{ ...picker, initial: options[0].value }] : [];
  }

  /** A series' values of each α that has any, and their mean. */
  function measured(runs, { name }) {
    const found = runs.filter((run) => run[name] !== null);
    return distinct(found.map(({ alpha }) => alpha)).map((alpha) => {
      const values = found.filter((run) => run.alpha === alpha).map((run) => run[name]);
      return { alpha, values, mean: average(values) };
    });
  }

  function drawnSeries(series, points, runs, x, y) {
    const { name, kind, shape } = series;
    const at = (value) => points.map((point) => [x(point.alpha), y(value(point))]);
    const seeds = distinct(runs.map(({ seed }) => seed)).map((seed) => {
      const own = runs.filter((run) => run.seed === seed && run[name] !== null);
      return line(own.map((run) => [x(run.alpha), y(run[name])]), `${kind} faint`);
    });
    const dots = points.map(({ alpha, mean }) => {
      const dot = mark(x(alpha), y(mean), { shape, kind });
      if (kind === "smooth") dot.style.setProperty("--idea", smooth(alpha));
      return dot;
    });
    const most = at(({ values }) => Math.max(...values));
    const least = at(({ values }) => Math.min(...values));
    const means = line(at(({ mean }) => mean), `${kind} whole`);
    return [band(most, least, kind), ...seeds, means, ...dots];
  }

  function panel({ title, series, paper = [], rule }, runs, left, top, width) {
    const found = series.map((each) => measured(runs, each));
    const alphas = [...runs, ...paper].map(({ alpha }) => alpha);
    const values = found.flat().flatMap((point) => point.values);
    const highest = Math.max(...values, ...paper.map(({ value }) => value), rule ?? 0);
    const far = Math.max(0.1, ...alphas);
    const x = linear([-0.04 * far, far], [left + 36, left + width - 10]);
    const y = linear([0, 1.08 * highest], [top + HEIGHT - 44, top + 24]);
    const published = paper.map(({ alpha, value }) =>
      mark(x(alpha), y(value), { shape: "diamond", kind: "paper" }),
    );
    const names = series.length > 1 ? series.map((each, i) => {
      const { alpha, mean } = found[i].at(-1);
      const look = { anchor: "end", kind: each.kind };
      return text(x(alpha) - 8, y(mean) + (i ? 18 : -10), each.label, look);
    }) : [];
    return [
      axes({ x, y, xTicks: x.ticks(4).filter((tick) => tick >= 0), xTitle: "label smoothing α", yTitle: title }),
      ...(rule ? [line(x.range.map((end) => [end, y(rule)]), "reference")] : []),
      ...series.flatMap((each, i) => drawnSeries(each, found[i], runs, x, y)),
      ...published,
      ...names,
    ];
  }

  /** All strengths where there are few; else none, that of the least mean, and the greatest. */
  function telling(points) {
    if (points.length <= FEW) return points.map(({ alpha }) => alpha);
    const least = points.reduce((a, b) => (b.mean < a.mean ? b : a));
    return [points[0], least, points.at(-1)].map(({ alpha }) => alpha);
  }

  function draw(stage, _, current, config) {
    const { runs, label } = setOf(config, current);
    const room = stage.clientWidth;
    const columns = room < WIDE ? 1 : config.panels.length;
    const width = (room - (columns - 1) * GAP) / columns;
    const parts = config.panels.flatMap((each, i) =>
      panel(each, runs, (i % columns) * (width + GAP), Math.floor(i / columns) * HEIGHT, width),
    );
    const height = HEIGHT * Math.ceil(config.panels.length / columns);
    stage.replaceChildren(picture(room, height, ...parts));

    const all = config.panels.flatMap(({ series }) => series);
    const means = all.map((series) => measured(runs, series));
    const numbers = all.flatMap(({ label: of, kind }, i) =>
      means[i]
        .filter(({ alpha }) => telling(means[0]).includes(alpha))
        .map(({ alpha, mean }) => ({
          of, kind, label: `α = ${plain(alpha)}`, value: mean.toFixed(3),
        })),
    );
    const told = all.map(({ label: of }, i) => {
      const values = means[i].map(({ alpha, mean }) => `${mean.toFixed(3)} at ${plain(alpha)}`);
      return `${of} ${values.join(", ")}`;
    });
    const alt = `${label}, means over seeds against α: ${told.join("; ")}.`;
    return { numbers, alt, rows: () => runs };
  }

  lsExplore.register("sweep", { state, load: async () => true, draw });
})();

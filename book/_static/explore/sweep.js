// Measured quantities against α: every seed, their mean, and the band from least to greatest.
(() => {
  const { setOf } = lsExplore;
  const { picture, linear, axes, text, line, mark, pooled, overSeeds, plain } = lsPlot;
  const WIDE = 560;
  const GAP = 24;
  const HEIGHT = 280;
  const FEW = 4;

  function state({ sets }) {
    const options = sets.map(({ name, label }) => ({ value: name, label }));
    const picker = { name: "data", label: "data and network", kind: "choice", options };
    return sets.length > 1 ? [{ ...picker, initial: options[0].value }] : [];
  }

  /** Names of lines, each above its own, at the end of α where they are farther apart. */
  function named(series, found, x, y) {
    if (series.length < 2) return [];
    const ends = [0, -1].map((end) => found.map((points) => points.at(end)));
    const [first, last] = ends.map((points) => {
      const means = points.map(({ mean }) => mean);
      return Math.max(...means) - Math.min(...means);
    });
    const [at, anchor, beside] = first > last ? [ends[0], "start", 8] : [ends[1], "end", -8];
    return at.map(({ alpha, mean }, i) => {
      const { label, kind } = series[i];
      return text(x(alpha) + beside, y(mean) - 10, label, { anchor, kind });
    });
  }

  function panel({ title, series, paper: all = [], rule }, { name, runs }, left, top, width) {
    const paper = all.filter(({ set }) => set === name);
    const found = series.map((each) => pooled(runs, each.name));
    const alphas = [...runs, ...paper].map(({ alpha }) => alpha);
    const values = found.flat().flatMap((point) => point.values);
    const highest = Math.max(...values, ...paper.map(({ value }) => value), rule ?? 0);
    const far = Math.max(0.1, ...alphas);
    const x = linear([-0.04 * far, far], [left + 36, left + width - 10]);
    const y = linear([0, 1.08 * highest], [top + HEIGHT - 44, top + 24]);
    const published = paper.map(({ alpha, value }) =>
      mark(x(alpha), y(value), { shape: "diamond", kind: "paper" }),
    );
    return [
      axes({
        x, y, xTicks: x.ticks(4).filter((tick) => tick >= 0), xTitle: "label smoothing α",
        yTitle: title,
      }),
      ...(rule ? [line(x.range.map((end) => [end, y(rule)]), "reference")] : []),
      ...series.flatMap((each) => overSeeds(runs, each, x, y)),
      ...published,
      ...named(series, found, x, y),
    ];
  }

  /** All strengths where there are few; else none, that of the least mean, and the greatest. */
  function telling(points) {
    if (points.length <= FEW) return points.map(({ alpha }) => alpha);
    const least = points.reduce((a, b) => (b.mean < a.mean ? b : a));
    return [points[0], least, points.at(-1)].map(({ alpha }) => alpha);
  }

  function draw(stage, _, current, config) {
    const set = setOf(config, current);
    const { runs, label } = set;
    const room = stage.clientWidth;
    const columns = room < WIDE ? 1 : config.panels.length;
    const width = (room - (columns - 1) * GAP) / columns;
    const parts = config.panels.flatMap((each, i) =>
      panel(each, set, (i % columns) * (width + GAP), Math.floor(i / columns) * HEIGHT, width),
    );
    const height = HEIGHT * Math.ceil(config.panels.length / columns);
    stage.replaceChildren(picture(room, height, ...parts));

    const all = config.panels.flatMap(({ series }) => series);
    const means = all.map(({ name }) => pooled(runs, name));
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

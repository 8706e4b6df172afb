// Any three classes of a trained network on the plane through their templates, hard beside smoothed.
(() => {
  const { svg, picture, linear, axes, text, marks, mark, plain } = lsPlot;
  const { corners, points, spread, unevenness } = lsRepresentationsMath;

  const PARTS = { train: "training", val: "validation" };
  const NETWORKS = ["hard", "smooth"];
  const SHAPES = ["circle", "square", "triangle"];
  const SCALES = [
    { value: "all", label: "all four planes" },
    { value: "network", label: "each network" },
    { value: "panel", label: "each plane" },
  ];
  const [WIDEST, GAP, TOP, MARGIN] = [330, 20, 26, 22];
  const POSITIONS = ["first", "second", "third"];

  const unique = (values) => [...new Set(values)];
  const options = (values, name = plain) => values.map((value) => ({ value, label: name(value) }));

  // -------------------------------------------------------------------------------------- state

  const setOf = (config, state) => config.sets.find(({ name }) => name === state.data) ?? config.sets[0];

  function nearest(values, value) {
    return values.reduce((best, other) => (Math.abs(other - value) < Math.abs(best - value) ? other : best));
  }

  function state(config, current) {
    const set = setOf(config, current);
    const seeds = unique(set.runs.map(({ seed }) => seed));
    const seed = seeds.includes(current.seed) ? current.seed : seeds[0];
    const alphas = set.runs.filter((run) => run.seed === seed && run.alpha > 0).map(({ alpha }) => alpha);
    return [
      { name: "data", label: "network", kind: "choice", initial: config.sets[0].name,
        options: config.sets.map(({ name, label }) => ({ value: name, label })) },
      { name: "alpha", label: "α", kind: "range", values: alphas, initial: nearest(alphas, config.alpha) },
      ...classPickers(set, current),
      { name: "seed", label: "seed", kind: "choice", options: options(seeds), initial: seeds[0] },
      { name: "scale", label: "one scale for", kind: "choice", options: SCALES, initial: "all" },
    ];
  }

  /** Three pickers, each without the classes picked before it. */
  function classPickers(set, current) {
    const taken = [];
    return POSITIONS.map((name, slot) => {
      const free = set.classes.map((_, k) => k).filter((k) => !taken.includes(k));
      const initial = [set.shown[slot], ...free].find((k) => free.includes(k));
      taken.push(free.includes(current[name]) ? current[name] : initial);
      return { name, label: `${name} class`, kind: "choice", initial,
        options: options(free, (k) => set.classes[k]) };
    });
  }

  // --------------------------------------------------------------------------------------- data

  async function load(config, state) {
    const set = setOf(config, state);
    const runs = [0, state.alpha].map((alpha) =>
      set.runs.find((run) => run.alpha === alpha && run.seed === state.seed),
    );
    return Promise.all(runs.map(({ key }) => lsEvaluations.load(key)));
  }

  /** Triangle, points and numbers of one network; a part that it does not keep is null. */
  function projected(arrays, classes) {
    const K = arrays.shapes.gram[0];
    const gram = arrays.gram.map((value, i) => value + arrays.gram_rest[i]);
    const triangle = corners(gram, K, classes);
    const parts = Object.keys(PARTS).map((part) => {
      const logits = arrays[`${part}_logits`];
      if (!logits) return null;
      const groups = points(logits, arrays[`${part}_targets`], gram, K, classes);
      return { groups, ...spread(groups) };
    });
    return { triangle, parts, unevenness: unevenness(triangle) };
  }

  // ------------------------------------------------------------------------------------ drawing

  /** The square around some points, centre and half a side. */
  function square(all) {
    const [low, high] = [Math.min, Math.max].map((end) =>
      [0, 1].map((axis) => all.reduce((most, point) => end(most, point[axis]), all[0][axis])),
    );
    const half = 0.56 * Math.max(high[0] - low[0], high[1] - low[1]);
    return { centre: [0, 1].map((axis) => (low[axis] + high[axis]) / 2), half };
  }

  const everything = ({ triangle }, parts) => [...triangle, ...parts.flatMap((part) => part?.groups.flat() ?? [])];

  function room(networks, network, part, scale) {
    if (scale === "panel") return square(everything(network, [part]));
    if (scale === "network") return square(everything(network, network.parts));
    return square(networks.flatMap((each) => everything(each, each.parts)));
  }

  /** Where to name a cloud: over its middle, above most of its points. */
  function above(group) {
    const [x, y] = [0, 1].map((axis) => group.reduce((sum, point) => sum + point[axis], 0) / group.length);
    const variance = group.reduce((sum, point) => sum + (point[1] - y) ** 2, 0) / group.length;
    return [x, y + 1.6 * Math.sqrt(variance)];
  }

  /** One plane, at equal aspect, with its top left corner at (left, top). */
  function panel({ left, top, size, kind, title, triangle, part, names, centre, half }) {
    const x = linear([centre[0] - half, centre[0] + half], [left + MARGIN, left + size]);
    const y = linear([centre[1] - half, centre[1] + half], [top + size - MARGIN, top]);
    const at = ([a, b]) => [x(a), y(b)];
    const kinds = [kind, "", "reference"];
    const heading = text(left, top - 9, title, { kind });
    const grid = axes({ x, y, xTicks: x.ticks(5), yTicks: y.ticks(5) });
    const around = svg("path", { class: "line thin", d: `M${triangle.map((p) => at(p).join(" ")).join("L")}Z` });
    const templates = triangle.map((p, k) =>
      mark(...at(p), { shape: SHAPES[k], radius: 4.5, kind: `hollow ${kinds[k]}` }),
    );
    if (!part) {
      const words = text(left + size / 2, top + size / 2, "this run keeps no training examples", { anchor: "middle" });
      return [heading, grid, around, ...templates, words];
    }
    const clouds = part.groups.map((group, k) =>
      marks(group.map(at), { shape: SHAPES[k], radius: 2.4, kind: `cloud ${kinds[k]}` }),
    );
    const labels = part.groups.map((group, k) => {
      const place = above(group);
      return text(x(place[0]), Math.max(top + 10, y(place[1]) - 6), names[k], { anchor: "middle", kind: `name ${kinds[k]}` });
    });
    return [heading, grid, around, ...clouds, ...templates, ...labels];
  }

  const titleOf = (kind, alpha) => (kind === "hard" ? "hard targets" : `α = ${plain(alpha)}`);

  function draw(stage, data, state, config) {
    const set = setOf(config, state);
    const classes = POSITIONS.map((name) => state[name]);
    const names = classes.map((k) => set.classes[k]);
    const networks = data.map((arrays) => projected(arrays, classes));

    const size = Math.min(WIDEST, (stage.clientWidth - GAP) / 2);
    const panels = networks.flatMap((network, row) =>
      network.parts.map((part, column) =>
        panel({
          left: column * (size + GAP), top: TOP + row * (size + TOP + 14), size, names, part,
          kind: NETWORKS[row], triangle: network.triangle,
          title: `${titleOf(NETWORKS[row], state.alpha)} · ${Object.values(PARTS)[column]}`,
          ...room(networks, network, part, state.scale),
        }),
      ),
    );
    stage.replaceChildren(picture(2 * size + GAP, 2 * (size + TOP) + 14, ...panels.flat()));
    return {
      numbers: numbers(networks, state.alpha),
      alt: alternative(networks, names, set, state.alpha),
      rows: rows(networks, names, state.alpha),
    };
  }

  // --------------------------------------------------------------------------- numbers and words

  const two = (value) => value.toFixed(2);

  function numbers(networks, alpha) {
    return networks.flatMap((network, row) => {
      const kind = NETWORKS[row];
      return network.parts.flatMap((part, column) => {
        const of = `${titleOf(kind, alpha)}, ${Object.values(PARTS)[column]}`;
        const values = part
          ? { spread: two(part.spread), distance: two(part.distance), ratio: two(part.ratio) }
          : { spread: "not kept" };
        values.unevenness = two(network.unevenness);
        return Object.entries(values).map(([label, value]) => ({ label, value, of, kind }));
      });
    });
  }

  function alternative(networks, names, set, alpha) {
    const parts = networks.flatMap((network, row) =>
      network.parts.map((part, column) => {
        const which = `${titleOf(NETWORKS[row], alpha)}, ${Object.values(PARTS)[column]}`;
        return part
          ? `${which}: spread ${two(part.spread)}, distance ${two(part.distance)}, ratio ${two(part.ratio)}`
          : `${which}: not kept`;
      }),
    );
    return `Activations of ${names.join(", ")} on the plane through their templates, ${set.label}. ${parts.join("; ")}.`;
  }

  function rows(networks, names, alpha) {
    const round = (value) => Number(value.toFixed(4));
    return networks.flatMap((network, row) => {
      const own = { network: NETWORKS[row] === "hard" ? "hard" : "smoothed", alpha: row ? alpha : 0 };
      const of = (part, group, slot) =>
        group.map(([x, y]) => ({ ...own, part, class: names[slot], x: round(x), y: round(y) }));
      return [
        ...network.triangle.flatMap((corner, slot) => of("template", [corner], slot)),
        ...network.parts.flatMap((part, column) =>
          part ? part.groups.flatMap((group, slot) => of(Object.values(PARTS)[column], group, slot)) : [],
        ),
      ];
    });
  }

  lsExplore.register("representations", { state, load, draw });
})();

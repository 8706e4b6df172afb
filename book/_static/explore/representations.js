// Trained networks on the plane through three templates: any three classes, hard beside smoothed;
// the rows of the paper's Figure 1; and the geometry of the classes against α.
(() => {
  const { setOf, nearest, recorded } = lsExplore;
  const { svg, picture, linear, axes, text, marks, mark, pooled, overSeeds, plain } = lsPlot;
  const { corners, points, spread, unevenness } = lsRepresentationsMath;

  const PARTS = { train: "training", val: "validation" };
  const NETWORKS = ["hard", "smooth"];
  const SHAPES = ["circle", "square", "triangle"];
  const SCALES = [
    { value: "all", label: "all four planes" },
    { value: "network", label: "each network" },
    { value: "panel", label: "each plane" },
  ];
  const [WIDEST, GAP, TOP, MARGIN] = [330, 20, 26, 26];
  const WIDE = 600;
  const POSITIONS = ["first", "second", "third"];

  const options = (values, name = plain) => values.map((value) => ({ value, label: name(value) }));

  const titleOf = (kind, alpha) => (kind === "hard" ? "hard targets" : `α = ${plain(alpha)}`);

  const networkPicker = ({ sets }) => ({
    name: "data",
    label: "network",
    kind: "choice",
    initial: sets[0].name,
    options: sets.map(({ name, label }) => ({ value: name, label })),
  });

  // ------------------------------------------------------------------------------------ a plane

  /** Triangle, points and numbers of one network; a part that it does not keep is null. */
  function projected(arrays, classes) {
    const [K] = arrays.shapes.gram;
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

  /** The same arrays at each moment of the training that was recorded. */
  function snapshots(arrays) {
    const [moments] = arrays.shapes.snapshot_gram;
    const names = Object.keys(arrays.shapes).filter((name) => name.startsWith("snapshot_"));
    return Array.from({ length: moments }, (_, i) => {
      const then = { shapes: {} };
      for (const name of names) {
        const [own, size] = [name.replace("snapshot_", ""), arrays[name].length / moments];
        then[own] = arrays[name].subarray(i * size, (i + 1) * size);
        then.shapes[own] = arrays.shapes[name].slice(1);
      }
      return then;
    });
  }

  /** The square around some points, centre and half a side. */
  function square(all) {
    const [low, high] = [Math.min, Math.max].map((end) =>
      [0, 1].map((axis) => all.reduce((most, point) => end(most, point[axis]), all[0][axis])),
    );
    const half = 0.56 * Math.max(high[0] - low[0], high[1] - low[1]);
    return { centre: [0, 1].map((axis) => (low[axis] + high[axis]) / 2), half };
  }

  const everything = ({ triangle }, parts) => [
    ...triangle,
    ...parts.flatMap((part) => part?.groups.flat() ?? []),
  ];

  /** The square for one plane. A film is one network at each moment that may be looked at. */
  function room(films, film, column, scale) {
    if (scale === "panel") return square(film.flatMap((n) => everything(n, [n.parts[column]])));
    const sharing = scale === "network" ? [film] : films;
    return square(sharing.flat().flatMap((network) => everything(network, network.parts)));
  }

  const middle = (group, axis) =>
    group.reduce((sum, point) => sum + point[axis], 0) / group.length;

  /** Where to name each cloud: beyond most of its points, away from the middle of the three. */
  function beside(groups) {
    const heights = groups.map((group) => middle(group, 1));
    const level = heights.reduce((sum, height) => sum + height, 0) / heights.length;
    return groups.map((group, k) => {
      const variance = middle(group.map(([, y]) => [(y - heights[k]) ** 2]), 0);
      const up = heights[k] >= level ? 1 : -1;
      return { x: middle(group, 0), y: heights[k] + up * 1.6 * Math.sqrt(variance), up };
    });
  }

  const within = (value, [least, most]) => Math.min(most, Math.max(least, value));

  /** Places of names inside a panel, moved where they would be written over an earlier one. */
  function apart(places, names, [left, right], [low, high]) {
    const wide = (k) => 8 * names[k].length;
    const clash = ([x, y], [a, b], i, k) =>
      Math.abs(x - a) < (wide(i) + wide(k)) / 2 && Math.abs(y - b) < 13;
    return places.reduce((kept, { x, y, up }, k) => {
      const half = wide(k) / 2;
      const beyond = y + (up > 0 ? -6 : 14);
      let place = [within(x, [left + half, right - half]), within(beyond, [low, high])];
      const step = up > 0 || place[1] + 26 > high ? -13 : 13;
      while (kept.some((other, i) => clash(place, other, i, k))) place = [x, place[1] + step];
      return [...kept, place];
    }, []);
  }

  /** One plane, at equal aspect, with its top left corner at (left, top); small ones without names. */
  function panel({ left, top, size, kind, title, triangle, part, names, centre, half }) {
    const x = linear([centre[0] - half, centre[0] + half], [left + MARGIN, left + size]);
    const y = linear([centre[1] - half, centre[1] + half], [top + size - MARGIN, top]);
    const at = ([a, b]) => [x(a), y(b)];
    const kinds = [kind, "", "reference"];
    const heading = text(left, top - 9, title, { kind });
    const grid = axes({ x, y, xTicks: x.ticks(5), yTicks: y.ticks(5) });
    const around = svg("path", {
      class: "line thin",
      d: `M${triangle.map((p) => at(p).join(" ")).join("L")}Z`,
    });
    const templates = triangle.map((p, k) =>
      mark(...at(p), { shape: SHAPES[k], radius: 4.5, kind: `hollow ${kinds[k]}` }),
    );
    if (!part) {
      const words = text(left + size / 2, top + size / 2, "this run keeps no training examples", {
        anchor: "middle",
      });
      return [heading, grid, around, ...templates, words];
    }
    const clouds = part.groups.map((group, k) =>
      marks(group.map(at), { shape: SHAPES[k], radius: 2.4, kind: `cloud ${kinds[k]}` }),
    );
    const places = names ? apart(
      beside(part.groups).map(({ x: a, y: b, up }) => ({ x: x(a), y: y(b), up })),
      names,
      [left, left + size],
      [top + 10, top + size - MARGIN - 4],
    ) : [];
    const labels = places.map(([a, b], k) =>
      text(a, b, names[k], { anchor: "middle", kind: `name ${kinds[k]}` }),
    );
    return [heading, grid, around, ...clouds, ...templates, ...labels];
  }

  // ------------------------------------------------------------------------- any three classes

  const runsOf = ({ runs }, { alpha, seed }) =>
    [0, alpha].map((own) => runs.find((run) => run.alpha === own && run.seed === seed));

  /** Moments that both networks recorded, in epochs; with the end alone there is no choice. */
  function epochsOf(set, current) {
    const [hard, smooth] = runsOf(set, current).map((run) => run?.epochs ?? []);
    return String(hard) === String(smooth) ? hard : [];
  }

  function epochPicker(set, current) {
    const values = epochsOf(set, current);
    if (!values.length) return [];
    const last = values.at(-1);
    const format = (epoch) => `${epoch} of ${last}`;
    return [{ name: "epoch", label: "epoch", kind: "range", values, initial: last, format }];
  }

  function planesState(config, current) {
    const set = setOf(config, current);
    const { seeds, alphas } = recorded(set, current);
    return [
      networkPicker(config),
      {
        name: "alpha",
        label: "α",
        kind: "range",
        values: alphas,
        initial: nearest(alphas, config.alpha),
      },
      ...classPickers(set, current),
      {
        name: "seed", label: "seed", kind: "choice", options: options(seeds), initial: seeds[0],
        more: true,
      },
      ...epochPicker(set, current),
      {
        name: "scale", label: "one scale for", kind: "choice", options: SCALES, initial: "all",
        more: true,
      },
    ];
  }

  /** Three pickers, each without the classes picked before it. */
  function classPickers(set, current) {
    const taken = [];
    return POSITIONS.map((name, slot) => {
      const free = set.classes.map((_, k) => k).filter((k) => !taken.includes(k));
      const initial = [set.shown[slot], ...free].find((k) => free.includes(k));
      taken.push(free.includes(current[name]) ? current[name] : initial);
      return {
        name,
        label: `${name} class`,
        kind: "choice",
        initial,
        options: options(free, (k) => set.classes[k]),
      };
    });
  }

  const planesLoad = (config, state) =>
    Promise.all(runsOf(setOf(config, state), state).map(({ key }) => lsEvaluations.load(key)));

  function planesDraw(stage, data, state, config) {
    const set = setOf(config, state);
    const classes = POSITIONS.map((name) => state[name]);
    const names = classes.map((k) => set.classes[k]);
    const epochs = epochsOf(set, state);
    const films = data.map((arrays) =>
      [...(epochs.length ? snapshots(arrays) : []), arrays].map((at) => projected(at, classes)),
    );
    const networks = films.map((film) => film.at(epochs.indexOf(state.epoch)));
    // Room for what is shown and for the end: what flew far at first would make the end a dot.
    const seen = films.map((film, i) => [networks[i], film.at(-1)]);

    const size = Math.min(WIDEST, (stage.clientWidth - GAP) / 2);
    const panels = networks.flatMap((network, row) =>
      network.parts.map((part, column) =>
        panel({
          left: column * (size + GAP),
          top: TOP + row * (size + TOP + 14),
          size,
          names,
          part,
          kind: NETWORKS[row],
          triangle: network.triangle,
          title: `${titleOf(NETWORKS[row], state.alpha)} · ${Object.values(PARTS)[column]}`,
          ...room(seen, seen[row], column, state.scale),
        }),
      ),
    );
    stage.replaceChildren(picture(2 * size + GAP, 2 * (size + TOP) + 14, ...panels.flat()));
    return {
      numbers: numbers(networks, state.alpha),
      alt: alternative(networks, names, set, state),
      rows: () => rows(networks, names, state),
    };
  }

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

  function measured(networks, alpha) {
    const parts = networks.flatMap((network, row) =>
      network.parts.map((part, column) => {
        const which = `${titleOf(NETWORKS[row], alpha)}, ${Object.values(PARTS)[column]}`;
        if (!part) return `${which}: not kept`;
        const spread = `spread ${two(part.spread)}, distance ${two(part.distance)}`;
        return `${which}: ${spread}, ratio ${two(part.ratio)}`;
      }),
    );
    return parts.join("; ");
  }

  const alternative = (networks, names, set, { alpha, epoch }) =>
    `Activations of ${names.join(", ")} on the plane through their templates, ${set.label}` +
    `${epoch === undefined ? "" : `, after epoch ${epoch}`}. ${measured(networks, alpha)}.`;

  function rows(networks, names, { alpha, epoch }) {
    const round = (value) => Number(value.toFixed(4));
    return networks.flatMap((network, row) => {
      const own = {
        network: NETWORKS[row] === "hard" ? "hard" : "smoothed",
        alpha: row ? alpha : 0,
        ...(epoch !== undefined && { epoch }),
      };
      const of = (part, group, slot) =>
        group.map(([x, y]) => ({ ...own, part, class: names[slot], x: round(x), y: round(y) }));
      return [
        ...network.triangle.flatMap((corner, slot) => of("template", [corner], slot)),
        ...network.parts.flatMap((part, column) =>
          part
            ? part.groups.flatMap((group, slot) => of(Object.values(PARTS)[column], group, slot))
            : [],
        ),
      ];
    });
  }

  // ----------------------------------------------------------------------------- Figure 1, in rows

  const figure1State = () => [
    {
      name: "scale",
      label: "one scale for",
      kind: "choice",
      options: SCALES.slice(1),
      initial: "network",
    },
  ];

  const figure1Load = ({ rows }) =>
    Promise.all(rows.map(({ keys }) => Promise.all(keys.map((key) => lsEvaluations.load(key)))));

  /** A title and its notes, lines broken to a width. */
  function heading(top, width, { title, notes }) {
    const lines = notes.flatMap((note) => broken(note, width / 6.2));
    const parts = [text(0, top + 12, title, { kind: "strong" })];
    lines.forEach((words, i) => parts.push(text(0, top + 28 + 16 * i, words)));
    return { parts, height: 28 + 16 * lines.length };
  }

  function broken(words, most) {
    return words.split(" ").reduce(
      ([...lines], word) => {
        const longer = `${lines.at(-1)} ${word}`.trim();
        if (longer.length > most) lines.push(word);
        else lines[lines.length - 1] = longer;
        return lines;
      },
      [""],
    );
  }

  function figure1Draw(stage, data, state, { rows: all }) {
    const width = stage.clientWidth;
    const columns = width < WIDE ? 2 : 4;
    const size = Math.min(WIDEST, (width - (columns - 1) * GAP) / columns);
    const parts = [];
    const told = [];
    const points = [];
    let top = 0;
    all.forEach((row, at) => {
      const networks = data[at].map((arrays) => projected(arrays, row.classes));
      const films = networks.map((network) => [network]);
      const head = heading(top, width, row);
      parts.push(...head.parts);
      top += head.height;
      networks
        .flatMap((network, r) => network.parts.map((part, c) => [network, part, r, c]))
        .forEach(([network, part, r, c], cell) => {
          parts.push(
            ...panel({
              left: (cell % columns) * (size + GAP),
              size,
              part,
              kind: NETWORKS[r],
              top: top + TOP + Math.floor(cell / columns) * (size + TOP),
              triangle: network.triangle,
              title: `${r ? `α = ${plain(row.alpha)}` : "hard"} · ${Object.values(PARTS)[c]}`,
              ...room(films, films[r], c, state.scale),
            }),
          );
        });
      top += (4 / columns) * (size + TOP) + 30;
      told.push(`${row.title} (${row.notes.join("; ")}): ${measured(networks, row.alpha)}`);
      points.push(
        ...rows(networks, row.names, row).map((point) => ({ row: row.title, ...point })),
      );
    });
    stage.replaceChildren(picture(width, top, ...parts));
    return { numbers: [], alt: `${told.join(". ")}.`, rows: () => points };
  }

  // --------------------------------------------------------------------------- geometry against α

  const geometryState = (config) => [networkPicker(config)];

  /** One quantity: every seed, their mean, and a band from the least to the greatest. */
  function quantity({ name, title }, runs, { left, top, width, height }) {
    const points = pooled(runs, name);
    const furthest = Math.max(0.1, ...points.map(({ alpha }) => alpha));
    const x = linear([0, furthest], [left + 34, left + width - 8]);
    const y = linear(
      [0, 1.1 * Math.max(...runs.map((run) => run[name]))],
      [top + height - 40, top + 24],
    );
    const parts = [
      axes({
        x,
        y,
        xTicks: x.ticks(4),
        yTicks: y.ticks(4),
        xTitle: "label smoothing α",
        yTitle: title,
      }),
      ...overSeeds(runs, { name, kind: "smooth" }, x, y),
    ];
    return { parts, points };
  }

  function geometryDraw(stage, _, state, config) {
    const set = setOf(config, state);
    const width = stage.clientWidth;
    const columns = width < WIDE ? 1 : 3;
    const room = { width: (width - (columns - 1) * GAP) / columns, height: 220 };
    const drawn = config.quantities.map((each, i) =>
      quantity(each, set.runs, {
        ...room,
        left: (i % columns) * (room.width + GAP),
        top: Math.floor(i / columns) * room.height,
      }),
    );
    const height = (config.quantities.length / columns) * room.height;
    stage.replaceChildren(picture(width, height, ...drawn.flatMap(({ parts }) => parts)));
    const numbers = drawn.flatMap(({ points: [hard, ...smoothed] }, i) => {
      const chosen = nearest(smoothed.map(({ alpha }) => alpha), config.alpha);
      const kinds = { hard, smooth: smoothed.find(({ alpha }) => alpha === chosen) };
      return Object.entries(kinds).map(([kind, { alpha, mean }]) => ({
        label: config.quantities[i].title,
        value: two(mean),
        kind,
        of: titleOf(kind, alpha),
      }));
    });
    const told = drawn.map(({ points }, i) => {
      const values = points.map(({ alpha, mean }) => `${two(mean)} at α = ${plain(alpha)}`);
      return `${config.quantities[i].title}: ${values.join(", ")}`;
    });
    const alt = `${set.label}, means over seeds. ${told.join(". ")}.`;
    return { numbers, alt, rows: () => set.runs };
  }

  // --------------------------------------------------------------------------------------- views

  const VIEWS = {
    planes: { state: planesState, load: planesLoad, draw: planesDraw },
    figure1: { state: figure1State, load: figure1Load, draw: figure1Draw },
    geometry: { state: geometryState, load: async () => true, draw: geometryDraw },
  };
  lsExplore.register("representations", {
    state: (config, current) => VIEWS[config.view].state(config, current),
    load: (config, current) => VIEWS[config.view].load(config, current),
    draw: (stage, data, current, config) => VIEWS[config.view].draw(stage, data, current, config),
  });
})();

// Explorers of the distillation chapter: Figure 5, what teachers say, and the T × α grid.
(() => {
  const { distinct, nearest } = lsExplore;
  const { TEACHER, ALONE, HARD, SMOOTHED, OTHER } = lsDistillation;
  const { rows, summary, grid, softmax, gamma } = lsDistillation;
  const { svg, picture, linear, log, axes, text, line, mark, marks, bar, smooth } = lsPlot;

  const CURVES = {
    [TEACHER]: { kind: "", shape: "diamond", name: "teacher" },
    [ALONE]: { kind: "smooth", shape: "circle", name: "alone, smoothed with α = γ" },
    [HARD]: { kind: "hard", shape: "square", name: "of the hard teacher, by T" },
    [SMOOTHED]: { kind: "distil", shape: "triangle", name: "of a smoothed teacher, T = 1" },
    [OTHER]: { kind: "distil", shape: "diamond", name: "of a smoothed teacher, T > 1" },
  };
  const JOINED = [ALONE, HARD, SMOOTHED];
  const LEAST = 1e-12;

  const widthOf = (stage) => Math.max(280, stage.clientWidth || 640);
  const signed = (value, digits = 1) =>
    `${value > 0 ? "+" : value < 0 ? "−" : "±"}${Math.abs(value).toFixed(digits)}`;
  const percent = (value) => `${value.toFixed(1)} %`;
  const teacherName = (alpha) => (alpha ? `α = ${alpha}` : "hard");
  const options = (values, label = String) =>
    values.map((value) => ({ value, label: label(value) }));

  const dataPicker = ({ families }) => ({
    name: "data", label: "data", kind: "choice", initial: 0,
    options: families.map(({ name, networks }, value) => (
      { value, label: `${name}: ${networks}` })),
  });
  const familyOf = ({ families }, { data = 0 }) => families[data] ?? families[0];
  const whole = ({ name, networks, scale }) => `${name}, ${networks} (${scale})`;

  // ------------------------------------------------------------------------------------- Figure 5

  /** Whether a student off the paper's curves lies below all those on them. */
  function isLow(family) {
    const onCurves = summary(family).filter(({ curve }) => curve !== TEACHER && curve !== OTHER);
    const floor = Math.floor(Math.min(...onCurves.map((point) => point.low)));
    return ({ curve, low }) => curve === OTHER && low < floor;
  }

  const figure5 = {
    state(config, current) {
      const family = familyOf(config, current);
      const taught = rows(family).filter(({ curve }) => curve !== ALONE);
      const alphas = distinct(taught.map(({ alpha }) => alpha));
      const students = distinct(taught.filter(({ T }) => T > 0).map(({ alpha }) => alpha));
      const Ts = distinct(taught.map(({ T }) => T).filter((T) => T > 0));
      return [
        dataPicker(config),
        { name: "alpha", label: "teacher", kind: "choice", options: options(alphas, teacherName),
          initial: nearest(students.length ? students : alphas, config.alpha) },
        { name: "T", label: "its temperature T", kind: "choice", initial: Ts[0] ?? 0,
          options: Ts.length ? options(Ts) : [{ value: 0, label: "no student yet" }] },
        ...(summary(family).some(isLow(family))
          ? [{ name: "all", label: "show the lowest too", kind: "switch", initial: false }] : []),
      ];
    },

    load: (config, state) => {
      const family = familyOf(config, state);
      return { family, runs: rows(family), points: summary(family) };
    },

    draw(stage, { family, runs, points }, state) {
      const width = widthOf(stage);
      const left = 44;
      const x = linear([0, 1], [left, width - 14]);
      const picked = points.filter(({ curve, alpha, T }) =>
        alpha === state.alpha && (curve === TEACHER || (curve !== ALONE && T === state.T)));
      const own = points.filter(({ curve }) => curve === TEACHER);
      const students = points.filter(({ curve }) => curve !== TEACHER);
      const low = isLow(family);
      const seen = (point) => state.all || !low(point);
      const upper = panel(own, x, [150, 40], runs, "teacher accuracy (%)");
      const shown = students.filter(seen);
      const legend = key([ALONE, HARD, SMOOTHED, OTHER], width, 206);
      const top = 206 + legend.height + 34;
      const bottom = top + 290;
      const titles = ["student accuracy (%)", "equivalent smoothing γ of the targets"];
      const lower = students.length
        ? panel(shown, x, [bottom, top], runs, ...titles)
        : { parts: [text(left, top, "No student is recorded yet.")], points: [] };
      const targets = [...upper.points, ...lower.points];
      const rings = targets
        .filter(({ point }) => picked.includes(point))
        .map(({ at: [cx, cy] }) => svg("circle", {
          cx, cy, r: 10, fill: "none", stroke: "currentColor", "stroke-width": 1.6,
        }));
      const height = students.length ? bottom + 44 : top + 20;
      const parts = [...upper.parts, ...legend.parts, ...lower.parts, ...rings];
      const drawing = picture(width, height, ...parts);
      const said = Object.assign(document.createElement("p"), { className: "ls-readout" });
      reader(drawing, targets, said);
      stage.replaceChildren(drawing, said);
      stage.role = "group";
      return told(family, points, picked, state);
    },
  };

  /** Axes, every seed faintly, means with their marks; and where each mean stands. */
  function panel(points, x, [bottom, top], runs, yTitle, xTitle = "") {
    const lowest = Math.floor(Math.min(...points.map((p) => p.low)));
    const highest = Math.ceil(Math.max(...points.map((p) => p.high)));
    const y = linear([lowest, highest], [bottom, top]);
    const place = (row) => [x(row.gamma), y(row.accuracy ?? row.mean)];
    const curves = [...new Set(points.map((p) => p.curve))];
    const keys = new Set(points.map((p) => `${p.curve} ${p.alpha} ${p.T}`));
    const yTicks = y.ticks(Math.max(4, Math.round((bottom - top) / 45)));
    const parts = [axes({ x, y, xTitle, yTitle, yTicks, xTicks: [0, 0.2, 0.4, 0.6, 0.8, 1] })];
    for (const curve of curves) {
      const { kind, shape } = CURVES[curve];
      const mine = runs.filter((r) => r.curve === curve && keys.has(`${curve} ${r.alpha} ${r.T}`));
      const joined = curve === TEACHER || JOINED.includes(curve);
      const joining = (some, look) => parts.push(line(inOrder(some).map(place), look));
      if (joined)
        for (const seed of distinct(mine.map((r) => r.seed)))
          joining(mine.filter((r) => r.seed === seed), `${kind} faint`);
      parts.push(marks(mine.map(place), { shape, radius: 2, kind: `${kind} faint` }));
      if (joined) joining(points.filter((p) => p.curve === curve), kind);
    }
    let last = [-Infinity, 0];
    for (const point of inOrder(points.filter((p) => p.curve === HARD))) {
      const [px, py] = place(point);
      if (px - last[0] < 32) continue;
      const beside = py - last[1] > px - last[0] && px + 44 < x.range[1];
      const [across, down, anchor] = beside ? [10, -4, "start"] : [0, 20, "middle"];
      parts.push(text(px + across, py + down, `T ${point.T}`, { anchor, kind: "hard" }));
      last = [px, py];
    }
    return { parts, points: points.map((point) => ({ point, at: place(point) })) };
  }

  const inOrder = (list) => list.toSorted((a, b) => a.T - b.T || a.alpha - b.alpha);

  /** A legend in as many columns as there is room for. */
  function key(curves, width, top) {
    const columns = width < 500 ? 1 : 2;
    const parts = curves.flatMap((curve, i) => {
      const { kind, shape, name } = CURVES[curve];
      const across = 12 + (i % columns) * (width / columns);
      const down = top + 20 * Math.floor(i / columns);
      return [
        mark(across, down, { shape, radius: 4.5, kind }),
        text(across + 12, down, `student ${name}`, { dy: "0.35em", kind }),
      ];
    });
    return { parts, height: 20 * Math.ceil(curves.length / columns) };
  }

  const describe = ({ curve, alpha, T, gamma: softness, mean, low, high, seeds }) => {
    const who = curve === TEACHER ? `teacher, ${alpha ? `α = ${alpha}` : "hard targets"}`
      : curve === ALONE ? `student alone, α = ${alpha}`
        : `student of the teacher with ${alpha ? `α = ${alpha}` : "hard targets"}, T = ${T}`;
    const range = `${low.toFixed(1)} to ${high.toFixed(1)}`;
    const spread = seeds > 1 ? ` (${range}, ${seeds} seeds)` : " (one seed)";
    return `${who}: γ = ${softness.toFixed(3)}, accuracy ${percent(mean)}${spread}`;
  };

  /** Means as marks that tell what they are when hovered over, tapped or reached by arrow keys. */
  function reader(drawing, targets, said) {
    const ask = "Hover over a point, tap it, or press Tab and the arrow keys.";
    said.textContent = ask;
    const ordered = targets.toSorted(
      ({ point: a }, { point: b }) => a.curve - b.curve || a.gamma - b.gamma);
    const made = ordered.map(({ point, at: [px, py] }, i) => {
      const { kind, shape } = CURVES[point.curve];
      const halo = svg("circle", { cx: px, cy: py, r: 11, fill: "transparent" });
      const spot = svg("g", { tabindex: i ? -1 : 0, role: "img", "aria-label": describe(point) },
        svg("title", {}, describe(point)), halo, mark(px, py, { shape, radius: 4.5, kind }));
      const show = () => {
        said.textContent = describe(point);
        halo.setAttribute("stroke", "currentColor");
      };
      const leave = () => halo.removeAttribute("stroke");
      for (const event of ["pointerenter", "click", "focus"]) spot.addEventListener(event, show);
      for (const event of ["pointerleave", "blur"]) spot.addEventListener(event, leave);
      return spot;
    });
    made.forEach((spot, i) => {
      spot.addEventListener("keydown", (event) => {
        const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
        if (!by) return;
        event.preventDefault();
        const next = made[(i + by + made.length) % made.length];
        spot.setAttribute("tabindex", -1);
        next.setAttribute("tabindex", 0);
        next.focus();
      });
    });
    drawing.append(...made);
  }

  function told(family, points, picked, state) {
    const teacher = picked.find(({ curve }) => curve === TEACHER);
    const student = picked.find(({ curve }) => curve !== TEACHER);
    const alone = points.find(({ curve, alpha }) => curve === ALONE && alpha === state.alpha);
    const value = (point) => (point ? percent(point.mean) : "not recorded");
    const numbers = [
      { label: `teacher, ${teacherName(state.alpha)}`, value: value(teacher) },
      {
        label: state.T ? `its student at T = ${state.T}` : "its student", value: value(student),
        kind: state.alpha ? "distil" : "hard",
      },
      { label: "γ of the student's targets", value: student ? student.gamma.toFixed(3) : "–" },
      { label: `student alone, α = ${state.alpha}`, value: value(alone), kind: "smooth" },
    ];
    const words = numbers.map(({ label, value: shown }) => `${label}: ${shown}`).join("; ");
    const names = points.map(({ curve, ...rest }) => ({
      curve: curve === TEACHER ? "teacher" : `student ${CURVES[curve].name}`, ...rest,
    }));
    return {
      numbers, rows: () => names,
      alt: `Accuracy against equivalent smoothing, ${whole(family)}. ${words}.`,
    };
  }

  // ------------------------------------------------------------------------------------- the grid

  const gridView = {
    state: (config) => [
      dataPicker(config),
      { name: "show", label: "show", kind: "choice", initial: "gain", options: [
        { value: "gain", label: "gain over the hard teacher" },
        { value: "accuracy", label: "accuracy" },
      ] },
    ],

    load(config, state) {
      const family = familyOf(config, state);
      return { family, cells: grid(family) };
    },

    draw(stage, { family, cells }, { show }, { published }) {
      const width = widthOf(stage);
      if (!cells.length) {
        const words = `${family.name}: no student of a smoothed teacher is recorded yet.`;
        stage.textContent = words;
        return { numbers: [], alt: words, rows: () => [] };
      }
      const alphas = distinct(cells.map(({ alpha }) => alpha));
      const Ts = distinct(cells.map(({ T }) => T));
      const left = 74;
      const side = Math.min(110, (width - left - 8) / Ts.length);
      const tall = 46;
      const top = 34;
      const find = (alpha, T) => cells.find((cell) => cell.alpha === alpha && cell.T === T);
      const known = cells.map((cell) => cell[show]).filter((value) => value !== null);
      const depth = shade(show, known);
      const parts = [text(left, 12, "temperature T of the teacher", { kind: "title" })];
      const outlined = [];
      Ts.forEach((T, j) =>
        parts.push(text(left + (j + 0.5) * side, top - 6, String(T), { anchor: "middle" })));
      alphas.forEach((alpha, i) => {
        const y = top + i * tall;
        const beside = { anchor: "end", dy: "0.35em" };
        parts.push(text(left - 8, y + tall / 2, teacherName(alpha), beside));
        Ts.forEach((T, j) => {
          const cell = find(alpha, T);
          const x = left + j * side;
          const value = cell?.[show] ?? null;
          const kind = value < 0 && show === "gain" ? "smooth" : "distil";
          const block = bar(x + 1, y + 1, side - 2, tall - 2, kind);
          block.style.opacity = value === null ? 0.02 : depth(value);
          const printed = speaks(published, alphas, alpha, T, show);
          const words = value === null ? "–" : number(show, value);
          parts.push(block, text(x + side / 2, y + tall / 2, words, {
            anchor: "middle", dy: printed === null ? "0.35em" : "-0.15em" }));
          if (printed === null) return;
          outlined.push({ alpha, T, value, printed });
          const [middle, low] = [x + side / 2, y + 0.75 * tall];
          parts.push(
            svg("rect", { class: "outline", x: x + 3, y: y + 3, width: side - 6, height: tall - 6,
              fill: "none", stroke: "currentColor", "stroke-width": 1.4 }),
            mark(middle - 22, low, { shape: "diamond", radius: 3.5, kind: "paper" }),
            text(middle - 14, low, number(show, printed), { dy: "0.35em" }));
        });
      });
      const bottom = top + alphas.length * tall;
      const warm = Ts.indexOf(1);
      if (warm >= 0 && alphas.length > 1) {
        const first = alphas[0] === 0 ? 1 : 0;
        parts.push(svg("rect", { x: left + warm * side - 1, y: top + first * tall - 1,
          width: side + 2, height: (alphas.length - first) * tall + 2, fill: "none",
          class: "line reference" }));
      }
      parts.push(
        mark(left + 8, bottom + 18, { shape: "diamond", radius: 3.5, kind: "paper" }),
        text(left + 20, bottom + 18, "Chandrasegaran 2022, ImageNet", { dy: "0.35em" }),
        svg("rect", { x: left + 2, y: bottom + 33, width: 12, height: 12, fill: "none",
          class: "line reference" }),
        text(left + 20, bottom + 39, "Shen 2021: no harm at T = 1", { dy: "0.35em" }));
      stage.replaceChildren(picture(width, bottom + 54, ...parts));
      stage.role = "img";
      const smoothed = nearest(alphas.filter(Boolean), 0.1);
      const along = Ts.filter((T) => find(smoothed, T)?.[show] != null);
      const ends = along.length > 1 ? [along[0], along.at(-1)] : along;
      const unit = show === "gain" ? " points" : " %";
      const numbers = ends.map((T) => ({
        label: `${show} of α = ${smoothed} at T = ${T}`,
        value: number(show, find(smoothed, T)[show]) + unit, kind: "distil" }));
      const beside = outlined.map(({ alpha, T, value, printed }) => {
        const ours = value === null ? "not run" : number(show, value);
        const lesson = `${teacherName(alpha)}, T = ${T}`;
        return `${lesson}: ours ${ours}, published ${number(show, printed)}`;
      });
      return {
        numbers, rows: () => cells,
        alt: `T × α grid of ${show}, ${whole(family)}. ${cells
          .filter((cell) => cell[show] !== null)
          .map((cell) => `${teacherName(cell.alpha)}, T ${cell.T}: ${number(show, cell[show])}`)
          .join("; ")}. Beside the published: ${beside.join("; ") || "none speaks of the same"}.`,
      };
    },
  };

  const number = (show, value) => (show === "gain" ? signed(value) : value.toFixed(1));

  function shade(show, values) {
    const most = Math.max(...values.map(Math.abs), 1e-9);
    const low = Math.min(...values);
    const span = Math.max(...values) - low || 1;
    const share = (value) => (show === "gain" ? Math.abs(value) / most : (value - low) / span);
    return (value) => 0.06 + 0.5 * share(value);
  }

  /** The published value for a cell: same T, and a teacher of about the same smoothing. */
  function speaks(published, alphas, alpha, T, show) {
    for (let i = 0; i < published.T.length; i++) {
      const theirs = published.alpha[i];
      if (theirs === 0 && show === "gain") continue;
      const ours = theirs === 0 ? 0 : nearest(alphas.filter(Boolean), theirs);
      const about = ours === alpha && Math.abs(ours - theirs) <= 0.06;
      if (published.T[i] === T && about) return published[show][i];
    }
    return null;
  }

  // --------------------------------------------------------------------------------- the teachers

  const curvesOf = new WeakMap();
  const Ts = Array.from({ length: 25 }, (_, i) => 16 ** (i / 24));

  const teachers = {
    state(config, current) {
      const family = familyOf(config, current);
      const smoothed = family.teachers.map(({ alpha }) => alpha).filter(Boolean);
      const K = family.classes.length;
      return [
        dataPicker(config),
        { name: "alpha", label: "smoothed teacher", kind: "choice",
          options: options(smoothed, teacherName),
          initial: smoothed.length ? nearest(smoothed, config.alpha) : undefined },
        { name: "T", label: "temperature T", kind: "range", min: 1, max: 16, step: 0.5,
          initial: config.T, format: (T) => T.toFixed(1) },
        { name: "example", label: "training example", kind: "range", min: 1, max: 2 * K, step: 1,
          initial: 1 },
      ].filter(({ options: list }) => list?.length !== 0);
    },

    async load(config, state) {
      const family = familyOf(config, state);
      if (!curvesOf.has(family)) {
        const loaded = await Promise.all(
          family.teachers.map(({ key: name }) => lsEvaluations.load(name)));
        const K = family.classes.length;
        const lines = family.teachers.map(({ alpha }, i) => {
          const { train_logits: logits, train_targets: targets } = loaded[i];
          return { alpha, logits, targets, K, curve: Ts.map((T) => gamma(logits, targets, K, T)) };
        });
        curvesOf.set(family, { lines, least: leastOf(lines) });
      }
      return { family, ...curvesOf.get(family) };
    },

    draw(stage, { family, lines, least }, state) {
      const width = widthOf(stage);
      const { T } = state;
      const x = log([width < 480 ? 0.42 : 0.6, 16], [40, width - 14]);
      const y = linear([0, 1], [250, 34]);
      const parts = [axes({ x, y, xTicks: [1, 2, 4, 8, 16], xTitle: "temperature T of the teacher",
        yTitle: "equivalent smoothing γ" })];
      for (const { alpha, curve } of lines) {
        const shown = line(curve.map((value, i) => [x(Ts[i]), y(value)]), alpha ? "" : "hard");
        if (alpha) shown.style.stroke = smooth(alpha);
        if (alpha && alpha !== state.alpha) shown.style.opacity = 0.5;
        parts.push(shown);
      }
      let above = Infinity;
      for (const { alpha, curve } of lines.toSorted((a, b) => a.curve[0] - b.curve[0])) {
        above = Math.min(y(curve[0]), above - 14);
        parts.push(text(x(1) - 8, above, teacherName(alpha), { anchor: "end", dy: "0.35em" }));
      }
      parts.push(svg("path", { class: "line reference", d: `M${x(T)} 34V250` }));
      const two = lines.filter(({ alpha }) => alpha === 0 || alpha === state.alpha);
      const found = two.map((teacher) => {
        const softness = gamma(teacher.logits, teacher.targets, teacher.K, T);
        const kind = teacher.alpha ? "smooth" : "hard";
        parts.push(mark(x(T), y(softness), { shape: shapeOf(teacher), radius: 5, kind }));
        return { ...teacher, softness, kind };
      });
      const example = exampleOf(found[0], state.example);
      const base = 340;
      const row = 22;
      const names = family.classes;
      const side = Math.min(100, 12 + 7 * Math.max(...names.map((name) => name.length)));
      const p = log([least, 1], [side, width - 60]);
      const exponents = [0, 0.25, 0.5, 0.75, 1].map((part) => Math.round(part * Math.log10(least)));
      const bottom = base + row * names.length;
      const kind = kindOf(family, example.label);
      const about = `example ${state.example}, ${/^[aeiou]/.test(kind) ? "an" : "a"} ${kind}`;
      const rule = (e) =>
        svg("path", { class: "grid", d: `M${p(10 ** e)} ${base - 14}V${bottom}` });
      const power = (e) => (e < -3 ? `1e−${-e}` : String(10 ** e));
      parts.push(
        text(4, base - 30, `what they say about ${about}`, { kind: "title" }),
        ...exponents.map(rule),
        ...exponents.map((e) => text(p(10 ** e), bottom + 16, power(e), { anchor: "middle" })),
        text(width - 14, bottom + 34, "probability given to each class",
          { anchor: "end", kind: "title" }));
      const said = found.map((teacher) => (
        { ...teacher, p: softmax(teacher.logits, example.row, teacher.K, T) }));
      names.forEach((name, k) => {
        const down = base + row * k;
        const label = text(side - 8, down, name, { anchor: "end", dy: "0.35em" });
        if (k === example.label) label.style.fontWeight = 700;
        parts.push(label, svg("path", { class: "grid", d: `M${p(least)} ${down}H${p(1)}` }));
        for (const teacher of said) {
          const look = { shape: shapeOf(teacher), radius: 4.5, kind: teacher.kind };
          parts.push(mark(p(Math.max(least, teacher.p[k])), down, look));
        }
      });
      stage.replaceChildren(picture(width, bottom + 42, ...parts));
      stage.role = "img";
      const numbers = said.flatMap(({ alpha, kind, softness, p: probabilities }) => {
        const others = probabilities.map((value, k) => (k === example.label ? -1 : value));
        const top = others.indexOf(Math.max(...others));
        const likeliest = `${kindOf(family, top)}: ${short(others[top])}`;
        const of = alpha ? `α = ${alpha}` : "hard";
        return [
          { of, kind, label: "γ", value: softness.toFixed(3) },
          { of, kind, label: "on the right class", value: short(probabilities[example.label]) },
          { of, kind, label: "likeliest wrong", value: likeliest },
        ];
      });
      const words = numbers.map(({ of, label, value }) => `${of}, ${label}: ${value}`).join("; ");
      return {
        numbers, alt: `Teachers of ${family.name} at T = ${T}. ${words}.`,
        rows: () => said.flatMap(({ alpha, softness, p: probabilities }) =>
          probabilities.map((probability, k) => (
            { alpha, T, gamma: softness, class: names[k], probability }))),
      };
    },
  };

  /** A power of ten, with an exponent that four divides, below what teachers say at T = 1. */
  function leastOf(lines) {
    let least = 1;
    for (const teacher of lines)
      for (let number = 1; number <= 2 * teacher.K; number++) {
        const { row } = exampleOf(teacher, number);
        least = Math.min(least, ...softmax(teacher.logits, row, teacher.K, 1));
      }
    return Math.max(LEAST, 10 ** (4 * Math.floor(Math.log10(Math.max(LEAST, least)) / 4)));
  }

  const shapeOf = ({ alpha }) => (alpha ? "triangle" : "square");
  const short = (value) =>
    value >= 0.001 ? value.toFixed(3) : value.toExponential(0).replace("-", "−");
  const kindOf = ({ classes }, label) => {
    const name = classes[label];
    return /^\d+$/.test(name) ? `class ${name}` : name;
  };

  /** Two examples of every class, in the order of the classes. */
  function exampleOf({ targets }, number) {
    const label = Math.floor((number - 1) / 2);
    return { label, row: targets.indexOf(label) + ((number - 1) % 2) };
  }

  // ---------------------------------------------------------------------------------------------

  const views = { figure5, grid: gridView, teachers };
  lsExplore.register("distillation", {
    state: (config, current) => views[config.view].state(config, current),
    load: (config, state) => views[config.view].load(config, state),
    draw: (stage, data, state, config) => views[config.view].draw(stage, data, state, config),
  });
})();

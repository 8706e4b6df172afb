// Small SVG drawing in user units of one pixel: draw at the stage's width, and text keeps its size.
// Colours come from classes (hard, smooth, temperature, distil, reference, paper) in explore.css.
const lsPlot = (() => {
  const { distinct } = lsExplore;
  const NAMESPACE = "http://www.w3.org/2000/svg";

  /** An SVG element; children are elements or text. */
  function svg(tag, attributes = {}, ...children) {
    const made = document.createElementNS(NAMESPACE, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children.flat());
    return made;
  }

  const near = (value) => Math.round(value * 10) / 10;

  /** A drawing of so many pixels, which shrinks with its page but is best drawn at its width. */
  const picture = (width, height, ...children) =>
    svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height }, ...children);

  // --------------------------------------------------------------------------------------- scales

  function steps(low, high, count) {
    const rough = (high - low) / count || 1;
    const unit = 10 ** Math.floor(Math.log10(rough));
    const step = unit * [1, 2, 5, 10].find((n) => n * unit >= rough);
    const first = Math.ceil(low / step - 1e-9);
    const last = Math.floor(high / step + 1e-9);
    const at = (i) => Number(((first + i) * step).toPrecision(12));
    return Array.from({ length: last - first + 1 }, (_, i) => at(i));
  }

  function linear([low, high], [from, to]) {
    const scale = (value) => near(from + ((value - low) / (high - low || 1)) * (to - from));
    const ticks = (count = 5) => steps(low, high, count);
    return Object.assign(scale, { domain: [low, high], range: [from, to], ticks });
  }

  function log([low, high], [from, to]) {
    const across = linear([Math.log(low), Math.log(high)], [from, to]);
    const ticks = (count = 5) => {
      const decades = Math.log10(high / low);
      const factors = decades >= count ? [1] : decades > count / 3 ? [1, 3] : [1, 2, 5];
      const first = Math.floor(Math.log10(low));
      return Array.from({ length: Math.ceil(decades) + 2 }, (_, i) => 10 ** (first + i))
        .flatMap((power) => factors.map((factor) => Number((factor * power).toPrecision(12))))
        .filter((tick) => tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9));
    };
    const scale = (value) => across(Math.log(value));
    return Object.assign(scale, { domain: [low, high], range: [from, to], ticks });
  }

  /** Domain of some values, wide by a share of itself at both ends. */
  function extent(values, margin = 0.05) {
    let [low, high] = [Infinity, -Infinity];
    for (const value of values) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
    const room = (high - low) * margin || Math.abs(high) * margin || margin;
    return [low - room, high + room];
  }

  // ----------------------------------------------------------------------------------------- axes

  const plain = (value) => String(Number(value.toPrecision(6))).replace("-", "−");

  /** Hairline grid, tick labels, and titles: x's below its axis, y's above it. */
  function axes({ x, y, xTitle = "", yTitle = "", xFormat = plain, yFormat = plain, ...given }) {
    const { xTicks = x.ticks(), yTicks = y.ticks() } = given;
    const [left, right] = x.range;
    const [bottom, top] = y.range;
    const across = yTicks.map((tick) => [
      svg("path", { class: "grid", d: `M${left} ${y(tick)}H${right}` }),
      text(left - 6, y(tick), yFormat(tick), { anchor: "end", dy: "0.35em" }),
    ]);
    const along = xTicks.map((tick) => [
      svg("path", { class: "grid", d: `M${x(tick)} ${top}V${bottom}` }),
      text(x(tick), bottom + 16, xFormat(tick), { anchor: "middle" }),
    ]);
    const titles = [
      text(right, bottom + 34, xTitle, { anchor: "end", kind: "title" }),
      text(left - 34, top - 10, yTitle, { kind: "title" }),
    ];
    return svg("g", { class: "axes" }, ...across.flat(), ...along.flat(), ...titles);
  }

  // ---------------------------------------------------------------------------------------- marks

  function text(x, y, words, { anchor = "start", kind = "", dy = 0 } = {}) {
    return svg("text", { class: kind, x: near(x), y: near(y), dy, "text-anchor": anchor }, words);
  }

  const route = (points) =>
    points.map(([x, y], i) => `${i ? "L" : "M"}${near(x)} ${near(y)}`).join("");

  /** A line through points [x, y] in pixels. */
  const line = (points, kind = "") => svg("path", { class: `line ${kind}`, d: route(points) });

  /** The area between two lines of points. */
  const band = (upper, lower, kind = "") =>
    svg("path", { class: `band ${kind}`, d: `${route([...upper, ...lower.toReversed()])}Z` });

  const SHAPES = {
    circle: (r) => `m${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`,
    square: (r) => `m${-0.9 * r} ${-0.9 * r}h${1.8 * r}v${1.8 * r}h${-1.8 * r}z`,
    triangle: (r) => `m0 ${-1.2 * r}l${1.1 * r} ${2 * r}h${-2.2 * r}z`,
    diamond: (r) =>
      `m0 ${-1.4 * r}l${1.2 * r} ${1.4 * r}l${-1.2 * r} ${1.4 * r}l${-1.2 * r} ${-1.4 * r}z`,
  };

  /** Marks of one look at points [x, y] as one path, quick for thousands; `radius` in pixels. */
  function marks(points, { shape = "circle", radius = 2.5, kind = "" } = {}) {
    const outline = SHAPES[shape](near(radius));
    const d = points.map(([x, y]) => `M${near(x)} ${near(y)}${outline}`).join("");
    return svg("path", { class: `mark ${kind}`, d });
  }

  const mark = (x, y, look) => marks([[x, y]], { radius: 4, ...look });

  function bar(x, y, width, height, kind = "") {
    const size = { width: near(Math.max(0, width)), height: near(Math.max(0, height)) };
    return svg("rect", { class: `bar ${kind}`, x: near(x), y: near(y), ...size });
  }

  const SHORT = 13 / 40;

  /** The book's vermilion for smoothing of strength alpha, darker as alpha grows; hard at 0. */
  function smooth(alpha) {
    if (!alpha) return "var(--ls-hard)";
    const share = Math.sqrt(alpha);
    const [from, to, mixed] =
      share < SHORT
        ? ["pale", "smooth", share / SHORT]
        : ["smooth", "deep", (share - SHORT) / (1 - SHORT)];
    const name = (knot) => `var(--ls-${knot === "smooth" ? knot : `smooth-${knot}`})`;
    return `color-mix(in srgb, ${name(to)} ${(100 * mixed).toFixed(1)}%, ${name(from)})`;
  }

  // ------------------------------------------------------------------------ a quantity over seeds

  /** Values of the quantity at each α that has any, and their mean. */
  function pooled(runs, name) {
    const found = runs.filter((run) => run[name] !== null);
    return distinct(found.map(({ alpha }) => alpha)).map((alpha) => {
      const values = found.filter((run) => run.alpha === alpha).map((run) => run[name]);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      return { alpha, values, mean };
    });
  }

  /** Against α: every seed, the mean, and a band from the least to the greatest. */
  function overSeeds(runs, { name, kind, shape }, x, y) {
    const points = pooled(runs, name);
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

  return {
    svg, picture, linear, log, extent, axes, text, line, band, mark, marks, bar, smooth, plain,
    pooled, overSeeds,
  };
})();

// SVG drawings of a template plane and of curves; colours come from playground.css.
const lsDrawing = (() => {
  const PLANE = { width: 300, height: 300, margin: 16 };
  const CURVE = { width: 340, height: 170, left: 34, right: 330, top: 8, bottom: 148 };
  const MARKS = [
    (x, y) => `M${x - 2.6} ${y}a2.6 2.6 0 1 0 5.2 0a2.6 2.6 0 1 0 -5.2 0`,
    (x, y) => `M${x - 2.4} ${y - 2.4}h4.8v4.8h-4.8z`,
    (x, y) => `M${x} ${y - 3.2}l3 5.4h-6z`,
  ];

  function svg(kind, attributes, text = "") {
    const made = document.createElementNS("http://www.w3.org/2000/svg", kind);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.textContent = text;
    return made;
  }

  const picture = ({ width, height }) =>
    svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "not drawn yet" });

  /** Points by class with the templates' triangle, at equal aspect; all of `room` finds place. */
  function plane(target, { corners, groups, names, room }) {
    const [low, high] = [Math.min, Math.max].map((end) =>
      [0, 1].map((axis) => room.reduce((most, p) => end(most, p[axis]), room[0][axis])),
    );
    const { width, height, margin } = PLANE;
    const factor = (width - 2 * margin) / Math.max(high[0] - low[0], high[1] - low[1], 1e-9);
    const at = ([x, y]) => [
      +(width / 2 + factor * (x - (low[0] + high[0]) / 2)).toFixed(1),
      +(height / 2 - factor * (y - (low[1] + high[1]) / 2)).toFixed(1),
    ];
    const centre = (points) =>
      at([0, 1].map((axis) => points.reduce((sum, p) => sum + p[axis], 0) / points.length));
    const marks = groups.map((points, c) => {
      const d = points.map((p) => MARKS[c](...at(p))).join("");
      return svg("path", { class: `points class-${c}`, d });
    });
    const labels = groups.map((points, c) => {
      const [x, y] = centre(points);
      return svg("text", { class: `name class-${c}`, x, y, dy: "0.35em" }, names[c]);
    });
    const triangle = svg("polygon", { class: "triangle", points: corners.map(at).join(" ") });
    target.replaceChildren(triangle, ...marks, ...labels);
  }

  function nice(top) {
    const unit = 10 ** Math.floor(Math.log10(top));
    return [1, 2, 3, 4, 5, 10].map((n) => n * unit).find((n) => n >= top);
  }

  /** Lines {kind, points [step, value]} from step 0, up to `top` if given, and a dashed rule. */
  function curve(target, { lines, top, rule }) {
    const { left, right, bottom, top: upper, height } = CURVE;
    const values = lines.flatMap(({ points }) => points.map(([, value]) => value));
    const least = Math.min(0, ...values);
    const most = top ?? nice(Math.max(...values, rule?.at ?? 0));
    const last = Math.max(100, ...lines.map(({ points }) => points.at(-1)[0]));
    const x = (step) => +(left + (step / last) * (right - left)).toFixed(1);
    const y = (value) =>
      +(bottom - ((value - least) / (most - least)) * (bottom - upper)).toFixed(1);
    const across = (kind, value) =>
      svg("path", { class: kind, d: `M${left} ${y(value)}H${right}` });
    const tick = (place, text) => svg("text", { class: "tick", ...place }, text);

    const parts = ["start", "middle", "end"].flatMap((anchor, i) => {
      const value = (i / 2) * most;
      const step = Math.round((i / 2) * last);
      const name = `${i === 2 ? "step " : ""}${step.toLocaleString("en")}`;
      return [
        across("grid", value),
        tick(
          { x: left - 6, y: y(value), dy: "0.35em", "text-anchor": "end" },
          +value.toPrecision(2),
        ),
        tick({ x: x(step), y: height - 4, "text-anchor": anchor }, name),
      ];
    });
    if (rule) {
      parts.push(across("rule", rule.at));
      parts.push(tick({ x: right, y: y(rule.at) + 13, "text-anchor": "end" }, rule.label));
    }
    for (const { kind, points } of lines) {
      const d = points.map(([step, value], i) => `${i ? "L" : "M"}${x(step)} ${y(value)}`).join("");
      const [step, value] = points.at(-1);
      parts.push(svg("path", { class: `line ${kind}`, d }));
      parts.push(svg("circle", { class: `dot ${kind}`, cx: x(step), cy: y(value), r: 3.2 }));
    }
    target.replaceChildren(...parts);
  }

  return { PLANE, CURVE, picture, plane, curve };
})();

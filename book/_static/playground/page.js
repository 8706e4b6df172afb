// The playground's page: controls, drawings, and the worker behind them.
(() => {
  const place = document.getElementById("toy");
  const metrics = lsMetrics();
  const trainer = lsTrainer(lsNetwork(), metrics);
  const DIGITS = Object.fromEntries([...Array(10).keys()].map((digit) => [digit, String(digit)]));
  const STOPS = {
    short: { label: "after 500 steps", steps: 500 },
    long: { label: "after 3,000 steps", steps: 3000 },
    stalled: { label: "once neither NLL has fallen for 300 steps", patience: 300 },
  };
  const stops = Object.fromEntries(Object.entries(STOPS).map(([name, { label }]) => [name, label]));

  // Every setting of the page: where it starts, how it is asked for, and what a change does.
  const SETTINGS = {
    alpha: { label: "smoothing α", range: [0, 0.9, 0.05], initial: 0.1, act: restart },
    lr: { label: "learning rate", options: { 0.05: "0.05", 0.1: "0.1", 0.2: "0.2" }, initial: 0.2, act: restart },
    seed: { label: "seed", options: { 0: "0", 1: "1", 2: "2", 3: "3", 4: "4" }, initial: 0, act: restart },
    stop: { label: "stop", options: stops, initial: "long", act: () => send("stop", { stop: STOPS[state.stop] }) },
    first: { label: "class ●", options: DIGITS, initial: 3, act: show },
    second: { label: "class ■", options: DIGITS, initial: 5, act: show },
    third: { label: "class ▲", options: DIGITS, initial: 8, act: show },
    part: { label: "points", options: { val: "validation", train: "training" }, initial: "val", act: draw },
    form: { label: "scored draw of MI", options: { fresh: "fresh", reused: "reused" }, initial: "fresh", act: draw },
  };
  const CLASSES = ["first", "second", "third"];
  const NETWORKS = trainer.NAMES;
  const CURVES = [
    { name: "accuracy", title: "accuracy", of: (shot) => shot.accuracy, digits: 3, top: 1 },
    { name: "ece", title: "ECE", of: (shot) => shot.ece, digits: 3 },
    { name: "nll", title: "NLL (nats)", of: (shot) => shot.nll, digits: 2 },
    { name: "mi", title: "MI (nats)", of: (shot) => shot[state.form], digits: 2,
      rule: { at: Math.log(2), label: "log 2" } },
  ];

  const initial = Object.fromEntries(Object.entries(SETTINGS).map(([name, { initial }]) => [name, initial]));
  const state = { ...initial, ...linked() };
  const quiet = matchMedia("(prefers-reduced-motion: reduce)");
  const worker = new Worker(URL.createObjectURL(new Blob([
    `(${lsWorker})((${lsTrainer})((${lsNetwork})(), (${lsMetrics})()), self);`,
  ], { type: "text/javascript" })));
  let history = [];
  let latest = null;
  let turn = 0;
  let began = null;
  let frame = 0;
  let spoken = 0;

  // ------------------------------------------------------------------------------ state and orders

  function linked() {
    const [id, query] = decodeURI(location.hash.slice(1)).split("?");
    if (id !== "toy") return {};
    const known = [...new URLSearchParams(query)].filter(([name, text]) => {
      const { range, options } = SETTINGS[name] ?? {};
      return range ? text !== "" && Number(text) >= range[0] && Number(text) <= range[1] : options && text in options;
    });
    return Object.fromEntries(known.map(([name, text]) => [name, typed(name, text)]));
  }

  function typed(name, text) {
    return typeof SETTINGS[name].initial === "number" ? Number(text) : text;
  }

  function remember() {
    const changed = Object.entries(state).filter(([name, value]) => value !== initial[name]);
    const query = changed.map(([name, value]) => `${name}=${value}`).join("&");
    window.history.replaceState(null, "", `#toy${query && "?" + query}`);
  }

  const send = (order, more = {}) => worker.postMessage({ order, ...more });
  const classes = () => CLASSES.map((name) => state[name]);

  function restart() {
    history = [];
    latest = began = null;
    turn++;
    const { alpha, lr, seed } = state;
    send("restart", { turn, stop: STOPS[state.stop], settings: { alpha, lr, seed, classes: classes() } });
  }

  function show() {
    send("show", { classes: classes() });
  }

  function set(name, value) {
    const before = state[name];
    state[name] = value;
    const twin = CLASSES.includes(name) && CLASSES.find((other) => other !== name && state[other] === value);
    if (twin) state[twin] = before;
    fill();
    remember();
    SETTINGS[name].act();
  }

  worker.onerror = (error) => say(`The training stopped: ${error.message}. Reload the page.`);
  worker.onmessage = ({ data }) => {
    if (data.turn !== turn) return;
    if (history.at(-1)?.step === data.step) history.pop();
    history.push(data);
    if (data.running) began ??= { step: data.step, time: performance.now() };
    else began = null;
    latest = data;
    buttons();
    progress();
    if (!data.running || !quiet.matches) schedule();
    if (!data.running || performance.now() - spoken > 5000) speak();
  };

  // -------------------------------------------------------------------------------------- controls

  const element = (kind, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(kind), properties);
    made.append(...children);
    return made;
  };

  const inputs = {};
  const shown = element("output", { className: "value", htmlFor: "toy-alpha" });

  function control(name) {
    const { label, range, options } = SETTINGS[name];
    const id = `toy-${name}`;
    const input = range
      ? element("input", { type: "range", min: range[0], max: range[1], step: range[2] })
      : element("select", {}, ...Object.entries(options).map(([value, text]) => element("option", { value, textContent: text })));
    Object.assign(input, { id, name, onchange: () => set(name, typed(name, input.value)) });
    if (range) input.oninput = () => { shown.textContent = input.value; };
    inputs[name] = input;
    return element("span", { className: "control" },
      element("label", { htmlFor: id, textContent: label }), input, ...(range ? [shown] : []));
  }

  function fill() {
    for (const [name, input] of Object.entries(inputs)) input.value = state[name];
    shown.textContent = state.alpha;
    planes.smoothed.title.textContent = `smoothed, α = ${state.alpha}`;
  }

  const button = (textContent, onclick, title) => element("button", { type: "button", textContent, onclick, title });
  const startButton = button("Start", () => send(latest?.running ? "pause" : "run"), "Start or pause the training");
  const stepButton = button("Step", () => send("step"), "Take one step of gradient descent");
  const resetButton = button("Reset", restart, "Back to the first weights");
  const defaultsButton = button("Defaults", () => {
    Object.assign(state, initial);
    fill();
    remember();
    restart();
  }, "Back to the paper's α and to all other settings as they were");

  function buttons() {
    startButton.textContent = latest.running ? "Pause" : "Start";
    startButton.disabled = latest.done;
  }

  // -------------------------------------------------------------------------------------- drawings

  const SVG = "http://www.w3.org/2000/svg";
  const svg = (kind, attributes = {}, text = "") => {
    const made = document.createElementNS(SVG, kind);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.textContent = text;
    return made;
  };

  const PLANE = 300;
  const MARKS = [
    (x, y) => `M${x - 2.6} ${y}a2.6 2.6 0 1 0 5.2 0a2.6 2.6 0 1 0 -5.2 0`,
    (x, y) => `M${x - 2.4} ${y - 2.4}h4.8v4.8h-4.8z`,
    (x, y) => `M${x} ${y - 3.2}l3 5.4h-6z`,
  ];

  function drawPlane(name) {
    const { corners, points } = latest[name];
    const all = [...corners, ...points.train.flat(), ...points.val.flat()];
    const [low, high] = [Math.min, Math.max].map((end) => [0, 1].map((axis) => all.reduce((m, p) => end(m, p[axis]), all[0][axis])));
    const factor = (PLANE - 32) / Math.max(high[0] - low[0], high[1] - low[1], 1e-9);
    const at = ([x, y]) => [
      +(PLANE / 2 + factor * (x - (low[0] + high[0]) / 2)).toFixed(1),
      +(PLANE / 2 - factor * (y - (low[1] + high[1]) / 2)).toFixed(1),
    ];
    const groups = points[state.part];
    const marks = groups.map((group, c) =>
      svg("path", { class: `points class-${c}`, d: group.map((p) => MARKS[c](...at(p))).join("") }));
    const triangle = svg("polygon", { class: "triangle", points: corners.map(at).join(" ") });
    const names = groups.map((group, c) => {
      const [x, y] = at([0, 1].map((axis) => group.reduce((sum, p) => sum + p[axis], 0) / group.length));
      return svg("text", { class: `name class-${c}`, x, y, dy: "0.35em" }, String(latest.classes[c]));
    });
    planes[name].picture.replaceChildren(triangle, ...marks, ...names);
    const ratio = metrics.spreadRatio(groups);
    planes[name].number.textContent = ratio.toFixed(2);
    planes[name].picture.setAttribute("aria-label", `Activations of classes ${latest.classes.join(", ")}, ${called(name)}, `
      + `projected on the plane of their templates: spread within classes is ${ratio.toFixed(2)} of the distance between them.`);
  }

  const called = (name) => (name === "hard" ? "hard targets" : `smoothed at ${state.alpha}`);

  const BOX = { width: 340, height: 170, left: 34, right: 10, top: 8, bottom: 22 };

  function nice(top) {
    const unit = 10 ** Math.floor(Math.log10(top));
    return [1, 2, 3, 4, 5, 10].map((n) => n * unit).find((n) => n >= top);
  }

  const sameClasses = (shot) => [0, 1].every((i) => shot.classes[i] === latest.classes[i]);

  function drawCurve({ name, title, of, digits, top, rule }) {
    const seen = rule ? history.filter(sameClasses) : history;
    const values = seen.flatMap((shot) => NETWORKS.map((network) => of(shot[network])));
    const bottom = Math.min(0, ...values);
    const limit = top ?? nice(Math.max(...values, rule?.at ?? 0));
    const last = Math.max(latest.step, 100);
    const x = (step) => BOX.left + (step / last) * (BOX.width - BOX.left - BOX.right);
    const y = (value) => BOX.height - BOX.bottom - ((value - bottom) / (limit - bottom)) * (BOX.height - BOX.bottom - BOX.top);
    const parts = [];
    for (const part of [0, 0.5, 1]) {
      const [value, step] = [part * limit, Math.round(part * last)];
      parts.push(svg("path", { class: "grid", d: `M${BOX.left} ${y(value)}H${BOX.width - BOX.right}` }));
      parts.push(svg("text", { class: "tick", x: BOX.left - 6, y: y(value), dy: "0.35em", "text-anchor": "end" }, String(+value.toPrecision(2))));
      parts.push(svg("text", { class: "tick", x: x(step), y: BOX.height - 4, "text-anchor": ["start", "middle", "end"][part * 2] },
        part === 1 ? `step ${step.toLocaleString("en")}` : step.toLocaleString("en")));
    }
    if (rule) {
      parts.push(svg("path", { class: "rule", d: `M${BOX.left} ${y(rule.at)}H${BOX.width - BOX.right}` }));
      parts.push(svg("text", { class: "tick rule-name", x: BOX.width - BOX.right, y: y(rule.at) + 13, "text-anchor": "end" }, rule.label));
    }
    for (const network of NETWORKS) {
      const d = seen.map((shot, i) => `${i ? "L" : "M"}${x(shot.step).toFixed(1)} ${y(of(shot[network])).toFixed(1)}`).join("");
      parts.push(svg("path", { class: `line ${network}`, d }));
      const now = of(latest[network]);
      parts.push(svg("circle", { class: `dot ${network}`, cx: x(latest.step), cy: y(now), r: 3.2 }));
      curves[name].numbers[network].textContent = now.toFixed(digits);
    }
    curves[name].picture.replaceChildren(...parts);
    curves[name].picture.setAttribute("aria-label", `${title} against training step, at step ${latest.step}: `
      + NETWORKS.map((network) => `${called(network)} ${of(latest[network]).toFixed(digits)}`).join(", "));
  }

  function draw() {
    frame = 0;
    if (!latest) return;
    NETWORKS.forEach(drawPlane);
    CURVES.forEach(drawCurve);
    place.dataset.step = latest.step;
  }

  function schedule() {
    frame ||= requestAnimationFrame(draw);
  }

  function progress() {
    const epoch = ((latest.step * trainer.BATCH) / lsMnist1d.train.classes.length).toFixed(1);
    const gone = began && (performance.now() - began.time) / 1000;
    const rate = gone > 0.5 ? `, ${Math.round((latest.step - began.step) / gone)} steps a second` : "";
    counter.textContent = `step ${latest.step.toLocaleString("en")}, epoch ${epoch}${rate}`;
  }

  function speak() {
    spoken = performance.now();
    const how = latest.running ? "Training" : latest.done ? "Stopped by the rule" : latest.step ? "Paused" : "Ready";
    const numbers = NETWORKS.map((network) => `${called(network)}: ` + CURVES.map(({ title, of, digits }) =>
      `${title} ${of(latest[network]).toFixed(digits)}`).join(", "));
    say(`${how} at step ${latest.step}. ${numbers.join("; ")}.`);
  }

  function say(text) {
    spokenText.textContent = text;
  }

  // --------------------------------------------------------------------------------------- the page

  const picture = (width, height) => svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "not drawn yet" });
  const idea = { hard: "c-hard", smoothed: "c-smooth" };
  const planes = Object.fromEntries(NETWORKS.map((name) => [name, {
    picture: picture(PLANE, PLANE),
    number: element("b"),
    title: element("span", { className: idea[name], textContent: "hard targets" }),
  }]));
  const curves = Object.fromEntries(CURVES.map(({ name }) => [name, {
    picture: picture(BOX.width, BOX.height),
    numbers: Object.fromEntries(NETWORKS.map((network) => [network, element("b", { className: idea[network] })])),
  }]));
  const counter = element("span", { className: "counter" });
  const spokenText = element("p", { className: "spoken", role: "status", ariaLive: "polite" });

  const group = (label, ...children) => element("div", { className: "controls", role: "group", ariaLabel: label }, ...children);
  place.replaceChildren(
    group("Training", ...["alpha", "lr", "seed", "stop"].map(control)),
    group("Run", startButton, stepButton, resetButton, defaultsButton, counter),
    group("Templates", ...[...CLASSES, "part"].map(control)),
    element("div", { className: "planes" }, ...NETWORKS.map((name) => element("div", {},
      element("p", { className: "head" }, planes[name].title,
        element("span", { className: "spread" }, "spread ÷ distance ", planes[name].number)),
      planes[name].picture))),
    group("Curves", control("form")),
    element("div", { className: "curves" }, ...CURVES.map(({ name, title }) => element("div", {},
      element("p", { className: "head" }, element("span", { textContent: title }),
        element("span", { className: "numbers" }, ...Object.values(curves[name].numbers))),
      curves[name].picture))),
    spokenText,
  );
  fill();
  send("load", { packed: lsMnist1d });
  restart();
})();

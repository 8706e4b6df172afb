// The playground's page: controls, drawings, and the worker behind them.
(() => {
  const { tools } = window.lsFrame;
  const { linkTo, linked, initially, settled } = lsStates;
  const place = document.getElementById("toy");
  const metrics = lsMetrics();
  const trainer = lsTrainer(lsNetwork(), metrics);
  const STOPS = {
    short: { label: "after 500 steps", steps: 500 },
    long: { label: "after 3,000 steps", steps: 3000 },
    stalled: { label: "once neither NLL has fallen for 300 steps", patience: 300 },
  };
  const options = (values, label = String) =>
    values.map((value) => ({ value, label: label(value) }));
  const below = (count) => options([...Array(count).keys()]);

  // Every setting of the page, as a table of states, with what a change does.
  const TABLE = [
    { name: "alpha", label: "smoothing α", kind: "range", min: 0, max: 0.9, step: 0.05,
      initial: 0.1, act: restart },
    { name: "lr", label: "learning rate", kind: "choice", options: options([0.05, 0.1, 0.2]),
      initial: 0.2, act: restart },
    { name: "seed", label: "seed", kind: "choice", options: below(5), initial: 0,
      act: restart },
    { name: "stop", label: "stop", kind: "choice", initial: "long",
      options: options(Object.keys(STOPS), (name) => STOPS[name].label),
      act: () => send("stop", { stop: STOPS[state.stop] }) },
    { name: "first", label: "class ●", kind: "choice", options: below(10), initial: 3,
      act: show },
    { name: "second", label: "class ■", kind: "choice", options: below(10), initial: 5,
      act: show },
    { name: "third", label: "class ▲", kind: "choice", options: below(10), initial: 8,
      act: show },
    { name: "part", label: "points", kind: "choice", initial: "val", act: draw,
      options: [{ value: "val", label: "validation" }, { value: "train", label: "training" }] },
    { name: "form", label: "scored draw of MI", kind: "choice", initial: "fresh", act: draw,
      options: options(["fresh", "reused"]) },
  ];
  const CLASSES = ["first", "second", "third"];
  const NETWORKS = trainer.NAMES;
  const CURVES = [
    { name: "accuracy", title: "accuracy", of: (shot) => shot.accuracy, digits: 3, top: 1 },
    { name: "ece", title: "ECE", of: (shot) => shot.ece, digits: 3 },
    { name: "nll", title: "NLL (nats)", of: (shot) => shot.nll, digits: 2 },
    {
      name: "mi",
      title: "MI (nats)",
      of: (shot) => shot[state.form],
      digits: 2,
      rule: { at: Math.log(2), label: "log 2" },
    },
  ];

  const initial = initially(TABLE);
  const state = fromAddress();
  const quiet = matchMedia("(prefers-reduced-motion: reduce)");
  const worker = new Worker(
    URL.createObjectURL(
      new Blob([`(${lsWorker})((${lsTrainer})((${lsNetwork})(), (${lsMetrics})()), self);`], {
        type: "text/javascript",
      }),
    ),
  );
  let history = [];
  let latest = null;
  let turn = 0;
  let began = null;
  let frame = 0;
  let spoken = 0;

  // ------------------------------------------------------------------------------ state and orders

  /** The state that the address asks for; of classes that are not three, those of the start. */
  function fromAddress() {
    const { id, values } = linked(location.hash);
    const { state: asked } = settled(() => TABLE, id === place.id ? values : {});
    const distinct = new Set(CLASSES.map((name) => asked[name])).size === CLASSES.length;
    return { ...asked, ...(!distinct && Object.fromEntries(CLASSES.map((n) => [n, initial[n]]))) };
  }

  const link = () => linkTo(place.id, state, initial);

  function remember() {
    window.history.replaceState(null, "", link());
  }

  const send = (order, more = {}) => worker.postMessage({ order, ...more });
  const classes = () => CLASSES.map((name) => state[name]);

  function restart() {
    history = [];
    latest = began = null;
    turn++;
    const { alpha, lr, seed } = state;
    send("restart", {
      turn,
      stop: STOPS[state.stop],
      settings: { alpha, lr, seed, classes: classes() },
    });
  }

  function show() {
    send("show", { classes: classes() });
  }

  function set(name, value) {
    const before = state[name];
    state[name] = value;
    const twin =
      CLASSES.includes(name) && CLASSES.find((other) => other !== name && state[other] === value);
    if (twin) state[twin] = before;
    fill();
    remember();
    entry(name).act();
  }

  worker.onerror = (error) => say(`The training stopped: ${error.message}. Reload the page.`);
  worker.onmessage = ({ data }) => {
    if (data.turn !== turn) return;
    if (history.at(-1)?.step === data.step) history.pop();
    history.push(trainer.summary(data));
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

  const entry = (name) => TABLE.find((each) => each.name === name);
  const inputs = {};
  const shown = element("output", { className: "value", htmlFor: "toy-alpha" });

  function control(name) {
    const { label, kind, options, min, max, step } = entry(name);
    const id = `toy-${name}`;
    const range = kind === "range";
    const input = range
      ? element("input", { type: "range", min, max, step })
      : element("select", {}, ...options.map((option) =>
          element("option", { value: option.value, textContent: option.label }),
        ));
    const chosen = () =>
      range ? Number(input.value) : options[input.selectedIndex].value;
    Object.assign(input, { id, name, onchange: () => set(name, chosen()) });
    if (range)
      input.oninput = () => {
        shown.textContent = input.value;
      };
    inputs[name] = input;
    return element(
      "span",
      { className: "control" },
      element("label", { htmlFor: id, textContent: label }),
      input,
      ...(range ? [shown] : []),
    );
  }

  function fill() {
    for (const [name, input] of Object.entries(inputs)) input.value = state[name];
    shown.textContent = state.alpha;
    planes.smoothed.title.textContent = `smoothed, α = ${state.alpha}`;
  }

  const button = (textContent, onclick, title) =>
    element("button", { type: "button", textContent, onclick, title });
  const startButton = button(
    "Start",
    () => send(latest?.running ? "pause" : "run"),
    "Start or pause the training",
  );
  const stepButton = button("Step", () => send("step"), "Take one step of gradient descent");
  const restartButton = button("Restart", restart, "Back to the first weights");

  function reset() {
    Object.assign(state, initial);
    fill();
    remember();
    restart();
  }

  function buttons() {
    startButton.textContent = latest.running ? "Pause" : "Start";
    startButton.disabled = latest.done;
  }

  // -------------------------------------------------------------------------------------- drawings

  const called = (name) => (name === "hard" ? "hard targets" : `smoothed at ${state.alpha}`);

  function drawPlane(name) {
    const { corners, points } = latest[name];
    const { picture, number } = planes[name];
    const groups = points[state.part];
    const room = [...corners, ...points.train.flat(), ...points.val.flat()];
    lsDrawing.plane(picture, { corners, groups, names: latest.classes, room });
    number.textContent = metrics.spreadRatio(groups).toFixed(2);
    picture.ariaLabel =
      `Activations of classes ${latest.classes.join(", ")}, ${called(name)}, projected on the ` +
      `plane of their templates: spread over distance is ${number.textContent}.`;
  }

  const sameClasses = (shot) => [0, 1].every((i) => shot.classes[i] === latest.classes[i]);

  function drawCurve({ name, title, of, digits, top, rule }) {
    const { picture, numbers } = curves[name];
    const seen = rule ? history.filter(sameClasses) : history;
    const lines = NETWORKS.map((network) => ({
      kind: network,
      points: seen.map((shot) => [shot.step, of(shot[network])]),
    }));
    lsDrawing.curve(picture, { lines, top, rule });
    for (const network of NETWORKS)
      numbers[network].textContent = of(latest[network]).toFixed(digits);
    picture.ariaLabel =
      `${title} against training step, at step ${latest.step}: ` +
      NETWORKS.map((network) => `${called(network)} ${numbers[network].textContent}`).join(", ");
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

  const rows = ({ step, ...shot }) =>
    NETWORKS.map((network) => {
      const { accuracy, ece, nll, fresh: mi_fresh, reused: mi_reused } = shot[network];
      return { step, network: called(network), accuracy, ece, nll, mi_fresh, mi_reused };
    });

  function progress() {
    const epoch = ((latest.step * trainer.BATCH) / lsMnist1d.train.classes.length).toFixed(1);
    const gone = began && (performance.now() - began.time) / 1000;
    const rate =
      gone > 0.5 ? `, ${Math.round((latest.step - began.step) / gone)} steps a second` : "";
    counter.textContent = `step ${latest.step.toLocaleString("en")}, epoch ${epoch}${rate}`;
  }

  function speak() {
    spoken = performance.now();
    const how = latest.running
      ? "Training"
      : latest.done
        ? "Stopped by the rule"
        : latest.step
          ? "Paused"
          : "Ready";
    const numbers = NETWORKS.map(
      (network) =>
        `${called(network)}: ` +
        CURVES.map(
          ({ title, of, digits }) => `${title} ${of(latest[network]).toFixed(digits)}`,
        ).join(", "),
    );
    say(`${how} at step ${latest.step}. ${numbers.join("; ")}.`);
  }

  function say(text) {
    spokenText.textContent = text;
  }

  // -------------------------------------------------------------------------------------- the page

  const idea = { hard: "c-hard", smoothed: "c-smooth" };
  const planes = Object.fromEntries(
    NETWORKS.map((name) => [
      name,
      {
        picture: lsDrawing.picture(lsDrawing.PLANE),
        number: element("b"),
        title: element("span", { className: idea[name], textContent: "hard targets" }),
      },
    ]),
  );
  const curves = Object.fromEntries(
    CURVES.map(({ name }) => [
      name,
      {
        picture: lsDrawing.picture(lsDrawing.CURVE),
        numbers: Object.fromEntries(
          NETWORKS.map((network) => [network, element("b", { className: idea[network] })]),
        ),
      },
    ]),
  );
  const counter = element("span", { className: "counter" });
  const spokenText = element("p", { className: "spoken", role: "status", ariaLive: "polite" });

  const group = (label, ...children) =>
    element("div", { className: "controls", role: "group", ariaLabel: label }, ...children);
  place.replaceChildren(
    group("Training", ...["alpha", "lr", "seed", "stop"].map(control)),
    group("Run", startButton, stepButton, restartButton, counter),
    group("Templates", ...[...CLASSES, "part"].map(control)),
    element(
      "div",
      { className: "planes" },
      ...NETWORKS.map((name) =>
        element(
          "div",
          {},
          element(
            "p",
            { className: "head" },
            planes[name].title,
            element("span", { className: "spread" }, "spread ÷ distance ", planes[name].number),
          ),
          planes[name].picture,
        ),
      ),
    ),
    group("Curves", control("form")),
    element(
      "div",
      { className: "curves" },
      ...CURVES.map(({ name, title }) =>
        element(
          "div",
          {},
          element(
            "p",
            { className: "head" },
            element("span", { textContent: title }),
            element("span", { className: "numbers" }, ...Object.values(curves[name].numbers)),
          ),
          curves[name].picture,
        ),
      ),
    ),
    element("figcaption", {}, spokenText),
  );
  tools(place, { reset, link, data: () => [history.flatMap(rows)] });
  addEventListener("hashchange", () => {
    if (linked(location.hash).id !== place.id) return;
    Object.assign(state, fromAddress());
    fill();
    restart();
  });
  fill();
  send("load", { packed: lsMnist1d });
  restart();
})();

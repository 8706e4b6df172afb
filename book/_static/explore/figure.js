// Figures that compute what they draw. A kind registers three functions; controls, address, reset
// and download follow from its table of state:
//
//   state(config, current) -> a table as in states.js, with labels, and formats of ranges
//   load(config, state)    -> what draw needs; cheap when nothing new is needed
//   draw(stage, data, state, config) -> { numbers: [{ label, value, of?, kind? }], alt, rows,
//                                         marks?: { name: [{ value, label }] } }
//
// An entry of the table may depend on others; at first `current` is empty, and it never holds what
// the table did not allow. Numbers with `of` form a table, a row for each. Marks are buttons below
// a range. `rows` makes the data to download, when they are asked for.
const lsExplore = (() => {
  const { tools, whenNear } = window.lsFrame;
  const { linkTo, linked, initially, settled } = lsStates;
  const QUIET = 700;
  const FRAME = 220;
  const kinds = {};
  const figures = [];

  function make(tag, properties = {}, ...children) {
    const { data = {}, ...plain } = properties;
    const made = Object.assign(document.createElement(tag), plain);
    Object.assign(made.dataset, data);
    made.append(...children);
    return made;
  }

  // ------------------------------------------------------------------------------------- controls

  const MAKERS = { range, choice, switch: toggle };

  function range(entry, id, change) {
    const { values, format = String, label: quantity } = entry;
    const { min, max, step } = values ? { min: 0, max: values.length - 1, step: 1 } : entry;
    const input = make("input", { type: "range", id, min, max, step, hidden: min === max });
    const output = make("output");
    output.setAttribute("for", id);
    const marks = make("span", { className: "ls-marks" });
    input.oninput = () => change(values ? values[input.value] : Number(input.value));
    const show = (value) => {
      input.value = values ? values.indexOf(value) : value;
      output.textContent = format(value);
      input.setAttribute("aria-valuetext", format(value));
    };
    const button = ({ value, label }) => {
      const made = make("button", { type: "button", textContent: label });
      made.title = `Set ${quantity} to it`;
      made.style.setProperty("--share", Math.min(1, Math.max(0, (value - min) / (max - min))));
      made.onclick = () => change(value);
      return made;
    };
    const mark = (list) => {
      if (JSON.stringify(list) === marks.dataset.list) return;
      marks.dataset.list = JSON.stringify(list);
      marks.replaceChildren(...list.map(button));
    };
    return { parts: [make("span", { className: "ls-slider" }, input, marks), output], show, mark };
  }

  function choice({ options }, id, change) {
    const select = make("select", { id, disabled: options.length < 2 });
    const items = options.map(({ label }, i) => make("option", { value: i, textContent: label }));
    select.append(...items);
    select.onchange = () => change(options[select.value].value);
    const show = (value) => (select.value = options.findIndex((option) => option.value === value));
    return { parts: [select], show };
  }

  function toggle(_, id, change) {
    const input = make("input", { type: "checkbox", id });
    input.onchange = () => change(input.checked);
    return { parts: [input], show: (value) => (input.checked = value) };
  }

  function control(entry, id, change) {
    const { parts, show, mark = () => {} } = MAKERS[entry.kind](entry, id, change);
    const label = make("label", { htmlFor: id, textContent: entry.label });
    const element = make("div", { className: `ls-control ls-${entry.kind}` }, label, ...parts);
    return { element, show, mark, signature: JSON.stringify(entry) };
  }

  // ------------------------------------------------------------------------------------- a figure

  class Explorer {
    /** An `alone` figure stands in a page whose address is not its own: a notebook. */
    constructor(element, kind, alone = false) {
      this.element = element;
      this.kind = kind;
      this.alone = alone;
      const { textContent } = element.querySelector('script[type="application/json"]');
      this.config = JSON.parse(textContent);
      this.form = element.querySelector(".ls-controls");
      this.form.addEventListener("submit", (event) => event.preventDefault());
      this.further = make("div", { className: "ls-further" });
      this.more = make("details", { className: "ls-more" }, make("summary", { textContent: "more" }));
      this.more.append(this.further);
      this.stage = element.querySelector(".ls-stage");
      this.numbers = element.querySelector(".ls-numbers");
      this.said = make("p", { className: "ls-said", role: "status" });
      this.stage.after(this.said);
      this.controls = new Map();
      this.state = {};
      this.rows = () => [];
      element.classList.add("ls-driven");
      tools(element, {
        reset: () => this.reset(),
        link: alone ? null : () => this.link(),
        data: () => [this.rows()],
      });
    }

    /** Load and draw for the first time; later calls wait for the same. */
    start() {
      this.started ??= this.restart(this.state).then(() => {
        const fit = () => this.width !== this.stage.clientWidth && this.draw();
        new ResizeObserver(fit).observe(this.stage);
        if (this.kind.plays && !matchMedia("(prefers-reduced-motion: reduce)").matches)
          this.play(this.kind.plays);
      });
      return this.started;
    }

    /** Run once through the values of a range, until a control is moved. */
    async play(name) {
      const { values, initial } = this.table.find((entry) => entry.name === name);
      if (this.state[name] !== initial) return;
      for (const value of values) {
        if (this.touched) return;
        this.state[name] = value;
        this.settle();
        this.draw();
        await new Promise((resolve) => setTimeout(resolve, FRAME));
      }
    }

    async reset() {
      await this.restart({});
      this.remember();
    }

    restart(state) {
      this.state = state;
      this.settle();
      return this.refresh();
    }

    /** Bring the state within its table, and the controls after it. */
    settle() {
      const tableOf = (current) => this.kind.state(this.config, current);
      Object.assign(this, settled(tableOf, this.state));
      for (const [name, { element }] of this.controls)
        if (!this.table.some((entry) => entry.name === name)) {
          element.remove();
          this.controls.delete(name);
        }
      for (const entry of this.table) this.place(entry);
      this.line(this.form, this.table.filter(({ more }) => !more));
      const further = this.table.filter(({ more }) => more);
      this.line(this.further, further);
      if (further.length) this.form.append(this.more);
      else this.more.remove();
    }

    /** Have the controls of these entries stand first in `place`, in their order. */
    line(place, entries) {
      entries.forEach(({ name }, i) => {
        const { element } = this.controls.get(name);
        const here = place.children[i];
        if (here !== element) place.insertBefore(element, here ?? null);
      });
    }

    place(entry) {
      const old = this.controls.get(entry.name);
      if (old?.signature !== JSON.stringify(entry)) {
        const made = control(entry, `${this.element.id}-${entry.name}`, (value) => {
          this.change(entry.name, value);
        });
        if (old) old.element.replaceWith(made.element);
        else this.form.append(made.element);
        this.controls.set(entry.name, made);
      }
      this.controls.get(entry.name).show(this.state[entry.name]);
    }

    change(name, value) {
      const { plays } = this.kind;
      if (plays && !this.touched)
        this.state[plays] = this.table.find((entry) => entry.name === plays).initial;
      this.touched = true;
      this.state[name] = value;
      this.settle();
      this.remember();
      return this.refresh();
    }

    remember() {
      if (!this.alone) history.replaceState(null, "", this.link());
    }

    link() {
      return linkTo(this.element.id, this.state, initially(this.table));
    }

    async refresh() {
      const asked = (this.asked = {});
      this.stage.ariaBusy = "true";
      try {
        const data = await this.kind.load(this.config, { ...this.state });
        if (asked !== this.asked) return;
        this.data = data;
        this.draw();
      } catch (error) {
        if (asked !== this.asked) return;
        this.stage.textContent = `This figure could not be drawn: ${error.message}`;
        console.error(error);
      }
      this.stage.ariaBusy = "false";
    }

    draw() {
      if (!this.data) return;
      this.width = this.stage.clientWidth;
      const { stage, data, state, config } = this;
      const { numbers, alt, rows, marks = {} } = this.kind.draw(stage, data, state, config);
      this.rows = rows;
      this.numbers.replaceChildren(...written(numbers));
      for (const [name, { mark }] of this.controls) mark(marks[name] ?? []);
      this.stage.ariaLabel = alt;
      this.say(alt);
      this.element.dataset.ready = "true";
    }

    /** Tell readers who hear the page, once the figure has come to rest. */
    say(alt) {
      clearTimeout(this.timer);
      if (this.alt) this.timer = setTimeout(() => (this.said.textContent = alt), QUIET);
      this.alt = alt;
    }
  }

  const cell = (tag, text, scope = "") => make(tag, { textContent: text, ...(scope && { scope }) });

  function written(numbers) {
    if (!numbers.length) return [];
    return [numbers.some(({ of }) => of) ? asTable(numbers) : asPairs(numbers)];
  }

  function asPairs(numbers) {
    const pairs = numbers.map(({ label, value, kind = "" }) =>
      make("div", { className: kind }, cell("dt", label), cell("dd", value)),
    );
    return make("dl", {}, ...pairs);
  }

  function asTable(numbers) {
    const labels = [...new Set(numbers.map(({ label }) => label))];
    const names = [...new Set(numbers.map(({ of }) => of))];
    const head = make("tr", {}, make("td"), ...labels.map((label) => cell("th", label, "col")));
    const lines = names.map((name) => {
      const own = numbers.filter(({ of }) => of === name);
      const value = (label) => own.find((number) => number.label === label)?.value ?? "";
      const cells = labels.map((label) => cell("td", value(label)));
      return make("tr", { className: own[0].kind ?? "" }, cell("th", name, "row"), ...cells);
    });
    return make("table", {}, make("thead", {}, head), make("tbody", {}, ...lines));
  }

  // ------------------------------------------------------------------------------------- the page

  const register = (name, kind) => (kinds[name] = kind);
  const drawAll = () => Promise.all(figures.map((figure) => figure.start()));

  let followed;

  async function fromAddress() {
    const { id, values } = linked(location.hash);
    const figure = figures.find(({ element }) => element.id === id);
    if (!figure) {
      if (!location.hash) await followed?.restart({});
      return;
    }
    followed = figure;
    if (figure.started) {
      if (location.hash !== figure.link()) await figure.restart(values);
    } else {
      figure.state = values;
      await figure.start();
    }
    figure.element.scrollIntoView();
  }

  function start() {
    for (const element of document.querySelectorAll("figure.ls-explorer")) {
      const kind = kinds[element.dataset.kind];
      if (!kind) continue;
      const figure = new Explorer(element, kind);
      figures.push(figure);
      whenNear([element], () => figure.start());
    }
    addEventListener("beforeprint", drawAll);
    addEventListener("hashchange", fromAddress);
    fromAddress();
  }

  /** Draw one figure that carries all it needs. */
  const alone = (element) => new Explorer(element, kinds[element.dataset.kind], true).start();

  // ----------------------------------------------------------- what tables of state have in common

  const setOf = ({ sets }, { data }) => sets.find(({ name }) => name === data) ?? sets[0];
  const distinct = (values) => [...new Set(values)].sort((a, b) => a - b);
  const nearest = (values, to) =>
    values.reduce((best, value) => (Math.abs(value - to) < Math.abs(best - to) ? value : best));

  /** Seeds to choose from, and the strengths that were run with the chosen one. */
  function recorded({ runs }, current) {
    const seeds = distinct(runs.map(({ seed }) => seed));
    const seed = seeds.includes(current.seed) ? current.seed : seeds[0];
    const smoothed = runs.filter((run) => run.seed === seed && run.alpha > 0);
    return { seeds, alphas: smoothed.map(({ alpha }) => alpha) };
  }

  return { register, start, alone, drawAll, setOf, distinct, nearest, recorded };
})();

// Draws every <figure class="ls-figure"> of a page: fits it to the room there is, follows the
// theme switch, keeps the state of its controls in the address, offers reset and download. Vega
// comes with the first figure that comes near the screen.
window.lsCharts = (() => {
  const { light, dark, recolour } = window.LSBOOK_THEME;
  const { tools, whenNear } = window.lsFrame;
  const { linkTo, linked, initially, settled } = lsStates;
  const home = document.currentScript?.src;
  const root = document.documentElement;
  const SVG_LIMIT = 4000;
  const CHROME = 60;
  const READABLE = 0.75;
  const MANY = 8;

  const isDark = () => root.dataset.theme === "dark";

  function coloured(text) {
    if (!isDark()) return text;
    return text.replace(/#[0-9a-f]{6}\b/gi, (hex) => recolour[hex.toUpperCase()] ?? hex);
  }

  // ------------------------------------------------------------------ fitting a chart to a width

  const PARTS = ["hconcat", "vconcat", "concat", "layer"];
  const children = (spec) => PARTS.flatMap((key) => spec[key] ?? []).concat(spec.spec ?? []);

  function columnsOf(spec) {
    const { facet } = spec;
    const channels = spec.encoding ?? {};
    const own =
      spec.hconcat?.length ??
      (spec.concat && (spec.columns ?? spec.concat.length)) ??
      (facet && (facet.row ? 1 : (spec.columns ?? MANY))) ??
      (channels.facet && (channels.facet.columns ?? MANY)) ??
      (channels.column && !channels.row ? MANY : 1);
    return Math.max(own, ...children(spec).map(columnsOf));
  }

  function arrange(spec, columns) {
    const part = { ...spec };
    for (const key of PARTS)
      if (part[key]) part[key] = part[key].map((child) => arrange(child, columns));
    if (part.spec) part.spec = arrange(part.spec, columns);

    if (part.hconcat?.length > columns) {
      part.concat = part.hconcat;
      part.columns = columns;
      delete part.hconcat;
    } else if (part.concat || (part.facet && !part.facet.row && !part.facet.column)) {
      part.columns = Math.min(part.columns ?? Infinity, columns);
      if (part.columns === Infinity) delete part.columns;
    } else if (part.facet?.column && !part.facet.row) {
      part.facet = part.facet.column;
      part.columns = columns;
    }
    const channels = part.encoding;
    if (channels?.column && !channels.row) {
      const { column, ...others } = channels;
      part.encoding = { ...others, facet: { ...column, columns } };
    } else if (channels?.facet) {
      const { facet } = channels;
      const fewer = Math.min(facet.columns ?? MANY, columns);
      part.encoding = { ...channels, facet: { ...facet, columns: fewer } };
    }
    return part;
  }

  const sizeOf = ({ width, height }) => [
    width ?? light.view.continuousWidth,
    height ?? light.view.continuousHeight,
  ];

  function hasSquare(spec) {
    const [width, height] = sizeOf(spec);
    return Boolean(spec.mark || spec.layer) && Math.abs(width - height) < 0.15 * width
      || children(spec).some(hasSquare);
  }

  function shrink(spec, factor, alsoHeight = hasSquare(spec)) {
    const part = { ...spec };
    for (const key of ["hconcat", "vconcat", "concat"])
      if (part[key]) part[key] = part[key].map((child) => shrink(child, factor, alsoHeight));
    if (part.spec) part.spec = shrink(part.spec, factor, alsoHeight);
    if (!(part.mark || part.layer)) return part;

    const [width, height] = sizeOf(part);
    if (typeof width === "number") part.width = Math.round(width * factor);
    else if (width?.step) part.width = { step: width.step * factor };
    if (alsoHeight && typeof height === "number") part.height = Math.round(height * factor);
    return part;
  }

  // ------------------------------------------------------------------------------------- a figure

  const KINDS = { range: "range", select: "choice", radio: "choice", checkbox: "switch" };

  /** A bound parameter of a chart as an entry of a table of states. */
  const entryOf = ({ name, bind: { input, options = [], ...range } }, initial) => ({
    ...range, name, initial, kind: KINDS[input], options: options.map((value) => ({ value })),
  });

  class Figure {
    /** An `alone` figure stands in a page whose address is not its own: a notebook. */
    constructor(element, number, alone = false) {
      this.alone = alone;
      this.element = element;
      this.chart = element.querySelector(".ls-chart");
      this.controls = element.querySelector(".ls-controls");
      this.controls.addEventListener("submit", (event) => event.preventDefault());
      this.source = element.querySelector('script[type="application/json"]').textContent;
      this.state = {};
      element.id ||= `figure-${number}`;
      this.stage = document.createElement("div");
      this.stage.ariaHidden = "true";
      this.chart.replaceChildren(this.stage);
      tools(element, {
        reset: () => this.reset(),
        link: alone ? null : () => this.link(),
        data: () => Object.values(JSON.parse(this.source).datasets ?? {}),
      });
    }

    get room() {
      return this.chart.clientWidth;
    }

    async draw() {
      const room = this.room;
      if (!room) return;
      const spec = JSON.parse(coloured(this.source));
      let columns = columnsOf(spec);
      let width = await this.embed(spec);
      while (columns > 1 && (room - CHROME) / (width - CHROME) < READABLE) {
        columns = Math.max(1, Math.min(columns - 1, Math.floor((columns * room) / width)));
        width = await this.embed(arrange(spec, columns));
      }
      let factor = 1;
      let perFactor = width - CHROME;
      for (let attempt = 0; width > room && factor > 0.1 && attempt < 4; attempt++) {
        const wider = { factor, width };
        factor = Math.max(0.1, factor - (width - room + 1) / perFactor);
        width = await this.embed(shrink(arrange(spec, columns), factor));
        perFactor = Math.max((wider.width - width) / (wider.factor - factor), CHROME);
      }
      this.drawn = { room, dark: isDark() };
      this.element.dataset.ready = "true";
    }

    async embed(spec) {
      this.view?.finalize();
      this.controls.replaceChildren();
      const rows = Object.values(spec.datasets ?? {}).reduce((sum, data) => sum + data.length, 0);
      const look = isDark() ? dark : light;
      const legend = this.room < 480 ? { ...look.legend, columns: 2 } : look.legend;
      const result = await vegaEmbed(this.stage, spec, {
        mode: "vega-lite",
        actions: false,
        defaultStyle: false,
        renderer: rows > SVG_LIMIT ? "canvas" : "svg",
        bind: this.controls,
        config: { ...look, legend },
        tooltip: { theme: isDark() ? "dark" : "light" },
      });
      this.view = this.element.view = result.view;
      const bound = (result.vgSpec.signals ?? []).filter((signal) => signal.bind);
      this.table ??= bound.map((signal) => entryOf(signal, this.view.signal(signal.name)));
      for (const radios of this.controls.querySelectorAll(".vega-bind:has(.vega-bind-radio)")) {
        radios.role = "radiogroup";
        radios.ariaLabel = radios.querySelector(".vega-bind-name").textContent;
      }
      this.element.classList.toggle("ls-driven", this.table.length > 0);
      await this.set(this.state);
      for (const { name } of this.table)
        this.view.addSignalListener(name, () => this.remember(name));
      const drawing = this.stage.querySelector("svg, canvas");
      return parseFloat(drawing.style.width || drawing.getAttribute("width"));
    }

    async set(values) {
      this.state = settled(() => this.table, values).state;
      for (const [name, value] of Object.entries(this.state)) this.view.signal(name, value);
      await this.view.runAsync();
    }

    remember(name) {
      this.state[name] = this.view.signal(name);
      if (!this.alone) history.replaceState(null, "", this.link());
    }

    link() {
      return linkTo(this.element.id, this.state, initially(this.table ?? []));
    }

    async reset() {
      await this.set({});
    }
  }

  // ------------------------------------------------------------------------------------- the page

  let vega;

  function withVega() {
    const inTurn = (before, name) => before.then(() => load(name));
    return (vega ??= window.LSBOOK_CHART_SCRIPTS.reduce(inTurn, Promise.resolve()));
  }

  const load = (name) =>
    new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.onload = resolve;
      script.onerror = () =>
        reject(new Error(`${name} did not load; try again with the network on`));
      script.src = new URL(name, home);
      document.head.append(script);
    });

  const figures = [];
  let drawing = Promise.resolve();

  /** One at a time, in the order in which they were asked for. */
  function draw(figure) {
    figure.asked = figure.waiting = true;
    drawing = drawing
      .then(withVega)
      .then(() => {
        figure.waiting = false;
        return figure.draw();
      })
      .catch((error) => {
        figure.chart.textContent = `This figure could not be drawn: ${error.message}`;
        console.error(error);
      });
    return drawing;
  }

  const drawAll = () => Promise.all(figures.filter(({ asked }) => !asked).map(draw));

  async function start() {
    const found = [...document.querySelectorAll("figure.ls-figure:not(.ls-explorer)")];
    figures.push(...found.map((element, i) => new Figure(element, i + 1)));
    const fits = ({ drawn, room }) =>
      drawn && Math.abs(drawn.room - room) <= 4 && drawn.dark === isDark();
    const stale = (figure) => figure.asked && !figure.waiting && figure.room && !fits(figure);
    const refresh = () => figures.filter(stale).forEach(draw);

    let timer;
    const sizes = new ResizeObserver(() => {
      clearTimeout(timer);
      timer = setTimeout(refresh, 120);
    });
    for (const figure of figures) {
      whenNear([figure.element], () => figure.asked || draw(figure));
      sizes.observe(figure.element);
    }
    new MutationObserver(refresh).observe(root, { attributeFilter: ["data-theme"] });
    addEventListener("beforeprint", drawAll);

    addEventListener("hashchange", fromAddress);
    await fromAddress();
  }

  async function fromAddress() {
    const { id, values } = linked(location.hash);
    const figure = figures.find(({ element }) => element.id === id);
    if (!figure) return;
    if (figure.view) await figure.set(values);
    else {
      figure.state = values;
      await draw(figure);
    }
    figure.element.scrollIntoView();
  }

  /** Draw one figure that carries all it needs, vega included. */
  const alone = (element) => draw(new Figure(element, 1, true));

  return { start, alone, drawAll };
})();

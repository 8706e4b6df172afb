// Run in a page of the built book: a figure as it stands, with every drawing a picture of its own.
async (figure) => {
  const INHERITED = [
    "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray",
    "stroke-linejoin", "stroke-linecap", "font-family", "font-size", "font-weight", "font-style",
    "text-anchor", "dominant-baseline", "paint-order", "visibility",
  ];
  const OWN = { opacity: "1", display: "inline", transform: "none" };

  /** A copy that needs no style sheet: what differs from the parent is written on the element. */
  function standalone(svg) {
    const copy = svg.cloneNode(true);
    const from = [svg, ...svg.querySelectorAll("*")];
    const to = [copy, ...copy.querySelectorAll("*")];
    from.forEach((element, index) => {
      const style = getComputedStyle(element);
      const parent = index && getComputedStyle(element.parentElement);
      for (const name of INHERITED)
        if (!index || style[name] !== parent[name]) to[index].style[name] = style[name];
      for (const [name, plain] of Object.entries(OWN))
        if (index && ![plain, "block"].includes(style[name])) to[index].style[name] = style[name];
      to[index].removeAttribute("class");
    });
    const { width, height } = svg.getBoundingClientRect();
    copy.setAttribute("viewBox", svg.getAttribute("viewBox") ?? `0 0 ${width} ${height}`);
    copy.setAttribute("width", width);
    copy.setAttribute("height", height);
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    return new XMLSerializer().serializeToString(copy);
  }

  const stage = figure.querySelector(".ls-stage, .ls-chart");
  const outermost = [...stage.querySelectorAll("svg")].filter((svg) => !svg.ownerSVGElement);
  const drawings = figure.view ? [await figure.view.toSVG()] : outermost.map(standalone);
  const { width, height } = stage.getBoundingClientRect();
  const text = (element) => element?.textContent.trim() ?? "";
  const title = figure.querySelector(".ls-title")?.cloneNode(true);
  const note = title?.querySelector("small");
  note?.remove();
  return {
    chapter: text(document.querySelector("h1")).replace(/#$/, ""),
    section: text(figure.closest("section")?.querySelector(":is(h1, h2, h3)")).replace(/#$/, ""),
    title: text(title),
    note: text(note),
    alt: stage.getAttribute("aria-label") ?? "",
    numbers: figure.querySelector(".ls-numbers")?.innerHTML ?? "",
    caption: text(figure.querySelector("figcaption > p")),
    tall: width < 1.2 * height,
    drawings,
  };
}

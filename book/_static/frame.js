// What every figure has below it and in the address: reset, link, download, and its state; and when
// it is drawn.
window.lsFrame = (() => {
  const NEAR = "600px";

  /** A value as JSON; a word that is no JSON stands for itself. */
  function read(written) {
    try {
      return JSON.parse(written);
    } catch {
      return written;
    }
  }

  const write = (value) => (read(value) === value ? String(value) : JSON.stringify(value));

  const linkTo = (id, state, initial) => {
    const query = Object.entries(state)
      .filter(([name, value]) => value !== initial[name])
      .map(([name, value]) => `${name}=${encodeURIComponent(write(value)).replaceAll("%2F", "/")}`)
      .join("&");
    return `#${id}${query && "?" + query}`;
  };

  function stateInAddress() {
    const [id, query = ""] = location.hash.slice(1).split("?");
    const given = [...new URLSearchParams(query)].map(([name, value]) => [name, read(value)]);
    return { id, values: Object.fromEntries(given) };
  }

  function csv(rows) {
    const names = [...new Set(rows.flatMap(Object.keys))];
    const cell = (value) => {
      const text = value instanceof Object ? JSON.stringify(value) : String(value ?? "");
      return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
    return [names, ...rows.map((row) => names.map((name) => row[name]))]
      .map((row) => row.map(cell).join(","))
      .join("\n");
  }

  function download(id, sets) {
    sets.forEach((rows, index) => {
      const name = sets.length > 1 ? `${id}-${index + 1}.csv` : `${id}.csv`;
      const url = URL.createObjectURL(new Blob([csv(rows)], { type: "text/csv" }));
      Object.assign(document.createElement("a"), { href: url, download: name }).click();
      URL.revokeObjectURL(url);
    });
  }

  /** Buttons in a figure's caption; `link` gives the hash, `data` the sets of rows to download. */
  function tools(element, { reset, link, data }) {
    const bar = document.createElement("div");
    bar.className = "ls-tools";
    const button = (label, title, action, kind = "") => {
      const made = Object.assign(document.createElement("button"), {
        type: "button", textContent: label, title, className: kind, onclick: () => action(made),
      });
      bar.append(made);
    };
    button("Reset", "Back to the paper's setting", reset, "ls-reset");
    if (link) button("Copy link", "A link to this figure as it stands", async (made) => {
      history.replaceState(null, "", link());
      let said = "Copied";
      await navigator.clipboard.writeText(location.href).catch(() => (said = "See the address"));
      made.textContent = said;
      setTimeout(() => (made.textContent = "Copy link"), 2000);
    });
    button("Download data", "The numbers drawn here, as CSV", () => download(element.id, data()));
    element.querySelector("figcaption").prepend(bar);
  }

  /** Call `start` with each figure's element when it comes near the screen. */
  function whenNear(elements, start) {
    const near = new IntersectionObserver(
      (seen) => {
        for (const { isIntersecting, target } of seen)
          if (isIntersecting) {
            near.unobserve(target);
            start(target);
          }
      },
      { rootMargin: NEAR },
    );
    for (const element of elements) near.observe(element);
  }

  return { linkTo, stateInAddress, tools, whenNear };
})();

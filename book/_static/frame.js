// What every figure has below it: reset, link and download; and when it is drawn.
window.lsFrame = (() => {
  const NEAR = "600px";

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

  /** Whether the clipboard took it; over plain http there is none. */
  async function copied(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return false;
    }
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
      made.textContent = await copied(location.href) ? "Copied" : "See the address";
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

  return { tools, whenNear };
})();

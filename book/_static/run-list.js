// The page of runs: rows that hold every word typed, and a sort by any column.
(() => {
  const box = document.querySelector(".ls-runs");
  if (!box) return;
  const body = box.querySelector("tbody");
  const rows = [...body.rows];
  const texts = rows.map((row) =>
    [...row.cells].slice(0, -1).map((cell) => cell.textContent));
  const words = texts.map((cells) => cells.join(" ").toLowerCase());
  const seconds = { s: 1, min: 60, h: 3600 };

  const value = (text) => {
    const [, number, unit] = text.match(/^(?:BLEU )?(-?[\d.]+)\s*(s|min|h|%)?$/) ?? [];
    return number === undefined ? null : Number(number) * (seconds[unit] ?? 1);
  };
  const compare = (a, b) => {
    const [x, y] = [value(a), value(b)];
    return x !== null && y !== null ? x - y : a.localeCompare(b);
  };

  const status = box.querySelector("[role=status]");
  const everything = status.textContent;
  const label = document.createElement("label");
  label.textContent = "Show runs with ";
  const field = document.createElement("input");
  field.type = "search";
  field.placeholder = "fraction cifar100 0.1";
  field.addEventListener("input", () => {
    const wanted = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, i) => {
      row.hidden = !wanted.every((word) => words[i].includes(word));
      shown += !row.hidden;
    });
    status.textContent = wanted.length ? `${shown} of ${rows.length} runs.` : everything;
  });
  label.append(field);
  box.prepend(label);

  const heads = [...box.querySelectorAll("th")].slice(0, -1);
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const order = rows.map((_, i) => i);
      order.sort((i, j) => (down ? -1 : 1) * compare(texts[i][column], texts[j][column]));
      body.append(...order.map((i) => rows[i]));
    });
  });
})();

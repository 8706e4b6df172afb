// One switch shows or hides a page's code, and is remembered. Solutions keep bars of their own.
(() => {
  const KEY = "lsbook-code";
  const root = document.documentElement;
  const cells = () => document.querySelectorAll(".bd-article .cell:not(.tag_solution)");

  function remembered() {
    try {
      return localStorage.getItem(KEY) === "on";
    } catch {
      return false; // a page opened from a file may have no storage
    }
  }

  function show(on, button) {
    root.dataset.code = on ? "on" : "off";
    button.ariaPressed = String(on);
    for (const cell of cells())
      for (const fold of cell.querySelectorAll("details.above-input")) fold.open = on;
    try {
      localStorage.setItem(KEY, on ? "on" : "off");
    } catch {
      // It holds for this page alone.
    }
  }

  root.dataset.code = remembered() ? "on" : "off"; // before the page is drawn, so nothing jumps

  addEventListener("DOMContentLoaded", () => {
    const place = document.querySelector(".article-header-buttons");
    if (!place || !cells().length) return;
    const button = Object.assign(document.createElement("button"), {
      type: "button", className: "btn btn-sm ls-code", textContent: "code",
      title: "Show or hide the code of this page",
    });
    button.onclick = () => show(root.dataset.code !== "on", button);
    place.prepend(button);
    show(remembered(), button);
  });
})();

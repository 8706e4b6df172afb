// Tables folded into lines: a link to one opens it, and paper shows them all. A link to where the
// address already is counts as a change of it, here and for the figures.
(() => {
  const folds = () => [...document.querySelectorAll("details.ls-fold")];

  function follow() {
    const named = document.getElementById(location.hash.slice(1));
    if (!named?.matches(".ls-fold")) return;
    named.open = true;
    named.scrollIntoView();
  }

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = folds().filter((fold) => !fold.open);
    for (const fold of opened) fold.open = true;
  });
  addEventListener("afterprint", () => {
    for (const fold of opened) fold.open = false;
  });
  addEventListener("hashchange", follow);
  addEventListener("click", ({ target }) => {
    if (target.closest("a[href*='#']")?.href === location.href)
      dispatchEvent(new HashChangeEvent("hashchange"));
  });
  addEventListener("DOMContentLoaded", follow);
})();

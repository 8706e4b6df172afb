"""A page of the built book as a reader meets it: opened from a file, with the network off."""

from contextlib import contextmanager

from tests.drawn import find_browser

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()

# What a figure shows, in no order and without the running numbers of its clips; the numbers among
# it; its controls.
HELPERS = """
window.shown = async (figure) => {
  const drawing = figure.view
    ? await figure.view.toSVG()
    : figure.querySelector(".ls-numbers").innerText + figure.querySelector(".ls-stage").innerHTML;
  return drawing.replace(/\\bclip\\d+/g, "clip").match(/<[^>]+>|[^<]+/g).sort().join("");
};
window.numbers = (figure) => {
  if (!figure.view) return figure.querySelector(".ls-numbers").innerText;
  const texts = [];
  const walk = (node) => {
    for (const item of node.items ?? []) {
      if (node.marktype === "text" && node.role === "mark") texts.push(item.text);
      walk(item);
    }
  };
  walk(figure.view.scenegraph().root);
  return texts.sort().join();
};
window.controls = (figure) =>
  [...figure.querySelectorAll(".ls-controls :is(input, select)")].filter(
    (control) => control.checkVisibility() && !control.disabled
      && (control.type !== "radio" || control.checked));
window.ink = async (figure) => figure.view
  ? (await figure.view.toSVG()).match(/<text[^>]*fill="(#[^"]*)"/)?.[1]
  : getComputedStyle(figure.querySelector(".ls-stage :is(text, th, p)")).color;
window.focusable = (figure) =>
  [...figure.querySelectorAll("input, select, button, summary, a[href]")].filter((one) =>
    one.checkVisibility() && !one.disabled && (one.type !== "radio" || one.checked));
window.values = (figure) => window.controls(figure).map((control) =>
  control.type === "checkbox" ? control.checked : control.value);
window.settled = async (figure) => {
  while (figure.querySelector("[aria-busy=true]")) await new Promise(requestAnimationFrame);
  await figure.view?.runAsync();
};
"""
DRAWN = "[...document.querySelectorAll('figure.ls-figure')].every(f => f.dataset.ready)"
DRAW_ALL = """async () => {
  if (typeof lsExplore !== "undefined") await lsExplore.drawAll();
  await window.lsCharts?.drawAll();
}"""
FADED = """async () => Promise.allSettled(document.getAnimations()
  .filter((one) => one instanceof CSSTransition).map((one) => one.finished))"""
DRAWINGS_WITH_FOCUS = 3
KEYS = {
    "range": ("End", "Home"),
    "select-one": ("ArrowDown", "ArrowUp"),
    "radio": ("ArrowDown",),
    "checkbox": ("Space",),
}


@contextmanager
def launched():
    path = find_browser()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


class Visit:
    """A page, and what it asked for and complained of since it was opened."""

    def __init__(self, browser, site, path):
        self.path, self.home = path, site.as_uri() + "/"
        self.asked, self.amiss = [], []
        self.context = browser.new_context(
            reduced_motion="reduce",  # what plays by itself rests
            viewport={"width": 1280, "height": 900}, offline=True
        )
        self.context.add_init_script(HELPERS)
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("requestfailed", lambda request: self.amiss.append(request.url))
        self.page.on("pageerror", lambda error: self.amiss.append(str(error)))
        self.page.on("console", self._listen)

    def open(self, fragment=""):
        self.page.goto(self.home + self.path + fragment)
        return self

    def drawn(self):
        """Every figure, those too that wait until they come near the screen."""
        self.page.evaluate(DRAW_ALL)
        self.page.wait_for_function(DRAWN)
        return self

    def close(self):
        self.context.close()

    @property
    def foreign(self):
        own = (self.home, "data:", "blob:")
        return [url for url in self.asked if not url.startswith(own)]

    def figures(self, selector="figure.ls-figure"):
        return [Figure(self.page, handle) for handle in self.page.query_selector_all(selector)]

    def figure(self, name):
        return Figure(self.page, self.page.query_selector(f"figure[id='{name}']"))

    def switch_theme(self, theme):
        """Switch, and wait until the colours have faded over and every figure has followed."""
        before = [figure.ask("ink(figure)") for figure in self.figures()]
        self.page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        self.page.evaluate(FADED)
        for figure, colour in zip(self.figures(), before):
            self.page.wait_for_function(
                "([figure, before]) => ink(figure).then((now) => now !== before)",
                arg=[figure.handle, colour], timeout=20_000,
            )

    def _listen(self, message):
        if message.type == "error":
            self.amiss.append(message.text)


class Figure:
    """A figure of the page, by what its reader can see and press."""

    def __init__(self, page, handle):
        self.page, self.handle = page, handle
        self.name = handle.get_attribute("id")

    def ask(self, expression, *args):
        return self.handle.evaluate(f"(figure, args) => {expression}", list(args))

    @property
    def shown(self):
        return self.ask("settled(figure).then(() => shown(figure))")

    @property
    def values(self):
        return self.ask("values(figure)")

    @property
    def numbers(self):
        return self.ask("settled(figure).then(() => numbers(figure))")

    @property
    def said(self):
        return self.ask("(figure.querySelector('[role=img]')?.ariaLabel "
                        "?? figure.querySelector('.ls-stage').innerText)")

    def reset(self):
        self.press(".ls-reset")

    def press(self, button):
        self.ask("figure.querySelector(args[0]).focus()", button)
        self.page.keyboard.press("Enter")
        self.ask("settled(figure)")

    def missed_by_tab(self):
        """Which of the things that take the focus Tab does not come by."""
        self.ask("(figure.tabIndex = -1, figure.focus(), figure.missed = focusable(figure), 0)")
        for _ in range(self.ask("figure.missed.length") + DRAWINGS_WITH_FOCUS):
            self.page.keyboard.press("Tab")
            self.ask("void (figure.missed = figure.missed.filter("
                     "(one) => one !== document.activeElement))")
        return self.ask("figure.missed.map((one) => one.outerHTML)")

    def move(self, index):
        """Give a control another value by keyboard; say whether the figure then shows another."""
        kind, before = self.ask("controls(figure)[args[0]].type", index), self.values
        self.ask("settled(figure).then(() => shown(figure)).then((s) => void (figure.before = s))")
        for key in KEYS[kind]:
            self.ask("controls(figure)[args[0]].focus()", index)
            self.page.keyboard.press(key)
            if self.values != before:
                return self.ask(
                    "settled(figure).then(() => shown(figure)).then((s) => s !== figure.before)"
                )
        return False

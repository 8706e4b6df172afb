"""The playground: its data, its JavaScript against torch and the estimators, and its page."""

import base64
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from lsbook.data import load_images
from lsbook.estimators import calibration, information, templates
from lsbook.figures import playground
from tests.explored import find_node, run_in_node
from tests.visit import launched

ROOT = Path(__file__).parent.parent
STATIC = ROOT / "book" / "_static"
LR, MOMENTUM, STEPS = 0.2, 0.9, 50


# --------------------------------------------------------------------------------------- the data


@pytest.fixture(scope="module")
def packed():
    return playground.packed()


def test_committed_data_are_what_the_generator_makes(packed):
    stored = playground.FILE.read_text()
    assert playground.script(packed) == stored
    assert len(stored) <= 250_000


def test_data_are_mnist1d_to_half_a_level(packed):
    images, scale = load_images("mnist1d"), packed["scale"]
    for part, x, y in (("train", images.train_x[:3000], images.train_y[:3000]),
                       ("val", images.val_x, images.val_y)):
        levels = np.frombuffer(base64.b64decode(packed[part]["signals"]), np.int8)
        restored = scale * levels.reshape(-1, packed["length"])
        within = np.clip(x.numpy(), -127 * scale, 127 * scale)
        assert np.abs(restored - within).max() <= 0.5001 * scale
        assert packed[part]["classes"] == "".join(map(str, y.tolist()))


# --------------------------------------------------------------------------------- the JavaScript


def network_golden():
    """Three layers in float64 trained by torch, with and without smoothing."""
    torch.manual_seed(0)
    start = [nn.Linear(a, b).double() for a, b in ((40, 16), (16, 12), (12, 10))]
    batches = [(torch.randn(24, 40).double(), torch.randint(10, (24,))) for _ in range(STEPS)]
    return {
        "start": parameters(start), "lr": LR, "momentum": MOMENTUM,
        "cases": [network_case(start, batches, alpha) for alpha in (0.0, 0.1, 0.6)],
    }


def network_case(start, batches, alpha):
    layers = [nn.Linear(layer.in_features, layer.out_features).double() for layer in start]
    for layer, first in zip(layers, start):
        layer.load_state_dict(first.state_dict())
    model = nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2])
    loss = nn.CrossEntropyLoss(label_smoothing=alpha)
    optimizer = torch.optim.SGD(model.parameters(), lr=LR, momentum=MOMENTUM)
    logits = gradients = None
    for x, y in batches:
        optimizer.zero_grad()
        z = model(x)
        loss(z, y).backward()
        if logits is None:
            logits = z.tolist()
            gradients = [{"weight": layer.weight.grad.tolist(), "bias": layer.bias.grad.tolist()}
                         for layer in layers]
        optimizer.step()
    return {
        "alpha": alpha, "logits": logits, "gradients": gradients, "trained": parameters(layers),
        "batches": [{"x": x.tolist(), "y": y.tolist()} for x, y in batches],
    }


def parameters(layers):
    return [{"weight": layer.weight.tolist(), "bias": layer.bias.tolist()} for layer in layers]


def metrics_golden():
    """The book's estimators on random cases."""
    rng = np.random.default_rng(0)
    calibrated, informed = [], []
    for size in (0.5, 3.0, 30.0):
        logits, targets = rng.normal(0, size, (300, 10)), rng.integers(10, size=300)
        calibrated.append({
            "logits": logits.tolist(), "targets": targets.tolist(),
            "accuracy": calibration.accuracy(logits, targets),
            "ece": calibration.ece(logits, targets), "nll": calibration.nll(logits, targets),
        })
    for spread in (0.0, 1.0, 200.0):
        draws = np.repeat([-5.0, 5.0], 30)[:, None] + spread * rng.normal(size=(60, 1))
        draws = draws + rng.normal(size=(60, 6))
        informed.append({
            "draws": draws.tolist(), "fresh": information.from_draws(draws, "fresh"),
            "reused": information.from_draws(draws[:, :-1], "reused"),
        })
    edges = []
    for bins in (5, 15):
        confidence = np.arange(bins + 1) / bins
        correct = rng.integers(2, size=bins + 1).astype(bool)
        edges.append({
            "confidence": confidence.tolist(), "correct": correct.tolist(), "bins": bins,
            "ece": calibration.reliability(confidence, correct, bins).ece,
        })
    three, points = rng.normal(size=(3, 9)), rng.normal(size=(20, 9))
    plane = templates.plane(three)
    groups = rng.normal(size=(3, 40, 2)) + 4 * rng.normal(size=(3, 1, 2))
    spread = templates.geometry(groups.reshape(-1, 2), np.repeat(range(3), 40), np.eye(3)).ratio
    return {
        "calibration": calibrated, "information": informed, "edges": edges,
        "plane": {"templates": three.tolist(), "points": points.tolist(),
                  "projected": templates.project(points, plane).tolist(),
                  "corners": templates.project(three, plane).tolist()},
        "spread": {"groups": groups.tolist(), "ratio": spread},
    }


@pytest.fixture(scope="module")
def golden():
    return {"network": network_golden(), "metrics": metrics_golden()}


@pytest.mark.parametrize("name", ["network", "metrics", "trainer"])
def test_javascript(name, golden, tmp_path):
    run_in_node(name, golden, tmp_path)


# --------------------------------------------------------------------------------------- the page


@pytest.fixture(scope="module")
def browser():
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The chapter's own markup in a bare page, opened from a file."""
    source = (ROOT / "book" / "playground.md").read_text()
    block = re.search(r"<link rel=.*?</script>\n\n", source, re.S).group()
    folder = tmp_path_factory.mktemp("site")
    page = folder / "book" / "playground.html"
    page.parent.mkdir()
    shutil.copytree(STATIC / "playground", folder / "_static" / "playground")
    for name in ("states.js", "frame.js", "lsbook.css"):
        shutil.copy(STATIC / name, folder / "_static")
    page.write_text('<!doctype html><html lang="en" data-theme="light"><meta charset="utf-8">'
                    f'<link rel="stylesheet" href="../_static/lsbook.css">{block}</html>')
    return page.as_uri()


@pytest.fixture
def visit(browser, address):
    """Opens the page, at a fragment; fails on any error that it reports."""
    opened, errors = [], []

    def open_page(fragment="", **options):
        page = browser.new_page(**options)
        page.set_default_timeout(20_000)
        page.on("console", lambda message: message.type == "error" and errors.append(message.text))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address + fragment)
        at_step(page, 0)
        opened.append(page)
        return page

    yield open_page
    for page in opened:
        page.close()
    assert not errors


def at_step(page, least):
    page.wait_for_function(
        f"Number(document.getElementById('toy').dataset.step ?? -1) >= {least}")


def drawn(page):
    return page.eval_on_selector_all("#toy svg", "all => all.map(s => s.outerHTML).join()")


def changed(page, before):
    page.wait_for_function(
        "before => before !== "
        "[...document.querySelectorAll('#toy svg')].map(s => s.outerHTML).join()", arg=before)


def says(page, word):
    page.get_by_role("status").filter(has_text=word).wait_for()


def one_step(page):
    press(page, "Step")
    at_step(page, 1)


def back_at_start(page):
    page.wait_for_function("document.getElementById('toy').dataset.step === '0'")


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def numbers(page):
    return page.eval_on_selector_all("#toy b", "all => all.map(b => Number(b.textContent))")


def test_step_pause_and_reset(visit):
    page = visit()
    first = drawn(page)
    one_step(page)
    assert page.get_attribute("#toy", "data-step") == "1"
    press(page, "Start")
    at_step(page, 40)
    press(page, "Pause")
    says(page, "Paused")
    page.wait_for_timeout(300)
    held = drawn(page)
    page.wait_for_timeout(300)
    assert drawn(page) == held != first
    press(page, "Restart")
    back_at_start(page)
    assert drawn(page) == first


def test_training_stops_by_its_rule(visit):
    page = visit('#toy?stop="short"')
    press(page, "Start")
    at_step(page, 500)
    says(page, "Stopped")
    assert page.get_attribute("#toy", "data-step") == "500"
    assert page.get_by_role("button", name="Start", exact=True).is_disabled()
    page.select_option("#toy-stop", "long")
    page.wait_for_function("!document.querySelector('#toy button').disabled")


def test_every_control_changes_what_is_drawn(visit):
    page = visit()
    one_step(page)
    for name, value in {"first": "1", "second": "2", "third": "7", "part": "train",
                        "form": "reused"}.items():
        before = drawn(page)
        page.select_option(f"#toy-{name}", value)
        changed(page, before)
    for name, value in {"seed": "3", "lr": "0.05"}.items():
        before = drawn(page)
        page.select_option(f"#toy-{name}", value)
        back_at_start(page)
        one_step(page)
        assert drawn(page) != before, name
    before = drawn(page)
    page.focus("#toy-alpha")
    page.keyboard.press("End")
    back_at_start(page)
    one_step(page)
    assert drawn(page) != before
    assert "α = 0.9" in page.inner_text("#toy .planes")


def test_settings_come_back_from_the_address(visit):
    chosen = {"first": "1", "second": "2", "third": "7", "part": "train", "form": "reused",
              "seed": "3", "lr": "0.05", "stop": "stalled"}
    page = visit()
    for name, value in chosen.items():
        page.select_option(f"#toy-{name}", value)
    page.focus("#toy-alpha")
    page.keyboard.press("End")
    again = visit(page.evaluate("location.hash"))
    for name, value in {**chosen, "alpha": "0.9"}.items():
        assert again.input_value(f"#toy-{name}") == value
    press(again, "Reset")
    assert again.evaluate("location.hash") == "#toy"
    assert again.input_value("#toy-alpha") == "0.1"


def test_a_class_chosen_twice_trades_places(visit):
    page = visit()
    page.select_option("#toy-first", "8")
    assert [page.input_value(f"#toy-{n}") for n in ("first", "second", "third")] == ["8", "5", "3"]


START = {"alpha": "0.1", "lr": "0.2", "seed": "0", "stop": "long", "first": "3", "second": "5",
         "third": "8", "part": "val", "form": "fresh"}


@pytest.mark.parametrize("query", [
    'alpha=7&seed=x&lr=&nothing=1&first="3"', "stop=constructor&part=toString&form=__proto__",
    "first=3&second=3", "first=5", "first=-1&second=10&third=2.5", "seed=1.5&lr=1e999&alpha=NaN",
    "alpha=null&seed=[1]&first=true",
])
def test_nonsense_in_the_address_is_ignored(visit, query):
    page = visit(f"#toy?{query}")
    assert {name: page.input_value(f"#toy-{name}") for name in START} == START
    one_step(page)
    assert "NaN" not in page.inner_html("#toy")


def test_the_page_shows_what_node_computes(visit):
    node = find_node()
    code = """const T = require("./trainer.js"), d = T.unpack(require("./data.js"));
      const t = new T.Trainer(d, { alpha: 0.1, seed: 0, lr: 0.2, classes: [3, 5, 8] });
      for (let i = 0; i < 2; i++) t.step();
      const { hard, smoothed } = t.snapshot();
      const names = ["accuracy", "ece", "nll", "fresh"];
      console.log(JSON.stringify(names.flatMap(k => [hard[k], smoothed[k]])));"""
    done = subprocess.run(
        [node, "-e", code], cwd=STATIC / "playground", capture_output=True, text=True)
    expected = json.loads(done.stdout)
    page = visit()
    for step in (1, 2):
        press(page, "Step")
        at_step(page, step)
    assert numbers(page)[2:] == pytest.approx(expected, abs=0.0051)


def test_controls_have_names_and_keys_reach_them(visit):
    page = visit()
    unnamed = page.eval_on_selector_all(
        "#toy :is(input, select)", "all => all.filter(c => !c.labels.length).length")
    assert unnamed == 0
    wanted = page.eval_on_selector_all("#toy :is(input, select, button)", "all => all.length")
    reached = set()
    for _ in range(wanted):
        page.keyboard.press("Tab")
        focused = "document.activeElement"
        reached.add(page.evaluate(f"{focused}.id || {focused}.textContent"))
    assert len(reached) == wanted
    labels = page.eval_on_selector_all(
        "#toy svg", "all => all.map(s => s.getAttribute('aria-label'))")
    assert all(re.search(r"\d", label) for label in labels)


def test_reduced_motion_draws_only_when_the_training_rests(visit):
    page = visit(reduced_motion="reduce")
    first = drawn(page)
    press(page, "Start")
    page.wait_for_function(
        "parseInt(document.querySelector('.counter').textContent.slice(5).replace(',', '')) >= 60")
    assert drawn(page) == first
    press(page, "Pause")
    at_step(page, 60)
    assert drawn(page) != first


def test_dark_mode_recolours_at_once(visit):
    page = visit()
    colour = "getComputedStyle(document.querySelector('#toy .line.hard')).stroke"
    assert page.evaluate(colour) == "rgb(0, 114, 178)"
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert page.evaluate(colour) == "rgb(86, 180, 233)"


def test_fits_a_phone(visit):
    page = visit(viewport={"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

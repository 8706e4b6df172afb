"""What a run says stands in a page as text, whatever it says."""

import json
import shutil
from html.parser import HTMLParser

import altair as alt
import numpy as np
import pandas as pd
import pytest
from markdown_it import MarkdownIt

from lsbook import recipes
from lsbook.explore import evaluation, translation as explore
from lsbook.explore.figure import Explorer
from lsbook.figures import markup, theme, translation as figures
from lsbook.figures.reveal import reveal
from lsbook.figures.ledger import run_list
from lsbook.figures.table import table
from lsbook.recipes import Recipe
from lsbook.runs import Run, find
from lsbook.runs.store import save_arrays

PLANTED = ("<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>", "<!--<script>",
           '"><img src=x onerror=alert(1)>', "' onmouseover='alert(1)", "<b>*bold*</b> `x` [a](b)",
           "a\n\n<img src=x onerror=alert(1)>")


class Page(HTMLParser):
    """Elements, attributes and texts of a page as a browser finds them."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.scripts, self.text = [], [], [], ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.cdata_elem == "script":
            self.scripts[-1] += data
        else:
            self.text += data

    def handle_comment(self, data):
        self.tags.append("!--")


def assert_plain(html, like):
    """The page has the elements and attributes of one that says something harmless."""
    page, harmless = Page(html), Page(like)
    assert page.tags == harmless.tags
    assert [name for name, _ in page.attributes] == [name for name, _ in harmless.attributes]
    assert not any("<" in script for script in page.scripts)
    for script in page.scripts:
        json.loads(script)


@pytest.mark.parametrize("planted", PLANTED)
def test_data_come_back_as_they_were(planted):
    html = str(markup.script({planted: [planted]}))
    assert_plain(html, str(markup.script({"a": ["a"]})))
    assert json.loads(Page(html).scripts[0]) == {planted: [planted]}


def test_data_that_no_page_could_read_are_refused():
    with pytest.raises(ValueError, match="JSON"):
        markup.script([float("nan")])


@pytest.mark.parametrize("planted", PLANTED)
def test_markdown_shows_the_text_itself(planted):
    html = MarkdownIt("commonmark").render(f"*{markup.markdown(planted)}* is said.")
    assert_plain(html, "<p><em>x</em> is said.</p>")
    assert Page(html).text.strip() == f"{' '.join(planted.split())} is said."


@pytest.mark.parametrize("planted", PLANTED)
def test_every_part_of_a_figure_is_text(planted, monkeypatch):
    def pages(word):
        frame = pd.DataFrame({word: [word], "y": [1]})
        chart = alt.Chart(frame).mark_bar().encode(y="y:Q").properties(
            title=alt.Title(word, subtitle=word))
        origin = {"Device": word, word: word}
        shown = theme.Figure(chart, word, word, origin)
        made = Explorer(kind="toy", name="toy", config={word: word}, title=word, note=word,
                        alt=word, caption=word, command=word)
        yield shown.to_html()
        yield made.to_html()
        yield table(frame, label=word).data
        yield reveal([word], label=word).data

    for html, like in zip(pages(planted), pages("word")):
        assert_plain(html, like)


@pytest.mark.parametrize("planted", PLANTED)
def test_a_live_chart_holds_no_markup_either(planted, monkeypatch):
    monkeypatch.delenv("LSBOOK_STATIC", raising=False)
    chart = alt.Chart(pd.DataFrame({"x": [planted]})).mark_bar().encode(x="x:N")
    bundle = theme.show(chart, alt="One bar")._repr_mimebundle_()
    content = bundle[0] if isinstance(bundle, tuple) else bundle
    html = content["text/html"]
    figure = html[html.index("<figure"):html.index("</figure>")]
    assert "<img" not in figure and "<!--" not in figure and "<b>" not in figure
    assert html.count("<script>(() =>") == 1 and html.count("</script>") == 2


# ------------------------------------------------------------------------------- a run as a whole


def tainted(run, folder, planted):
    """The run with ``planted`` in place of every string that it keeps."""
    def taint(value):
        if isinstance(value, dict):
            return {key: taint(each) for key, each in value.items()}
        if isinstance(value, list):
            return [taint(each) for each in value]
        return f"{planted} {value}" if isinstance(value, str) else value

    path = folder / run.recipe.hash
    shutil.copytree(run.path, path)
    for name in ("manifest", "metrics", "history", "samples"):
        text = (path / f"{name}.json").read_text()
        (path / f"{name}.json").write_text(json.dumps(taint(json.loads(text))))
    words = {name: np.array([f"{planted} {each}" for each in array.tolist()])
             for name, array in run.stored_arrays().items() if array.dtype.kind == "U"}
    save_arrays(path / "arrays.npz", run.stored_arrays() | words)
    recipe = Recipe.from_dict(run.recipe.to_dict())
    object.__setattr__(recipe, "name", f"paper/{planted}")
    return Run(path, recipe)


@pytest.fixture(scope="module")
def pair():
    found = [find(recipes.named("paper/transformer-multi30k", alpha=a)) for a in (0.0, 0.1)]
    if not all(found):
        pytest.skip("the translation runs are not recorded")
    return found


def said(runs):
    """Every page and Markdown that the translation chapter and the list of runs make of these."""
    sets = {runs[0].recipe.name: runs}
    explorers = (
        explore.temperature(sets), explore.reliability(sets), explore.sentences(sets))
    names = figures.word_names(runs[0])
    yield from (made.to_html() for made in explorers)
    yield theme.show(figures.words_plane(runs, names), alt="A plane.", runs=runs).to_html()
    yield run_list(runs).data
    yield table(figures.by_test_set(runs, 0.1), label="Test sets").data
    told = (figures.looseness_told(runs[0]), figures.hesitation_told(runs, 0.1),
            figures.plane_told(runs, 0.1), figures.run_told(runs))
    yield from map(MarkdownIt("commonmark").render, told)


def test_no_string_of_a_run_becomes_markup(pair, tmp_path):
    runs = [tainted(run, tmp_path, " ".join(PLANTED)) for run in pair]
    pages = list(said(runs))
    assert sum("onerror" in page for page in pages) >= 8
    for page, like in zip(pages, said(pair)):
        assert_plain(page, like)


def test_an_evaluation_is_letters_and_digits(pair, tmp_path):
    """Sentences travel as bytes in base64: nothing that a run says is read as a script."""
    run = tainted(pair[0], tmp_path, " ".join(PLANTED))
    code = evaluation.encode(evaluation.key(run, "translation"), explore.arrays(run))
    assert "<" not in code and "alert" not in code

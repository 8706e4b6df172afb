"""What leaves the repository: the archive, the slides, and the files that other services read."""

import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
import yaml

import lsbook
from tools import archive, slides

ROOT = Path(__file__).parent.parent
BIBLIOGRAPHY = ROOT / "book" / "references.bib"
ON = True  # as YAML reads the key `on`
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>One</title><style>
:root { --hard: rgb(0, 114, 178); } .mark { fill: var(--hard); opacity: 0.5; }
text { font-size: 13px; }
</style></head><body><section><h1>Calibration</h1>
<figure class="ls-figure" data-ready="true"><p class="ls-title">Too sure<small>MNIST-1D</small></p>
<div class="ls-numbers"><dl><div><dt>ECE</dt><dd>0.117</dd></div></dl></div>
<div class="ls-stage" role="img" aria-label="ECE is 0.117 &amp; falls."><svg viewBox="0 0 200 100"
width="200" height="100"><circle class="mark" cx="50" cy="50" r="40"/><text x="9" y="9">T</text>
</svg></div>
<figcaption><p>A caption &lt;here&gt;.</p></figcaption></figure>
<figure class="ls-figure" data-ready="true"><div class="ls-chart" role="img" aria-label="Many."><svg
viewBox="0 0 99 99" width="99" height="99">MANY</svg></div><figcaption></figcaption></figure>
</section></body></html>"""


def small_site(folder):
    site = folder / "html"
    (site / "book").mkdir(parents=True)
    many = "".join(f'<path d="M{i % 99} 0V99"/>' for i in range(20_000))
    (site / "index.html").write_text('<a href="book/one.html">One</a>')
    (site / "book" / "one.html").write_text(PAGE.replace("MANY", many))
    (folder / "_config.yml").write_text("title: A & B\n")
    (folder / "_toc.yml").write_text("root: book/one.md\nparts: []\n")
    return site


# ---------------------------------------------------------------------------------------- archive


def test_same_site_same_archive(tmp_path):
    site = small_site(tmp_path)
    (site / ".buildinfo").write_text("now")
    archive.pack(site, tmp_path / "first.zip")
    shutil.copytree(site, tmp_path / "again")
    for path in (tmp_path / "again").rglob("*"):
        os.utime(path, (1e9, 1e9))
    archive.pack(tmp_path / "again", tmp_path / "second.zip")
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "first.zip") as zipped:
        assert zipped.namelist() == ["lsbook/book/one.html", "lsbook/index.html"]
        assert {entry.external_attr >> 16 for entry in zipped.infolist()} == {0o644}
        zipped.extractall(tmp_path / "unpacked")
    for name in ("index.html", "book/one.html"):
        assert (tmp_path / "unpacked" / "lsbook" / name).read_bytes() == (site / name).read_bytes()


def test_the_archive_is_where_the_workflow_looks():
    book = next(path for path in WORKFLOWS if path.stem == "book").read_text()
    assert str(archive.ARCHIVE.relative_to(ROOT)) in book
    assert archive.SITE == ROOT / "_build" / "html"


def test_the_citation_is_the_papers_and_the_packages():
    """Held against the book's own bibliography and the package itself."""
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    entry = re.search(r"@\w+\{muller2019,(.*?)\n\}", BIBLIOGRAPHY.read_text(), re.S)[1]
    fields = dict(re.findall(r"(\w+) = \{(.*)\},", entry.replace('{\\"u}', "ü")))
    paper = cited["preferred-citation"]
    assert paper["title"] == fields["title"] and str(paper["year"]) == fields["year"]
    names = [f"{a['family-names']}, {a['given-names']}" for a in paper["authors"]]
    assert names == fields["author"].split(" and ")
    assert fields["note"].removeprefix("arXiv:")[:10] == paper["url"].rpartition("/")[2]
    assert cited["version"] == lsbook.__version__ and fields["title"] in cited["title"]


def test_nothing_is_packed_before_the_book_is_built(tmp_path):
    with pytest.raises(FileNotFoundError, match="make book"):
        archive.pack(tmp_path, tmp_path / "site.zip")
    assert not list(tmp_path.glob("*.zip"))


# ----------------------------------------------------------------------------------------- slides


@pytest.fixture(scope="module")
def browser():
    try:
        path = slides.browser_path()
    except FileNotFoundError as error:
        pytest.fail(str(error)) if os.environ.get("CI") == "true" else pytest.skip(str(error))
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=slides.FLAGS)
        yield browser
        browser.close()


def test_figures_are_taken_with_their_words_and_look(browser, tmp_path):
    page = browser.new_page()
    drawn, heavy = slides.collect(page, (small_site(tmp_path) / "book" / "one.html").as_uri())
    words = [drawn[name] for name in ("chapter", "title", "note")]
    assert words == ["Calibration", "Too sure", "MNIST-1D"]
    assert drawn["caption"] == "A caption <here>." and drawn["alt"] == "ECE is 0.117 & falls."
    assert "0.117" in drawn["numbers"]
    assert drawn["images"][0].startswith("data:image/svg+xml")
    assert heavy["images"][0].startswith("data:image/png")
    page.set_content(f'<body style="margin:0"><img src="{drawn["images"][0]}"></body>')
    page.wait_for_function("document.images[0].complete")
    blue = page.evaluate("""() => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 200, height: 100 });
      const context = canvas.getContext("2d");
      context.drawImage(document.images[0], 0, 0);
      return [...context.getImageData(50, 50, 1, 1).data];
    }""")
    assert blue[:3] == pytest.approx([0, 114, 178], abs=3) and 120 < blue[3] < 135
    page.close()


@pytest.fixture
def deck(browser, tmp_path):
    page = browser.new_page()
    figures = slides.collect(page, (small_site(tmp_path) / "book" / "one.html").as_uri())
    page.close()
    path = tmp_path / "slides.html"
    path.write_text(slides.deck("A & B", figures))
    return path


def test_slides_follow_the_keys_and_ask_nobody(browser, deck):
    page, asked = browser.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(deck.as_uri())

    def shown():
        return page.evaluate(
            "[...document.querySelectorAll('.slide')].filter(s => s.offsetHeight).map(s => s.id)"
        )

    assert shown() == ["1"]
    for key, slide in [("ArrowRight", "2"), (" ", "3"), ("ArrowRight", "3"), ("PageUp", "2"),
                       ("End", "3"), ("Home", "1")]:
        page.keyboard.press(key)
        page.wait_for_function(f"location.hash === '#{slide}'")
        assert shown() == [slide]
    page.get_by_label("Next slide").click()
    page.wait_for_function("location.hash === '#2'")
    assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
    assert {url.partition(":")[0] for url in asked} <= {"file", "data"}
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()


def test_slides_print_one_a_page(browser, deck, tmp_path):
    page = browser.new_page()
    page.goto(deck.as_uri())
    printed = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 3
    page.close()


# --------------------------------------------------------------------------------- other services


@pytest.mark.parametrize("path", WORKFLOWS, ids=[path.stem for path in WORKFLOWS])
def test_workflow_is_whole_and_pinned(path):
    """By commit, since a tag can be moved, with the version that the commit is of beside it."""
    workflow = yaml.safe_load(path.read_text())
    for used in re.findall(r"(?m)^ *(?:- )?uses: *(.*)$", path.read_text()):
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used)
    assert {"name", ON, "jobs", "permissions"} <= workflow.keys()
    for job in workflow["jobs"].values():
        assert job["runs-on"] and job["steps"]
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step)
            if "run" in step:
                check = subprocess.run(["bash", "-n"], input=step["run"], text=True)
                assert check.returncode == 0
        assert job.get("needs") in {None, *workflow["jobs"]}


def test_workflows_do_what_they_are_for():
    book, colab = (yaml.safe_load(path.read_text()) for path in WORKFLOWS)
    commands = "\n".join(step.get("run", "") for step in book["jobs"]["build"]["steps"])
    assert ".ci/run" in commands and "make slides archive" in commands
    assert book["jobs"]["publish"]["permissions"] == {"pages": "write", "id-token": "write"}
    assert "schedule" in colab[ON]
    assert "/colab-images/public/" in colab["jobs"]["notebooks"]["container"]["image"]


def test_make_knows_what_the_workflow_asks_for():
    rules = set(re.findall(r"(?m)^([\w-]+):", (ROOT / "Makefile").read_text()))
    assert {"book", "test", "address", "editions", "slides", "archive"} <= rules


def test_binder_installs_what_the_book_is_built_with():
    lines = (ROOT / "binder" / "requirements.txt").read_text().splitlines()
    assert "-r ../requirements.txt" in lines
    assert os.access(ROOT / "binder" / "postBuild", os.X_OK)

"""`jupyter nbconvert --to html` with the course's configuration: a page that needs no network."""

import re
import shutil
from pathlib import Path

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from playwright.sync_api import sync_playwright
from traitlets.config.loader import PyFileConfigLoader

from autograder.notebook.movement import _slider

ROOT = Path(__file__).resolve().parents[1]
LOOKS = ["lab", "classic", "basic"]
PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="
OTHER = "data:image/gif;base64,R0lGODdhAQABAIAAAP///////ywAAAAAAQABAAACAkQBADs="
SLIDER = _slider([f'<img alt="x" src="{PIXEL}">', f'<img alt="x" src="{OTHER}">'], "x")


def exporter(looks: str, **options: bool) -> HTMLExporter:
    """nbconvert's exporter as the course configures it."""
    config = PyFileConfigLoader("jupyter_nbconvert_config.py", str(ROOT)).load_config()
    return HTMLExporter(config=config, template_name=looks, **options)


def exported(folder: Path, *cells, looks: str = "lab", options: dict | None = None, **metadata) -> str:
    """The page of a notebook with these cells, which is also written into the folder."""
    notebook = new_notebook(cells=list(cells), metadata=metadata)
    html, _ = exporter(looks, **options or {}).from_notebook_node(notebook, {"metadata": {"path": str(folder)}})
    (folder / "page.html").write_text(html, encoding="utf-8")
    return html


def shows(output: str, kind: str = "text/html"):
    return new_code_cell("1", outputs=[new_output("display_data", data={kind: output})])


def loaded(html: str) -> list[str]:
    """What a page would load from elsewhere: sources, style sheets, imports."""
    return re.findall(r"(?:src=|<link[^>]*href=|url\(|import\(?[^;\n]*?)[\"']?(https?://[^\"') ]+)", html)


@pytest.mark.parametrize("looks", LOOKS)
def test_a_page_loads_nothing_and_has_its_formulas(tmp_path, looks):
    cells = [new_markdown_cell("# The $x^2$\n\n$$\\frac{1}{n}$$\n\n\\begin{align}y&=1\\end{align}"), shows(SLIDER)]
    latex = [shows("$\\displaystyle a^2$", "text/latex"), shows("Then $b^2$.", "text/markdown")]
    html = exported(tmp_path, *cells, *latex, looks=looks)
    assert loaded(html) == []
    assert "MathJax.Hub" not in html
    assert len(re.findall(r"<math\b", html)) == 5
    for shown in ("<mi>x</mi>", "<mfrac>", "<mi>y</mi>", "<mi>a</mi>", "<mi>b</mi>"):
        assert shown in html
    assert "frac" not in re.sub("<[^>]*>", "", html.partition("<body")[2])


@pytest.mark.parametrize("path", sorted(ROOT.glob("solutions/*/*.ipynb")), ids=lambda path: path.stem)
def test_a_page_of_the_course_loads_nothing_and_describes_its_pictures(path):
    html, _ = exporter("lab").from_filename(str(path))
    assert loaded(html) == []
    images = re.findall(r"<img[^>]*>", html)
    assert images
    assert [image[:200] for image in images if not re.search(r'alt="[^"]{20,}"', image)] == []
    assert "<math" in html or "$" not in "".join(
        cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"
    )


@pytest.mark.parametrize("script", ["<script>require(['x'])</script>", "<p>a</p><SCRIPT src='a.js'></SCRIPT>"])
def test_scripts_in_an_output_get_what_nbconvert_gives_them(tmp_path, script):
    assert "require.js" in "".join(loaded(exported(tmp_path, shows(script))))
    assert "require.js" in "".join(loaded(exported(tmp_path, shows("require(['x'])", "application/javascript"))))


@pytest.mark.parametrize("looks", ["lab", "classic"])
def test_widgets_and_diagrams_still_get_their_libraries(tmp_path, looks):
    state = {"application/vnd.jupyter.widget-state+json": {"version_major": 2, "version_minor": 0, "state": {}}}
    html = exported(tmp_path, new_markdown_cell("a"), looks=looks, widgets=state)
    assert "require.js" in "".join(loaded(html))
    assert "html-manager" in html
    diagram = exported(tmp_path, new_markdown_cell("```mermaid\ngraph LR\n```"), looks=looks)
    assert "mermaid" in "".join(loaded(diagram))
    assert "mermaid" in "".join(loaded(exported(tmp_path, shows("graph LR", "text/vnd.mermaid"), looks=looks)))


def test_the_rest_of_markdown_is_as_nbconvert_makes_it(tmp_path):
    (tmp_path / "near.gif").write_bytes(b"GIF89a")
    pasted = new_markdown_cell("![in it](attachment:a.gif)", attachments={"a.gif": {"image/gif": PIXEL.split(",")[1]}})
    text = new_markdown_cell("# A heading\n\n![near](near.gif)\n\n```python\nx = 1\n```\n\n" + "long " * 3_000 + "END")
    html = exported(tmp_path, pasted, text, options={"embed_images": True})
    assert PIXEL in html
    assert 'src="data:image/gif;base64,R0lGODlh"' in html
    assert '<h1 id="A-heading">A heading<a class="anchor-link" href="#A-heading">' in html
    assert '<div class="highlight">' in html
    assert "END" in html


@pytest.mark.browser
@pytest.mark.parametrize("looks", LOOKS)
def test_a_browser_loads_nothing_and_the_slider_works(tmp_path, looks):
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is missing: run `make system-deps`")
    wide = "$$" + " + ".join(f"x_{{{i}}}" for i in range(60)) + "$$"
    exported(tmp_path, new_markdown_cell(f"Here $\\frac{{a}}{{b}}$ is.\n\n{wide}"), shows(SLIDER), looks=looks)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        tab, asked = browser.new_page(viewport={"width": 800, "height": 800}), set()
        tab.on("request", lambda request: asked.add(request.url.partition(":")[0]))
        tab.goto((tmp_path / "page.html").as_uri(), wait_until="networkidle")
        assert asked <= {"file", "data"}
        fraction = tab.locator("mfrac").bounding_box()
        assert fraction["height"] > 1.5 * tab.locator("mfrac mi").first.bounding_box()["height"]
        assert looks == "basic" or tab.evaluate("document.documentElement.scrollWidth") <= 800  # basic has no styles
        tab.locator("input[type=range]").fill("2")
        assert tab.locator("output").inner_text() == "2 of 2"
        assert tab.locator("img").get_attribute("src") == OTHER
        browser.close()

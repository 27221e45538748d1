"""The code in the README and the documentation runs, and prints what stands there."""

import doctest
import re
import sys
import xml.etree.ElementTree as ET
from importlib import import_module
from pathlib import Path

import pytest

import agrad
from docs import architecture
from tests.test_architecture import code_lines

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted(page for page in (ROOT / "docs").glob("*.md") if "```python" in page.read_text())]
NEEDED = {"onnx.md": "onnxruntime"}  # pages whose code needs more than the tests do
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def code(page):
    """Return the page with a blank line for each line outside of its Python blocks, so that line numbers stay."""
    inside, lines = False, []
    for line in page.read_text(encoding="utf-8").splitlines():
        fence = line.startswith("```")
        inside = line == "```python" if fence else inside
        lines.append(line if inside and not fence else "")
    return "\n".join(lines)


@pytest.fixture(autouse=True)
def _back_to_the_same_device():
    device = agrad.get_device()
    yield
    agrad.set_device(device)


@pytest.fixture(autouse=True)
def _the_library_of_a_page(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tests")  # docs/backends.md imports mylibrary


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_code_blocks_print_what_they_say(page, tmp_path, monkeypatch):
    if page.name in NEEDED:
        pytest.importorskip(NEEDED[page.name])
        monkeypatch.chdir(tmp_path)
    test = doctest.DocTestParser().get_doctest(code(page), {}, page.name, str(page), 0)
    said = []
    results = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append)
    assert results.attempted, f"{page.name} holds no example"
    assert not results.failed, "".join(said)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_code_block_escapes(page):
    blocks = page.read_text(encoding="utf-8").split("```python\n")[1:]
    assert all(block.startswith(">>> ") for block in blocks), "write code blocks as sessions with >>>, so that they run"


def program(name):
    """Return a fixture that imports a program from beside the pages."""

    @pytest.fixture(name=name)
    def module(monkeypatch):
        monkeypatch.syspath_prepend(ROOT / "docs")
        yield import_module(name)
        del sys.modules[name]

    return module


def files_of(name):
    """Return the files of a folder or file of the repository."""
    return sorted((ROOT / name).glob("*.py")) if name.endswith("/") else [ROOT / name]


figures, gallery, reference = map(program, ("figures", "gallery", "reference"))


SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("name", ["diamond", "layer", "neuron", "program", "slope"])
def test_figures_are_what_draw_draws(figures, name):
    """Otherwise write them anew: python docs/figures.py."""
    graph = figures.FIGURES[name]()
    drawn = ET.parse(figures.FOLDER / f"{name}.svg").getroot()
    texts = [text.text for text in drawn.iter(f"{SVG}text")]
    expected = [line for box in graph.boxes for line in box.lines] + [text for *_, text in graph.arrows if text]
    assert sorted(texts) == sorted(expected)
    titles = [group.find(f"{SVG}title").text for group in drawn.iter(f"{SVG}g") if group.get("class") == "edge"]
    assert sorted(titles) == sorted(f"n{start}->n{end}" for start, end, _ in graph.arrows)


def test_every_figure_is_shown_and_checked(figures):
    pages = (page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs").glob("*.md")))
    shown = [name for page in pages for name in re.findall(r"\]\(figures/(\w+\.\w+)\)", page)]
    drawn = [f"{name}.svg" for name in (*figures.FIGURES, "architecture")]  # checked here and in test_architecture.py
    plotted = [f"{name}.png" for name in figures.PLOTS]  # by examples, which have tests
    measured = [f"{name}.svg" for name in figures.CHARTS]
    assert (
        sorted(shown) == sorted(drawn + plotted + measured) == sorted(path.name for path in figures.FOLDER.glob("*.*"))
    )


PAGE_ON_VMAP = (ROOT / "docs" / "vmap.md").read_text(encoding="utf-8")
# The rows of its table: a number of lines of code, and the files that have them.
COUNTS = [
    (int(count), [file for name in re.findall(r"`(.+?)`", names) for file in files_of(name)])
    for count, names in re.findall(r"^\| (\d+) \| (.+?) \|", PAGE_ON_VMAP, re.MULTILINE)
]


@pytest.mark.parametrize(("said", "files"), COUNTS, ids=lambda x: x[0].name if isinstance(x, list) else "")
def test_the_page_on_vmap_says_how_many_lines_of_code_there_are(said, files):
    assert sum(map(code_lines, files)) == pytest.approx(said, rel=0.04), f"write {sum(map(code_lines, files))}"


def test_the_page_on_vmap_counts_all_that_only_vmap_uses():
    counted = {file for _, files in COUNTS for file in files}
    importers = {}
    for file in sorted((ROOT / "agrad").rglob("*.py")):
        for module in architecture.imports(file):
            importers.setdefault(module, set()).add(file)
    others = [file for file in (ROOT / "agrad").rglob("*.py") if file not in counted]
    modules = {file: ".".join(file.relative_to(ROOT).with_suffix("").parts) for file in others}
    left_out = [modules[file] for file in others if counted >= importers.get(modules[file], {file})]
    assert COUNTS
    assert not left_out


def test_every_example_is_in_the_gallery(gallery):
    """Otherwise run it: python docs/gallery.py NAME."""
    assert gallery.PAGE.read_text(encoding="utf-8") == gallery.index()
    for example in gallery.examples():
        assert example.picture.stat().st_size < 120_000
        assert example.time != "not measured"


def test_the_index_of_the_reference_lists_every_chapter(reference):
    index = (ROOT / "docs" / "reference" / "index.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^generated/(.+)$", index, re.MULTILINE)) == sorted(reference.pages())

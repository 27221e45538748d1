"""Makes the gallery of the examples: ``python docs/gallery.py [EXAMPLE ...]`` runs them and writes their pictures.

Without names, all examples are run. Each run writes a small picture to ``docs/figures/gallery``, the part of it that
its card shows to ``docs/figures/cards``, and the CPU time in seconds to ``docs/gallery_times.json``;
``docs/gallery.md`` is written from these and the docstrings.
`conf.py` writes a page for each example, with its docstring, picture and source.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples"
PICTURES = HERE / "figures" / "gallery"
CARDS = HERE / "figures" / "cards"
TIMES = HERE / "gallery_times.json"
PAGE = HERE / "gallery.md"
WIDTH = 900  # of a picture, in pixels
# The examples in the order in which they are shown; one that is not named here comes last.
ORDER = (
    "first_steps", "fit_line", "linear_regression_scratch", "linear_regression", "housing", "scalar_mlp", "mnist",
    "mnist_cnn", "vae", "char_rnn", "pretrained", "numpy_regression", "numpy_neural_network", "numpy_gaussian_process",
    "differentiate_scipy", "vmap_newton", "vmap_ensemble", "vmap_wrong_labels", "define_an_op",
)  # fmt: skip
# The part of a picture that its card shows, where that is not all of it: left, top, right and bottom, from 0 to 1.
PARTS = {
    "char_rnn": (0.45, 0.0, 1.0, 1.0),
    "define_an_op": (0.57, 0.0, 1.0, 1.0),
    "differentiate_scipy": (0.0, 0.0, 0.5, 1.0),
    "fit_line": (0.0, 0.0, 1.0, 0.56),
    "housing": (0.49, 0.0, 1.0, 1.0),
    "linear_regression": (0.0, 0.0, 0.53, 1.0),
    "linear_regression_scratch": (0.54, 0.0, 1.0, 1.0),
    "mnist": (0.41, 0.0, 1.0, 1.0),
    "mnist_cnn": (0.0, 0.0, 0.42, 1.0),
    "numpy_gaussian_process": (0.0, 0.0, 0.6, 1.0),
    "numpy_neural_network": (0.0, 0.0, 0.41, 1.0),
    "pretrained": (0.0, 0.0, 0.51, 1.0),
    "scalar_mlp": (0.67, 0.0, 1.0, 1.0),
    "vae": (0.0, 0.0, 0.31, 1.0),
    "vmap_wrong_labels": (0.0, 0.0, 0.56, 1.0),
}
HEAD = """\
# Gallery

Each of these programs runs as it is. `pip install ".[examples]"` in a checkout of the repository installs what they
need, and `python examples/NAME.py --help` shows their options. The times are of one CPU core (AMD EPYC).

::::{grid} 1 2 2 3
:gutter: 3

"""


class Example(NamedTuple):
    """An example, as its docstring describes it."""

    name: str
    title: str  # the first line up to a colon
    subtitle: str  # the rest of it
    text: str  # the lines after it
    code: str  # what follows the docstring

    @property
    def picture(self) -> Path:
        """Where its picture is, if there is one."""
        return PICTURES / f"{self.name}.png"

    @property
    def command(self) -> str:
        """The first command in the docstring."""
        return self.text.lstrip().splitlines()[0].strip()

    @property
    def time(self) -> str:
        """How long it took."""
        seconds = json.loads(TIMES.read_text(encoding="utf-8")).get(self.name)
        if seconds is None:
            return "not measured"
        return f"{seconds:.0f}\N{NO-BREAK SPACE}s" if seconds < 100 else f"{seconds / 60:.1f}\N{NO-BREAK SPACE}min"


def examples() -> list[Example]:
    """Return the examples in order."""
    files = [file for file in sorted(EXAMPLES.glob("*.py")) if file.stem != "common"]
    files.sort(key=lambda file: ORDER.index(file.stem) if file.stem in ORDER else len(ORDER))
    return [read(file) for file in files]


def read(file: Path) -> Example:
    """Return an example from its file: the parts of its docstring, and its code."""
    source = file.read_text(encoding="utf-8")
    tree = ast.parse(source)
    first, _, text = (ast.get_docstring(tree) or "").partition("\n")
    title, _, subtitle = first.rstrip(".").partition(": ")
    code = "\n".join(source.splitlines()[tree.body[0].end_lineno :])
    return Example(file.stem, title, subtitle[:1].upper() + subtitle[1:], text.strip("\n"), code.strip("\n"))


def index() -> str:
    """Return the page of all examples, in Markdown: a card for each."""
    cards = [card(example) for example in examples()]
    pages = "\n".join(f"examples/{example.name}" for example in examples())
    return f"{HEAD}{''.join(cards)}::::\n\n```{{toctree}}\n:hidden:\n\n{pages}\n```\n"


def card(example: Example) -> str:
    """Return the card of an example."""
    picture = [f":img-top: figures/cards/{example.name}.png", f":img-alt: What {example.name}.py draws"]
    lines = [
        f":::{{grid-item-card}} {example.title}",
        *(picture if example.picture.exists() else []),
        f":link: examples/{example.name}",
        ":link-type: doc",
        "",
        *([f"{example.subtitle}.", ""] if example.subtitle else []),
        f"`{example.name}.py`, {example.time}",
        ":::",
    ]
    return "\n".join([*lines, "", ""])


def page(example: Example) -> str:
    """Return the page of one example, in Markdown."""
    picture = [f"![What {example.name}.py draws](../figures/gallery/{example.name}.png)", ""]
    return "\n".join([
        f"# {example.title}",
        "",
        *([f"{example.subtitle}.", ""] if example.subtitle else []),
        *(picture if example.picture.exists() else []),
        example.text,
        "",
        f"`{example.command}` takes {example.time} of one CPU core.",
        "",
        "```python",
        example.code,
        "```",
        "",
    ])  # fmt: skip


def write(folder: Path) -> None:
    """Write the page of each example into a folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for example in examples():
        (folder / f"{example.name}.md").write_text(page(example), encoding="utf-8")


def run(name: str) -> float:
    """Run an example, keep its picture, and return its CPU time in seconds."""
    import resource  # Windows has none, and can build the pages without it

    with tempfile.TemporaryDirectory() as folder:
        drawn = Path(folder) / f"{name}.png"
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, EXAMPLES / f"{name}.py", "--plot", drawn]
        subprocess.run(command, check=True, cwd=folder, env=os.environ | {"MPLBACKEND": "Agg"})
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        keep(drawn, name)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def keep(drawn: Path, name: str) -> None:
    """Write a small version of a picture into the gallery: at most `WIDTH` wide, of 256 colours."""
    from PIL import Image

    image = Image.open(drawn).convert("RGB")
    size = (WIDTH, round(image.height * WIDTH / image.width))
    PICTURES.mkdir(parents=True, exist_ok=True)
    small = image.resize(size, Image.Resampling.LANCZOS)
    small.quantize(256, Image.Quantize.MAXCOVERAGE).save(PICTURES / f"{name}.png", optimize=True)
    cut(name)


def cut(name: str) -> None:
    """Write the part of a picture that its card shows."""
    from PIL import Image

    image = Image.open(PICTURES / f"{name}.png")
    left, top, right, bottom = PARTS.get(name, (0.0, 0.0, 1.0, 1.0))
    width, height = image.size
    box = (round(left * width), round(top * height), round(right * width), round(bottom * height))
    CARDS.mkdir(parents=True, exist_ok=True)
    image.crop(box).save(CARDS / f"{name}.png", optimize=True)


def main(*names: str) -> None:
    """Run the examples that are named, or all, and write the gallery."""
    for name in names or [example.name for example in examples()]:
        times = json.loads(TIMES.read_text(encoding="utf-8")) if TIMES.exists() else {}
        times[name] = round(run(name), 1)
        TIMES.write_text(json.dumps(times, indent=4, sort_keys=True) + "\n", encoding="utf-8")
        print(f"{name}: {times[name]} s")
    PAGE.write_text(index(), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])

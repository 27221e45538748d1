"""Writes the pages of the API reference from what agrad exports, so that no list can fall behind."""

from __future__ import annotations

import inspect
import shutil
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from agrad.core.dtypes import DType

# Each is a page, except agrad itself: there a page is a chapter, named after the module that its names come from.
NAMESPACES = (
    "agrad",
    "agrad.nn",
    "agrad.nn.functional",
    "agrad.nn.init",
    "agrad.nn.utils",
    "agrad.nn.utils.rnn",
    "agrad.optim",
    "agrad.optim.lr_scheduler",
    "agrad.optim.swa_utils",
    "agrad.amp",
    "agrad.data",
    "agrad.data.transforms",
    "agrad.distributed",
    "agrad.metrics",
    "agrad.special",
    "agrad.onnx",
    "agrad.linalg",
    "agrad.fft",
    "agrad.cuda",
    "agrad.random",
    "agrad.testing",
)
CHAPTERS = {
    "backends": "devices",
    "device": "devices",
    "dtypes": "data_types",
    "data_type": "data_types",
    "tape": "gradients",
    "grad_mode": "gradients",
    "transforms": "gradients",
    "primitive": "own_ops",
    "compiler": "compiled_functions",
    "amp": "agrad.amp",
    "gathering": "indexing",
    "extra": "array_api_extra",
    "io": "saving_and_loading",
    "random": "random_numbers",
    "anomaly": "seeing_inside",
    "draw": "seeing_inside",
    "profile": "seeing_inside",
    "summary": "seeing_inside",
}

# The title of a part, where the name of its file with a capital letter would not do.
TITLES = {
    "own_ops": "Ops of your own",
    "array_api_extra": "Array API extra",
    "rnn": "Recurrent layers",
    "rnn_cells": "Cells of recurrent layers",
    "conv": "Convolution",
    "conv_transpose": "Transposed convolution",
    "ctc": "CTC",
    "mnist": "MNIST",
    "dataloader": "DataLoader",
    "eigen": "Eigenvalues",
    "singular": "Singular values",
    "triangular": "Triangles",
    "lambdas": "By functions",
    "data_type": "Casts and promotion",
    "real": "Real input",
    "backends": "Which there are",
}

Entry = tuple[str, str, Any]  # the namespace, the name in it, and the function or class


def write(folder: Path) -> None:
    """Write one page for each chapter of the public names."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for page, entries in pages().items():
        (folder / f"{page}.md").write_text(render(page, entries), encoding="utf-8")


def pages() -> dict[str, list[Entry]]:
    """Return the entries of each page; what two namespaces offer stands in the first."""
    found: dict[str, list[Entry]] = defaultdict(list)
    seen: set[int] = set()
    for namespace in NAMESPACES:
        for name, value in public(namespace):
            if id(inspect.unwrap(value)) not in seen:
                seen.add(id(inspect.unwrap(value)))
                page = chapter(defined_in(value)) if namespace == "agrad" else namespace
                found[page].append((namespace, name, value))
    return found


def defined_in(value: Any) -> str:
    """Return the module that defines a function or class, which may be wrapped to answer wrong calls."""
    return inspect.unwrap(value).__module__


def chapter(module: str) -> str:
    """Return the page of what a module defines: `CHAPTERS` has it by a part of the path, or the file's name is it."""
    _, *parts = module.split(".")
    return next((CHAPTERS[part] for part in parts if part in CHAPTERS), parts[min(1, len(parts) - 1)])


def public(namespace: str) -> Iterator[tuple[str, Any]]:
    """Yield the functions and classes that a namespace offers."""
    module = import_module(namespace)
    for name in module.__all__:
        value = getattr(module, name)
        ours = (getattr(value, "__module__", None) or "").partition(".")[0] == "agrad"
        if ours and not name.startswith("_") and not isinstance(value, DType) and not inspect.ismodule(value):
            yield name, value


def render(page: str, entries: list[Entry]) -> str:
    """Return a page in Markdown: a title, a summary, and the docstring of each entry."""
    lines = [f"# {page if '.' in page else title(page)}", ""]
    if "." in page:
        lines += ["```{eval-rst}", inspect.getdoc(import_module(page)) or "", "```", ""]
    groups = by_kind(entries)
    for kind, group in groups.items():
        lines += ["```{eval-rst}", *summary(kind, group), "```", ""]
    for kind, group in groups.items():
        lines += [f"## {kind}", ""] if kind else []
        lines += ["```{eval-rst}", *details(group), "```", ""]
    return "\n".join(lines)


def title(name: str) -> str:
    """Return the name of a file as the title of a page or of a part of it."""
    name = name.strip("_")
    return TITLES.get(name, name.replace("_", " ").capitalize())


def by_kind(entries: list[Entry]) -> dict[str, list[Entry]]:
    """Return entries in alphabetical order, by the file that defines them; all as one where most files define one."""
    entries = sorted(entries, key=lambda entry: entry[1].casefold())
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[title(defined_in(entry[2]).rpartition(".")[2])].append(entry)
    if len(groups) == 1 or 2 * len(groups) > len(entries):
        return {"": entries}
    return dict(sorted(groups.items()))


def summary(kind: str, entries: list[Entry]) -> list[str]:
    """Return a table of entries in reStructuredText: each name, and the first line of its docstring."""
    lines = [f".. rubric:: {kind}", ""] if kind else []
    lines += [".. list-table::", "   :class: summary", "   :widths: 25 75", ""]
    for namespace, name, value in entries if len(entries) > 1 else members(*entries[0]):
        first = (inspect.getdoc(value) or "").partition("\n")[0]
        lines += [f"   * - :py:obj:`{name} <{namespace}.{name}>`", f"     - {first}"]
    return lines


def members(namespace: str, name: str, value: Any) -> list[Entry]:
    """Return an entry and, of a class, its methods and attributes, in alphabetical order."""
    own = sorted(vars(value).items()) if inspect.isclass(value) else []
    public = [(key, member) for key, member in own if key[0] != "_" and hasattr(value, key) and inspect.getdoc(member)]
    return [(namespace, name, value), *((f"{namespace}.{name}", *entry) for entry in public)]


def details(entries: list[Entry]) -> list[str]:
    """Return the directives that write the docstring of each entry."""
    lines = []
    for namespace, name, value in entries:
        directive = "autoclass" if inspect.isclass(value) else "autofunction"
        lines += [f".. {directive}:: {namespace}.{name}"]
        lines += ["   :members:", ""] if inspect.isclass(value) else [""]
    return lines

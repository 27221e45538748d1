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

# Each is a page, except agrad itself, which is one page for each module that its names come from.
NAMESPACES = ("agrad", "agrad.cuda", "agrad.nn", "agrad.nn.functional", "agrad.nn.init", "agrad.optim", "agrad.data")
OTHERS = ("agrad.random", "agrad.testing")


def write(folder: Path) -> None:
    """Write one page for each chapter of the public names."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for page, entries in chapters().items():
        (folder / f"{page}.md").write_text(render(page, entries), encoding="utf-8")


def chapters() -> dict[str, list[tuple[str, str, Any]]]:
    """Return for each page its entries: the namespace, the name in it, and the object."""
    pages: dict[str, list[tuple[str, str, Any]]] = defaultdict(list)
    seen: set[int] = set()
    for namespace in (*NAMESPACES, *OTHERS):
        for name, value in public(namespace):
            if id(value) not in seen:
                seen.add(id(value))
                page = value.__module__ if namespace == "agrad" else namespace
                pages[page.rpartition(".")[2]].append((namespace, name, value))
    return pages


def public(namespace: str) -> Iterator[tuple[str, Any]]:
    """Yield the functions and classes that a namespace offers."""
    module = import_module(namespace)
    for name in getattr(module, "__all__", None) or vars(module):
        value = getattr(module, name)
        ours = getattr(value, "__module__", "").startswith("agrad.")
        if ours and not name.startswith("_") and not isinstance(value, DType) and not inspect.ismodule(value):
            yield name, value


def render(page: str, entries: list[tuple[str, str, Any]]) -> str:
    """Return a page in Markdown: its title, the words of the module it is about, and each entry's docstring."""
    namespace = entries[0][0]
    module = import_module(entries[0][2].__module__ if namespace == "agrad" else namespace)
    title = page.replace("_", " ").capitalize() if namespace == "agrad" else f"`{namespace}`"
    lines = [inspect.getdoc(module) or "", ""]
    for namespace, name, value in entries:
        if inspect.isclass(value):
            lines += [f".. autoclass:: {namespace}.{name}", "   :members:", ""]
        else:
            lines += [f".. autofunction:: {namespace}.{name}", ""]
    return "\n".join([f"# {title}", "", "```{eval-rst}", *lines, "```", ""])

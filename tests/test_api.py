"""The public names with their signatures: what changes here changes for users, and belongs in CHANGELOG.md."""

import inspect
import re
import sys
from importlib import import_module
from pathlib import Path

import agrad

FILE = Path(__file__).parent / "api.txt"
DOCS = Path(__file__).parents[1] / "docs"


def lines():
    """Return a line per public name: what it is called with, or which kind of thing it is."""
    sys.path.insert(0, str(DOCS))
    reference = import_module("reference")
    sys.path.remove(str(DOCS))
    for namespace in reference.NAMESPACES:
        for name in sorted(import_module(namespace).__all__):
            yield f"{namespace}.{name}{told(getattr(import_module(namespace), name))}"
    for name in sorted(vars(agrad.Tensor)):
        if not name.startswith("_") and hasattr(agrad.Tensor, name):
            yield f"agrad.Tensor.{name}{told(getattr(agrad.Tensor, name))}"


def told(value):
    if inspect.ismodule(value):
        return ": module"
    if not callable(value):
        return f": {type(value).__name__}"
    try:
        signature = inspect.signature(value)
    except ValueError:
        return "(...)"
    bare = [p.replace(annotation=p.empty) for p in signature.parameters.values() if p.name != "self"]
    text = str(signature.replace(parameters=bare, return_annotation=signature.empty))
    return re.sub(r" at 0x[0-9a-f]+", "", text)


def test_the_public_names_and_their_signatures():
    expected = FILE.read_text(encoding="utf-8").splitlines()
    found = list(lines())
    gone, new = sorted(set(expected) - set(found)), sorted(set(found) - set(expected))
    assert not gone, f"gone or changed: {gone}; after a change that is meant: python -m tests.test_api"
    assert not new, f"new or changed: {new}; after a change that is meant: python -m tests.test_api"


if __name__ == "__main__":
    FILE.write_text("\n".join(lines()) + "\n", encoding="utf-8")

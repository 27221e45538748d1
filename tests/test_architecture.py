"""The architecture: which package may import which, how large the engine may grow, what `import agrad` may load."""

import ast
import io
import subprocess
import sys
import tokenize
import xml.etree.ElementTree as ET
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

import agrad
from docs import architecture

ROOT = Path(agrad.__file__).parent
SVG = "{http://www.w3.org/2000/svg}"
FILES = sorted(ROOT.rglob("*.py"))
ARRAY_LIBRARIES = {
    "numpy",
    "cupy",
    "cupyx",
    "torch",
    "jax",
    "jaxlib",
    "array_api_strict",
    "cupy_backends",
    "numba",
    "mlx",
    "ndonnx",
    "spox",
    "dpnp",
    "dpctl",
}
DEFINITION = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
ENGINE_LINES, PLAIN_LINES = 1470, 1162  # of the whole engine, and of what computes gradients without transforms
BESIDE = {"errors.py", "lifting.py", "observing.py"}  # messages, vmap's ways in and out, instruments


def name(path):
    return path.relative_to(ROOT).as_posix()


def test_the_import_check_sees_imports():
    found = architecture.imports(ROOT / "backends" / "numpy.py")
    assert "numpy" in found
    assert "agrad.backends.base" in found


@pytest.mark.parametrize("path", [p for p in FILES if not name(p).startswith("backends/")], ids=name)
def test_only_backends_import_array_libraries(path):
    wrong = {module for module in architecture.imports(path) if module.partition(".")[0] in ARRAY_LIBRARIES}
    compat = {m for m in architecture.imports(path) if m.startswith("array_api_compat.")}
    assert not wrong | compat, f"{name(path)} imports {sorted(wrong | compat)}"


# The packages, and modules of the top level, each with those that it may import; agrad/__init__.py imports all.
PACKAGES = {
    "backends": set(),
    "checks": set(),
    "core": {"backends"},
    "cuda": {"backends", "core", "spellings"},
    "ops": {"backends", "checks", "core"},
    "spellings": {"core", "ops"},
    "linalg": {"backends", "checks", "core", "ops", "spellings"},
    "fft": {"backends", "checks", "core", "ops", "spellings"},
    "special": {"core", "ops", "spellings"},
    "random": {"checks", "core"},
    "interop": {"backends", "core", "fft", "linalg", "ops", "special"},
    "amp": {"backends", "checks", "core", "nn", "ops", "optim", "spellings"},
    "distributed": {"backends", "checks", "core", "inspection", "nn", "ops", "random", "spellings"},
    "io": {"backends", "core"},
    "metrics": {"core", "ops"},
    "virtual": {"backends"},
    "transforms": {"backends", "checks", "core", "ops", "random", "virtual"},
    "testing": {"backends", "core", "ops", "transforms"},
    "nn": {"backends", "checks", "core", "linalg", "ops", "random", "spellings"},
    "optim": {"backends", "checks", "core", "distributed", "nn", "ops", "spellings"},
    "data": {"backends", "checks", "core", "distributed", "ops", "random", "spellings"},
    "compiler": {"backends", "checks", "core", "nn", "ops", "optim", "random", "transforms", "virtual"},
    "onnx": {"core", "io", "nn", "ops", "random", "transforms"},
    "inspection": {"backends", "checks", "core", "nn", "ops"},
}


def test_every_package_has_a_row():
    assert architecture.packages().keys() == PACKAGES.keys()


def test_the_picture_shows_the_imports():
    """Otherwise draw it anew: python docs/architecture.py."""
    drawn = ET.parse(architecture.PICTURE).getroot()
    titles = {kind: set() for kind in ("node", "edge")}
    for group in drawn.iter(f"{SVG}g"):
        if group.get("class") in titles:
            titles[group.get("class")].add(group.find(f"{SVG}title").text)
    assert titles["node"] == architecture.packages().keys()
    assert titles["edge"] == {f"{one}->{other}" for one, other in architecture.direct(architecture.packages())}


def test_packages_form_no_cycle():
    list(TopologicalSorter(PACKAGES).static_order())  # raises CycleError where they do


@pytest.mark.parametrize("path", [p for p in FILES if name(p) != "__init__.py"], ids=name)
def test_a_file_imports_only_packages_below(path):
    allowed = {*PACKAGES[architecture.package_of(path)], architecture.package_of(path)}
    wrong = {m for m in architecture.imports(path) if m.startswith("agrad.") and m.split(".")[1] not in allowed}
    assert not wrong, (
        f"{name(path)} imports {sorted(wrong)}; {architecture.package_of(path)} may import {sorted(allowed)}"
    )


def code_lines(path):
    """Return the number of lines with code on them: no docstrings, comments, or declarations for the type checker."""
    text = path.read_text(encoding="utf-8")
    aside = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            aside.update(range(node.body[0].lineno, node.body[0].end_lineno + 1))
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            aside.update(range(node.lineno, node.end_lineno + 1))
    skipped = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in skipped:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - aside)


def test_lines_are_counted_without_docstrings_and_comments(tmp_path):
    path = tmp_path / "sample.py"
    path.write_text(
        '"""Doc.\n\nMore."""\n\n# comment\nx = (\n    1  # one\n)\n\n\ndef f():\n    """Doc."""\n    return x\n'
    )
    assert code_lines(path) == 5


def test_the_engine_can_be_read_in_an_evening():
    lines = {path.name: code_lines(path) for path in (ROOT / "core").glob("*.py") if path.name != "declarations.py"}
    assert sum(lines.values()) <= ENGINE_LINES, f"{sum(lines.values())} lines of code: {lines}"
    assert sum(lines[name] for name in lines.keys() - BESIDE) <= PLAIN_LINES


def test_importing_agrad_loads_no_optional_library():
    unasked = ["torch", "jax", "cupy", "scipy", "array_api_strict", "matplotlib", "sklearn", "einops", "pooch", "tqdm"]
    unasked += ["numba", "ndonnx", "onnx", "onnxruntime"]
    code = f"import sys, agrad; print([name for name in {unasked} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_the_package_is_typed():
    assert (ROOT / "py.typed").exists()


def imported(path):
    """Import a module of agrad; skip where the library that it stands on is missing."""
    parts = ["agrad", *path.relative_to(ROOT).with_suffix("").parts]
    try:
        return import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    except ImportError as error:
        if error.name is None or error.name.partition(".")[0] not in ARRAY_LIBRARIES | {"onnx"}:
            raise
        pytest.skip(f"{error.name} is not installed")


@pytest.mark.parametrize("path", FILES, ids=name)
def test_all_lists_what_a_module_defines(path):
    module = imported(path)
    listed = getattr(module, "__all__", [])
    missing = [entry for entry in listed if not hasattr(module, entry)]
    assert not missing, f"__all__ names {missing}, which do not exist"
    definitions = (x for x in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(x, DEFINITION))
    unlisted = {x.name for x in definitions if not x.name.startswith("_")} - set(listed)
    assert not unlisted, f"__all__ does not name {sorted(unlisted)}"

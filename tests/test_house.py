"""The rules of the house: who may import what, how large the engine may grow, what `import agrad` may load."""

import ast
import io
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

import agrad

ROOT = Path(agrad.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
ARRAY_LIBRARIES = {"numpy", "cupy", "cupyx", "torch", "jax", "jaxlib", "array_api_strict", "cupy_backends", "numba"}
ENGINE_LINES = 610


def name(path):
    return path.relative_to(ROOT).as_posix()


class Imports(ast.NodeVisitor):
    """Collects the modules that a file imports at run time, relative ones as `agrad....`"""

    def __init__(self, path):
        self.package = ["agrad", *path.relative_to(ROOT).parent.parts]
        self.found = set()
        self.visit(ast.parse(path.read_text(encoding="utf-8")))

    def visit_If(self, node):
        if "TYPE_CHECKING" not in ast.unparse(node.test):
            self.generic_visit(node)
        else:
            for statement in node.orelse:
                self.visit(statement)

    def visit_Import(self, node):
        self.found.update(alias.name for alias in node.names)

    def visit_ImportFrom(self, node):
        base = self.package[: len(self.package) - node.level + 1] if node.level else []
        module = ".".join([*base, *([node.module] if node.module else [])])
        self.found.update({module, *(f"{module}.{alias.name}" for alias in node.names)})


def test_the_import_check_sees_imports(tmp_path):
    found = Imports(ROOT / "backends" / "numpy.py").found
    assert "numpy" in found
    assert "agrad.backends.base" in found


@pytest.mark.parametrize("path", [p for p in FILES if not name(p).startswith("backends/")], ids=name)
def test_only_backends_import_array_libraries(path):
    wrong = {module for module in Imports(path).found if module.partition(".")[0] in ARRAY_LIBRARIES}
    compat = {m for m in Imports(path).found if m.startswith("array_api_compat.")}
    assert not wrong | compat, f"{name(path)} imports {sorted(wrong | compat)}"


ABOVE = ("nn", "optim", "data", "compiler", "inspection", "io", "testing")
LAYERS = {
    "backends": ("core", "ops", "linalg", "fft", "special", *ABOVE),
    "core": ("ops", "linalg", "fft", "special", *ABOVE),
    "ops": ("linalg", "fft", "special", *ABOVE),
    "nn": ("optim", "data", "compiler", "inspection", "io", "testing"),
}


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_run_one_way(layer):
    for path in (ROOT / layer).rglob("*.py"):
        above = {m for m in Imports(path).found for upper in LAYERS[layer] if f"{m}.".startswith(f"agrad.{upper}.")}
        assert not above, f"{name(path)} imports {sorted(above)} from above"


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
    lines = {
        path.name: code_lines(path)
        for path in (ROOT / "core").glob("*.py")
        if path.name not in ("transforms.py", "declarations.py")
    }
    assert sum(lines.values()) <= ENGINE_LINES, f"{sum(lines.values())} lines of code: {lines}"


def test_importing_agrad_loads_no_library_that_was_not_asked_for():
    unasked = ["torch", "jax", "cupy", "scipy", "array_api_strict", "matplotlib", "sklearn", "einops", "pooch", "tqdm"]
    unasked += ["numba"]
    code = f"import sys, agrad; print([name for name in {unasked} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_the_package_is_typed():
    assert (ROOT / "py.typed").exists()


def test_all_lists_only_what_exists():
    for path in FILES:
        module = "agrad" if name(path) == "__init__.py" else f"agrad.{name(path)[:-3].replace('/', '.')}"
        loaded = sys.modules.get(module.removesuffix(".__init__"))
        missing = [entry for entry in getattr(loaded, "__all__", []) if not hasattr(loaded, entry)]
        assert not missing, f"{module}.__all__ names {missing}"

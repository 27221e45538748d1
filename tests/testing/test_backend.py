"""The conformance command for backends, on a library that agrad does not know, and on agrad's own."""

import os
import subprocess
import sys
from importlib import import_module
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest

import agrad
from agrad.backends import Backend, plugins
from agrad.backends import numpy as numpy_backend
from agrad.testing.backend.__main__ import main
from agrad.testing.backend.checks import check_programs, check_rows
from tests import backend_rows

PAGE = Path(agrad.__file__).parent.parent / "docs" / "backends.md"
OFTEN = "linalg", "special", "fft", "nn.functional"  # rows of these are many


@pytest.fixture
def mylibrary(monkeypatch):
    """The library of docs/backends.md, as if it were installed."""
    monkeypatch.syspath_prepend(Path(__file__).parent.parent)
    return import_module("mylibrary")


@pytest.fixture
def backend(mylibrary):
    """The backend of docs/backends.md, registered."""
    exec(shown_backend(), found := {})
    return found["MyBackend"]


def shown_backend():
    """Return the code of the page's backend."""
    block = next(x for x in PAGE.read_text().split("```python\n") if "@agrad.register_backend" in x).partition("```")[0]
    return "\n".join(line[4:] for line in block.splitlines())


def unregistered():
    """Return that code without the line that registers it."""
    return shown_backend().replace("@agrad.register_backend\n", "")


def test_the_page_shows_a_backend_in_few_lines():
    assert len(shown_backend().splitlines()) <= 20


def test_the_pages_backend_passes(backend, capsys):
    assert main([backend.kind]) == 0
    said = capsys.readouterr().out
    assert "agree with NumPy" in said
    assert "fails" not in said
    assert "differs" not in said


def test_a_backend_that_misses_writes_to_views_differs(mylibrary, capsys):
    """Without `buffer_of`, agrad does not notice that a view was written to."""

    class Careless(Backend):
        kind, xp, array_type = "careless", mylibrary, mylibrary.Array

        def to_numpy(self, array):
            return mylibrary.to_numpy(array)

    agrad.register_backend(Careless)
    assert main(["careless", "-k", "gradient needs"]) == 1
    assert "see Backend.buffer_of): expected True, actual False" in capsys.readouterr().out


def test_this_device_passes(device):
    left_out = OFTEN if device.backend.supports_float64 else ()  # else finite differences do not check gradients
    outcomes = [*check_programs(device), *(x for x in check_rows(device) if not x.name.startswith(left_out))]
    assert len(outcomes) > 100
    assert [x for x in outcomes if x.verdict in ("fails", "differs")] == []


def test_the_rows_are_those_of_the_tests():
    """Otherwise write them anew: python -m tests.backend_rows."""
    assert backend_rows.FILE.read_text(encoding="utf-8") == backend_rows.text()


class Wrong(Backend):
    """A backend with a wrong function, one that raises, and one that is missing."""

    kind = "wrong"

    def __init__(self, mylibrary):
        self.xp = type(sys)("wrong")
        vars(self.xp).update(vars(mylibrary))
        self.array_type = mylibrary.Array
        self.to_numpy = mylibrary.to_numpy
        self.xp.tanh = lambda x: mylibrary.tanh(x) + 0.01
        self.xp.cos = lambda x: 1 / 0
        del self.xp.sin


def test_what_is_wrong_is_told(mylibrary, capsys):
    agrad.register_backend(Wrong(mylibrary))
    assert main(["wrong", "-k", "tanh"]) == 1
    said = capsys.readouterr().out
    assert "differs from NumPy: " in said
    assert "  tanh: at index (" in said
    assert main(["wrong", "-k", "cos"]) == 1
    assert "  cos: RuntimeError: cos(float64 of shape (2, 3)): division by zero" in capsys.readouterr().out
    assert main(["wrong", "-k", "sinh"]) == 0
    assert main(["wrong", "-k", "asin"]) == 0
    capsys.readouterr()
    main(["wrong", "-k", "sin"])
    assert "  sin: sin(float64 of shape (2, 3)): module 'mylibrary' has no attribute 'sin'" in capsys.readouterr().out


def test_without_scipy_special_functions_are_not_compared(backend, monkeypatch, capsys):
    monkeypatch.setattr(numpy_backend, "_scipy_special", lambda: None)
    assert main([backend.kind, "-k", "special.zeta"]) == 0
    said = capsys.readouterr().out
    assert "not compared, as the device 'cpu' lacks it here: 1\n  special.zeta: " in said
    assert "it needs SciPy; pip install" in said


def test_a_function_that_is_missing_outside_of_ops_is_missing(mylibrary, monkeypatch):
    class Lacking(Backend):
        kind, xp, array_type = "lacking", ModuleType("lacking"), mylibrary.Array
        to_numpy, buffer_of = staticmethod(mylibrary.to_numpy), staticmethod(mylibrary.memory_of)

    vars(Lacking.xp).update(vars(mylibrary))
    del Lacking.xp.arange
    device = agrad.Device(agrad.register_backend(Lacking).kind)
    (outcome,) = check_rows(device, "one_hot")
    assert outcome == ("one_hot", "is missing", "module 'mylibrary' has no attribute 'arange'")


def test_the_command_registers_a_backend_by_its_place(tmp_path, mylibrary):
    (tmp_path / "shown.py").write_text(unregistered())
    paths = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(PAGE.parent.parent), str(Path(mylibrary.__file__).parent)])
    }
    command = [sys.executable, "-m", "agrad.testing.backend", "shown:MyBackend", "-k", "tanh"]
    done = subprocess.run(command, cwd=tmp_path, env=paths, capture_output=True, text=True, check=True)
    assert done.stdout == "7 of 7 agree with NumPy\n"


def test_a_name_that_leads_nowhere_is_an_error(capsys):
    with pytest.raises(SystemExit):
        main(["nowhere"])
    assert "unknown device 'nowhere'" in capsys.readouterr().err


# What may be registered


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"kind": "cpu"}, ValueError, "there is a device 'cpu' already"),
        ({"kind": "my:library"}, ValueError, "must be a name for agrad.Device, such as 'mylibrary', not 'my:library'"),
        ({"array_type": "Array"}, TypeError, "must be the class of the library's arrays, not 'Array'"),
        ({"array_type": agrad.backends.load("cpu").array_type}, ValueError, "ndarray belongs to the device 'cpu'"),
    ],
)
def test_a_wrong_backend_is_refused(mylibrary, changes, error, says):
    attributes = {"kind": "mylibrary", "xp": mylibrary, "array_type": mylibrary.Array} | changes
    with pytest.raises(error, match=says):
        agrad.register_backend(type("MyBackend", (Backend,), attributes))
    assert "mylibrary" not in agrad.devices()


def test_a_backend_without_a_namespace_is_refused():
    with pytest.raises(TypeError, match=r"Mine has no xp, array_type; write for instance Mine.xp = "):
        agrad.register_backend(type("Mine", (Backend,), {"kind": "mine"}))


# Entry points


@pytest.fixture
def installed(monkeypatch, tmp_path, mylibrary):
    """Return a function that installs a package with a backend."""

    def install(kind="mylibrary", value="mypackage:MyBackend", code=""):
        (tmp_path / "mypackage.py").write_text(code or unregistered())
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "mypackage", raising=False)
        for module in (agrad.backends, plugins):
            monkeypatch.setattr(module, "entries", lambda: {kind: EntryPoint(kind, value, plugins.GROUP)})

    return install


def test_a_package_brings_its_backend(installed):
    installed()
    assert agrad.devices()["mylibrary"] == ""
    assert agrad.ones(2, device="mylibrary").tolist() == [1.0, 1.0]


def test_a_packages_arrays_are_known(installed, mylibrary):
    installed()
    x = agrad.asarray(mylibrary.asarray([1.0, 2.0]))
    assert x.device.name == "mylibrary"
    assert isinstance((x * x).data, mylibrary.Array)


def test_an_array_of_an_unknown_library_says_what_to_do(mylibrary):
    with pytest.raises(TypeError, match=r"agrad\.register_backend adds its library"):
        agrad.backends.of(mylibrary.asarray([1.0]))


def test_a_package_that_fails_says_why(installed):
    installed(code="import no_such_library")
    assert (
        "mypackage (mypackage:MyBackend), which fails: No module named 'no_such_library'"
        in agrad.devices()["mylibrary"]
    )
    with pytest.raises(RuntimeError, match="which fails"):
        agrad.Device("mylibrary")


def test_a_package_names_its_backend_as_it_is(installed):
    installed(kind="other")
    with pytest.raises(RuntimeError, match="offers a device 'other', and its backend is of kind 'mylibrary'"):
        agrad.Device("other")


def test_entry_points_are_read_from_what_is_installed():
    plugins.entries.cache_clear()
    assert isinstance(plugins.entries(), dict)


# A lazy library


def test_a_lazy_library_materializes_what_a_step_leaves(mylibrary):
    seen = []

    class Lazy(Backend):
        kind, xp, array_type, lazy = "lazy", mylibrary, mylibrary.Array, True

        def to_numpy(self, array):
            return mylibrary.to_numpy(array)

        def materialize(self, arrays):
            seen.append(len(arrays))
            return [mylibrary.asarray(x, copy=True) for x in arrays]

    agrad.register_backend(Lazy)
    with agrad.Device("lazy"):
        model = agrad.nn.Sequential(agrad.nn.Linear(2, 3), agrad.nn.BatchNorm1d(3))
        optimizer = agrad.optim.Adam(model.parameters(), lr=0.1)
        agrad.sum(model(agrad.rand(4, 2)) ** 2).backward()
        assert seen == [1, 1]  # the running mean and variance
        before = model[0].weight.data
        optimizer.step()
    assert seen[2:] == [4 * 3]  # each parameter, and its two moments
    assert model[0].weight.data is not before

"""Convolution and pooling on NumPy, compiled by numba and without it: what the generic backend does."""

import multiprocessing
import subprocess
import sys

import numpy as np
import pytest

import agrad
from agrad.backends import numpy as module
from agrad.backends import strided
from agrad.backends.base import Backend
from agrad.backends.numpy import BACKEND
from agrad.backends.sliding_windows import Windows

RNG = np.random.default_rng(11)
WINDOWS = [
    Windows((3,), (1,), ((1, 2),), (2,)),
    Windows((3, 3), (2, 1), ((2, 1), (1, 0)), (1, 2)),
    Windows((3,), (2,), ((1, 2),), (2,)),
    Windows((2, 3), (1, 1), ((0, 0), (0, 0)), (1, 1)),
    Windows((2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1)),
    Windows((3, 2), (2, 1), ((2, 0), (0, 5)), (1, 2)),
    Windows((1, 2, 2), (1, 1, 2), ((0, 0), (1, 1), (0, 1)), (1, 2, 1)),
    Windows((3, 3), (3, 1), ((2, 1), (1, 1)), (2, 1)),
    Windows((3, 3), (2, 2), ((2, 2), (0, 1)), (2, 2)),
    Windows((17, 17), (3, 3), ((8, 8), (8, 8)), (1, 1)),
]
LENGTHS = (7, 6, 5)


@pytest.fixture(params=["numba", "plain"])
def by(request, monkeypatch):
    """The kernels of numba, and the same calls as if there were none."""
    if request.param == "plain":
        monkeypatch.setattr(module, "compiled", lambda: None)
    else:
        pytest.importorskip("numba", reason="numba is not installed")
        assert module.compiled() is not None
    return request.param


@pytest.fixture(params=["one part", "many parts"])
def parts(request, monkeypatch):
    fast = module.compiled()
    if request.param == "many parts":
        monkeypatch.setattr(type(BACKEND), "gathered", 1)
        monkeypatch.setattr(strided, "_COLUMNS", 1)
        monkeypatch.setattr(strided, "_FEWEST", 1)
        if fast is not None:
            monkeypatch.setattr(fast.parts, "PART", 1)


def agree(method, *args, rtol=0.0):
    """Compare the backend's own result with the generic one."""
    own, generic = getattr(BACKEND, method)(*args), getattr(Backend, method)(BACKEND, *args)
    for one, other in zip(*(x if isinstance(x, tuple) else (x,) for x in (own, generic)), strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=rtol)
        assert one.dtype == other.dtype
        assert one.shape == other.shape
    return own


@pytest.mark.parametrize("windows", WINDOWS, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("batch", "groups"), [(0, 1), (1, 2), (5, 1), (37, 2)])
def test_convolution(by, parts, windows, dtype, batch, groups):
    lengths = LENGTHS[: len(windows.kernel)]
    x = RNG.normal(size=(batch, 4, *lengths)).astype(dtype)
    weight = RNG.normal(size=(6, 4 // groups, *windows.kernel)).astype(dtype)
    g = RNG.normal(size=(batch, 6, *windows.counts(lengths))).astype(dtype)
    rtol = 1e-4 if dtype == "float32" else 1e-11
    agree("convolve", x, weight, windows, groups, rtol=rtol)
    agree("convolve_input", g, weight, lengths, windows, groups, rtol=rtol)
    agree("convolve_weight", g, x, windows, groups, rtol=rtol)


@pytest.mark.parametrize("windows", WINDOWS, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
@pytest.mark.parametrize("lead", [(), (0, 3), (2, 3)])
def test_pooling(by, parts, windows, dtype, lead):
    lengths = LENGTHS[: len(windows.kernel)]
    x = RNG.integers(-9, 9, (*lead, *lengths)).astype(dtype)
    g = RNG.integers(-9, 9, (*lead, *windows.counts(lengths))).astype(dtype)
    _, indices = agree("window_max", x, windows)
    agree("window_sum", x, windows)
    agree("add_to_windows", g, None, lengths, windows)
    if dtype != "int32":
        agree("add_to_windows", g, indices, lengths, windows)


@pytest.mark.parametrize("windows", WINDOWS, ids=str)
def test_the_largest_of_nan_and_infinity(by, windows):
    lengths = LENGTHS[: len(windows.kernel)]
    for values in ([np.nan, 1.0, 2.0], [-np.inf], [np.nan, -np.inf], [np.inf, 1.0, np.nan]):
        x = RNG.choice(values, (4, *lengths)).astype(np.float32)
        largest, indices = agree("window_max", x, windows)
        agree("add_to_windows", np.ones_like(largest), indices, lengths, windows)


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x[:, :, ::-1],
        lambda x: x.swapaxes(2, 3),
        lambda x: x.astype(np.float16),
        lambda x: x.astype(">f4"),
        lambda x: x + 1j,
        lambda x: np.broadcast_to(x[:1], x.shape),
    ],
    ids=["backwards", "transposed", "half", "big-endian", "complex", "read-only"],
)
def test_other_arrays_are_computed_too(by, change):
    windows = Windows((2, 2), (1, 1), ((0, 0), (0, 0)), (1, 1))
    x = change(RNG.integers(-4, 4, (3, 2, 5, 5)).astype(np.float32))
    weight = np.ones((2, 2, 2, 2), dtype=x.dtype)
    np.testing.assert_array_equal(
        BACKEND.convolve(x, weight, windows, 1), Backend.convolve(BACKEND, x, weight, windows, 1)
    )
    np.testing.assert_array_equal(BACKEND.window_sum(x, windows), Backend.window_sum(BACKEND, x, windows))


def _sum_of_windows(windows):
    return float(BACKEND.window_sum(np.ones((8, 5, 5), dtype=np.float32), windows).sum())


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning", "ignore:.*fork.*:RuntimeWarning")  # JAX's
def test_a_forked_process_computes_without_the_threads(by):
    windows = WINDOWS[2]
    expected = _sum_of_windows(windows)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply_async(_sum_of_windows, (windows,)).get(30) == expected


def test_numba_is_imported_when_it_is_needed():
    pytest.importorskip("numba", reason="numba is not installed")
    code = """
import sys, agrad, agrad.nn.functional as F
x = agrad.ones((1, 1, 4, 4)) + 1
print("numba" in sys.modules)
F.max_pool2d(x, 2)
print("numba" in sys.modules)
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["False", "True"]


def test_gradients_are_the_same(monkeypatch):
    pytest.importorskip("numba", reason="numba is not installed")
    found = []
    for compiled in (module.compiled, lambda: None):
        monkeypatch.setattr(module, "compiled", compiled)
        x = agrad.asarray(np.arange(2 * 36, dtype=np.float64).reshape((2, 1, 6, 6)) % 7, requires_grad=True)
        w = agrad.asarray(np.arange(18, dtype=np.float64).reshape((2, 1, 3, 3)) % 5, requires_grad=True)
        agrad.nn.functional.max_pool2d(agrad.nn.functional.conv2d(x, w), 2).sum().backward()
        found.append((x.grad.numpy(), w.grad.numpy()))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_pictures_without_rows_are_pooled(by):
    windows = Windows((2, 2), (2, 2), ((1, 1), (1, 1)), (1, 1))
    agree("window_max", np.zeros((2, 1, 0, 5)), windows)
    agree("window_sum", np.zeros((2, 1, 0, 5)), windows)


@pytest.mark.parametrize("error", ["OSError", "AttributeError", "ImportError"])
def test_a_broken_numba_is_ignored(error, tmp_path):
    (tmp_path / "numba").mkdir()
    (tmp_path / "numba" / "__init__.py").write_text(f"raise {error}('broken')")
    code = """
import sys, agrad, agrad.nn.functional as F
sys.path.insert(0, sys.argv[1])
print(F.conv2d(agrad.ones((1, 1, 2, 2)), agrad.ones((1, 1, 2, 2))).item())
"""
    answer = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "4.0"


def test_work_is_done_while_python_ends():
    pytest.importorskip("numba", reason="numba is not installed")
    code = """
import atexit, agrad, agrad.nn.functional as F
from agrad.backends.fast import parts
parts.PART, parts._CORES = 1, 2
work = lambda: F.max_pool2d(agrad.ones((64, 8, 8, 8)), 2).sum().item()
atexit.register(lambda: print(work()))
print(work())
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["8192.0", "8192.0"]


def test_convolutions_are_left_to_large_products_where_these_are_quicker():
    fast = module.compiled() or pytest.skip("numba is not installed")
    x = np.ones((2, 3, 8, 8), np.float32)
    near, apart = (Windows((3, 3), (1, s), ((0, 0), (0, 0)), (1, 1)) for s in (1, 2))
    assert fast.suits(near, x, outputs=32)
    assert not fast.suits(near, x, outputs=33)
    assert not fast.suits(apart, x, outputs=1)
    assert fast.suits(apart, x)

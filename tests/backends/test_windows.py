"""Pooling, and what the oracle's tests of convolution leave out, on every device as in pure array API."""

import numpy as np
import pytest

from agrad.backends.base import Backend
from agrad.backends.sliding_windows import Windows

RNG = np.random.default_rng(5)
LENGTHS = (7, 6, 5)
WINDOWS = [
    Windows((2,), (2,), ((0, 0),), (1,)),
    Windows((3,), (2,), ((1, 1),), (2,)),
    Windows((2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1)),
    Windows((3, 2), (1, 3), ((1, 0), (1, 2)), (2, 1)),
    Windows((2, 3, 2), (2, 1, 1), ((1, 0), (0, 0), (0, 1)), (1, 2, 1)),
    Windows((17, 17), (1, 1), ((8, 8), (8, 8)), (1, 1)),  # indices beyond 255
]


@pytest.fixture
def place(place):
    if type(place.backend).window_max is Backend.window_max:
        pytest.skip("it has no kernels of its own for windows")
    return place


def agree(place, method, arrays, *settings, tolerance=0.0):
    """Check that a backend's own method finds what the generic one does in the same types; return the result."""
    found = getattr(place.backend, method)(*arrays, *settings)
    expected = getattr(Backend, method)(place.backend, *arrays, *settings)
    pairs = zip(found, expected, strict=True) if isinstance(found, tuple) else [(found, expected)]
    for own, generic in pairs:
        own, generic = place.backend.to_numpy(own), place.backend.to_numpy(generic)
        assert own.dtype == generic.dtype
        np.testing.assert_allclose(own, generic, rtol=tolerance, atol=tolerance)
    return found


def on(place, values, dtype):
    """Return an array on a device; skip where it lacks the dtype."""
    lacks_half = place.backend.kind == "strict" and dtype == "float16"
    if lacks_half or (dtype == "float64" and not place.backend.supports_float64):
        pytest.skip(f"it has no {dtype}")
    return place.backend.asarray(np.asarray(values).astype(dtype), None, place.native, True)


@pytest.mark.parametrize("windows", WINDOWS, ids=str)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32"])
@pytest.mark.parametrize("lead", [(), (0, 3), (2, 3)])
def test_pooling(place, windows, dtype, lead):
    lengths = LENGTHS[: len(windows.kernel)]
    x = on(place, RNG.integers(-9, 9, (*lead, *lengths)), dtype)
    g = on(place, RNG.integers(-2, 3, (*lead, *windows.counts(lengths))), dtype)
    _, indices = agree(place, "window_max", [x], windows)
    agree(place, "window_sum", [x], windows)
    agree(place, "add_to_windows", [g, None], lengths, windows)
    if dtype != "int32":
        agree(place, "add_to_windows", [g, indices], lengths, windows)
        agree(place, "gather_from_windows", [x, indices], windows)


@pytest.mark.parametrize("windows", WINDOWS, ids=str)
def test_the_largest_of_nan_and_infinity(place, windows):
    lengths = LENGTHS[: len(windows.kernel)]
    for values in ([np.nan, 1.0, 2.0], [-np.inf], [np.nan, -np.inf], [np.inf, 1.0, np.nan]):
        x = on(place, RNG.choice(values, (4, *lengths)), "float32")
        _, indices = agree(place, "window_max", [x], windows)
        g = on(place, np.ones((4, *windows.counts(lengths))), "float32")
        agree(place, "add_to_windows", [g, indices], lengths, windows)


def test_arrays_in_any_layout(place):
    windows = Windows((2, 2), (1, 2), ((1, 0), (0, 0)), (1, 1))
    x = place.xp.permute_dims(on(place, RNG.normal(size=(6, 5, 3, 2)), "float32"), (3, 2, 1, 0))
    weight = place.xp.permute_dims(on(place, RNG.normal(size=(2, 2, 3, 4)), "float32"), (3, 2, 1, 0))
    _, indices = agree(place, "window_max", [x], windows)
    agree(place, "window_sum", [x], windows, tolerance=1e-6)
    agree(place, "gather_from_windows", [x, indices], windows)
    agree(place, "convolve", [x, weight], windows, 1, tolerance=1e-5)
    g = place.xp.permute_dims(
        on(place, RNG.normal(size=(*windows.counts((5, 6))[::-1], 4, 2)), "float32"), (3, 2, 1, 0)
    )
    agree(place, "convolve_input", [g, weight], (5, 6), windows, 1, tolerance=1e-5)
    agree(place, "convolve_weight", [g, x], windows, 1, tolerance=1e-5)
    agree(place, "add_to_windows", [g, None], (5, 6), windows, tolerance=1e-6)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float16", 2e-2), ("float64", 1e-12), ("complex64", 1e-5)])
def test_convolution_of_other_types(place, dtype, tolerance):
    windows = Windows((3, 2), (2, 1), ((1, 1), (0, 1)), (1, 2))
    bias = on(place, RNG.normal(size=6), dtype)
    x, weight, g = (
        on(place, RNG.normal(size=shape), dtype)
        for shape in ((3, 4, 7, 6), (6, 2, 3, 2), (3, 6, *windows.counts((7, 6))))
    )
    agree(place, "convolve", [x, weight], windows, 2, tolerance=tolerance)
    agree(place, "convolve_with_bias", [x, weight, bias], windows, 2, tolerance=tolerance)
    agree(place, "convolve_input", [g, weight], (7, 6), windows, 2, tolerance=tolerance)
    agree(place, "convolve_weight", [g, x], windows, 2, tolerance=10 * tolerance)


@pytest.mark.cuda
@pytest.mark.parametrize("size", [1, 3 * 18 * 25 * 8])  # one sample at a time, and three
def test_convolution_on_cuda_in_parts(size, monkeypatch):
    import agrad

    place = agrad.Device("cuda")
    from agrad.backends.cuda import convolution

    windows = Windows((3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1))
    x, weight, g = (
        on(place, RNG.normal(size=shape), "float64") for shape in ((7, 2, 5, 5), (3, 2, 3, 3), (7, 3, 5, 5))
    )
    monkeypatch.setattr(convolution, "_GATHERED", size)
    agree(place, "convolve", [x, weight], windows, 1, tolerance=1e-11)
    agree(place, "convolve_by_channel", [x, weight], windows, 1, tolerance=1e-11)
    agree(place, "convolve_input", [g, weight], (5, 5), windows, 1, tolerance=1e-11)
    agree(place, "convolve_weight", [g, x], windows, 1, tolerance=1e-11)


@pytest.mark.cuda
def test_indices_of_64_bits(monkeypatch):
    import agrad

    place = agrad.Device("cuda")
    from agrad.backends.cuda import windows as module

    monkeypatch.setattr(module, "index_type", lambda count: np.int64)
    windows = Windows((3, 2), (1, 3), ((1, 0), (1, 1)), (2, 1))
    x, weight = (on(place, RNG.normal(size=shape), "float32") for shape in ((2, 3, 7, 6), (4, 3, 3, 2)))
    g = on(place, RNG.normal(size=(2, 4, *windows.counts((7, 6)))), "float32")
    agree(place, "convolve", [x, weight], windows, 1, tolerance=1e-5)
    agree(place, "convolve_input", [g, weight], (7, 6), windows, 1, tolerance=1e-5)
    agree(place, "convolve_weight", [g, x], windows, 1, tolerance=1e-5)
    largest, indices = agree(place, "window_max", [x], windows)
    agree(place, "add_to_windows", [largest, indices], (7, 6), windows, tolerance=1e-6)
    agree(place, "gather_from_windows", [x, indices], windows)

"""The namespace of batched arrays: it has the standard's functions; those that no op calls beside a loop."""

import inspect

import numpy as np
import pytest

from agrad.virtual.batched.arrays import BatchedArray
from agrad.virtual.batched.backend import over
from agrad.virtual.batched.level import Batch

strict = pytest.importorskip("array_api_strict")

OWN = {"broadcast_shapes", "from_dlpack"}  # which take no arrays of the library, or make them of others'
BATCH = 3


@pytest.fixture
def level(device):
    library = over(device.backend, device.xp)
    return Batch(library, device.backend, device.xp, device.native, BATCH, "error")


def names():
    """Yield the functions of the standard, those of extensions with a dot."""
    for space in ("", "linalg", "fft"):
        module = getattr(strict, space) if space else strict
        for name in module.__all__:
            if inspect.isfunction(getattr(module, name)) and not name.startswith("_") and "strict_flags" not in name:
                yield f"{space}.{name}" if space else name


@pytest.mark.parametrize("name", sorted({*names()} - OWN))
def test_every_function_of_the_standard_has_a_rule(level, name):
    space, _, last = name.rpartition(".")
    xp = level.library.xp
    assert callable(getattr(getattr(xp, space) if space else xp, last))


# Functions that no op calls.
ALONE = {
    "tile": lambda xp, x: xp.tile(x, (2, 1, 3)),
    "tile few": lambda xp, x: xp.tile(x, (2,)),
    "meshgrid": lambda xp, x: xp.stack(xp.meshgrid(x[0, :], x[1, :])),
    "meshgrid of rows": lambda xp, x: xp.stack(xp.meshgrid(x[0, :], x[:, 0], indexing="ij")),
    "outer": lambda xp, x: xp.linalg.outer(x[0, :], x[:, 1]),
    "fftshift": lambda xp, x: xp.fft.fftshift(x),
    "ifftshift": lambda xp, x: xp.fft.ifftshift(x, axes=1),
    "broadcast_arrays": lambda xp, x: xp.broadcast_arrays(x[:, :1], x)[0],
    "diff": lambda xp, x: xp.diff(x, axis=0, prepend=x[:1, :]),
    "repeat": lambda xp, x: xp.repeat(x, 2),
    "a constant and itself": lambda xp, x: xp.concat([x, xp.ones((1, 4), dtype=x.dtype, device=x.device)]),
    "frequencies": lambda xp, x: xp.fft.fftfreq(4, device=x.device) * xp.astype(x, xp.float64),
}


@pytest.mark.parametrize("name", ALONE)
def test_functions_that_no_op_calls(device, level, name):
    values = device.backend.asarray(np.random.default_rng(0).uniform(size=(BATCH, 2, 4)), None, device.native)
    found = ALONE[name](level.library.xp, BatchedArray(values, 1, level))
    for i in range(BATCH):
        expected = ALONE[name](device.xp, values[i, ...])
        np.testing.assert_allclose(device.backend.to_numpy(found.value[i, ...]), device.backend.to_numpy(expected))
    assert found.shape == tuple(expected.shape)


@pytest.mark.parametrize(("name", "place"), [("searchsorted", 1), ("isin", 0)])
def test_what_is_searched_by_all_examples_is_searched_by_one_call(device, level, monkeypatch, name, place):
    calls, function = [], getattr(device.xp, name)
    monkeypatch.setattr(device.xp, name, lambda *args, **settings: calls.append(name) or function(*args, **settings))
    native = lambda values: device.backend.asarray(np.asarray(values), None, device.native)
    looked_up = BatchedArray(native([[1, 5], [9, 3], [0, 5]]), 1, level)
    searched = BatchedArray(native([1, 3, 5]), 0, level)
    found = getattr(level.library.xp, name)(*[searched, looked_up][:: 1 if place else -1])
    expected = {"searchsorted": [[0, 2], [3, 1], [0, 2]], "isin": [[True, True], [False, True], [False, True]]}[name]
    assert (device.backend.to_numpy(found.value).tolist(), found.shape, len(calls)) == (expected, (2,), 1)

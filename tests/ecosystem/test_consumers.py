"""Other libraries' functions on tracked Tensors: a right gradient, a clear error, or a loss that the table tells of."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import numpy as np
import pytest

import agrad
from agrad.testing import assert_close, check_grads
from tests.ecosystem.libraries import ROWS
from tests.ecosystem.rows import Row

if os.environ.get("SCIPY_ARRAY_API") != "1":
    pytest.skip("SCIPY_ARRAY_API=1 must be set before SciPy is imported: nox -s ecosystem", allow_module_level=True)


@pytest.fixture(autouse=True)
def _double_precision() -> Iterator[None]:
    """What a library makes of Python's numbers is as precise as what NumPy makes of them."""
    agrad.set_default_dtype("float64")
    yield
    agrad.set_default_dtype("float32")


@pytest.fixture(autouse=True)
def _dispatch(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tell scikit-learn to look at other libraries' arrays."""
    if request.node.callspec.params["row"].library != "sklearn":
        yield
        return
    with import_module("sklearn").config_context(array_api_dispatch=True):
        yield


def each(status: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", [row for row in ROWS if row.status == status], ids=str)


def arrays(row: Row) -> list[Any]:
    random = np.random.default_rng(0)
    return [spec(random) if callable(spec) else spec for spec in row.args]


def tensors(row: Row) -> list[Any]:
    """Make the arguments: floating arrays are tracked, but those that are fixed."""
    made = zip(row.args, arrays(row), strict=True)
    return [tensor(x, not hasattr(spec, "fixed")) if isinstance(x, np.ndarray) else x for spec, x in made]


def tensor(array: Any, tracked: bool) -> agrad.Tensor:
    return agrad.tensor(array, requires_grad=tracked and array.dtype.kind in "fc")


def floating(result: Any) -> Iterator[Any]:
    """Yield the floating arrays in what a function returned."""
    if isinstance(result, agrad.Tensor):
        if result.dtype.differentiable:
            yield result
    elif isinstance(result, (np.ndarray, np.generic)):
        if result.dtype.kind in "fc":
            yield result
    elif isinstance(result, (tuple, list)):
        for part in result:
            yield from floating(part)
    elif isinstance(result, Mapping) or hasattr(result, "__dict__"):
        yield from floating(list(result.values() if isinstance(result, Mapping) else vars(result).values()))


def run(row: Row, args: list[Any]) -> Any:
    """Call a row's function; skip where the device lacks a special function that it needs, or is too strict for it."""
    if agrad.get_device().kind == "strict" and not row.strict:
        pytest.skip(f"{row} leaves the standard")
    try:
        return row.run(args)
    except NotImplementedError as error:
        if re.search(r"device '\w+' has no \w+: write x\.to", str(error)):
            pytest.skip(str(error))
        raise


@each("works")
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning", "ignore:divide by zero:RuntimeWarning")
def test_gradients_are_finite_differences(row: Row, device: agrad.Device, record_property: Any) -> None:
    if not device.backend.supports_float64:
        pytest.skip(f"{device} does not compute in float64")
    args = tensors(row)
    places = [i for i, x in enumerate(args) if isinstance(x, agrad.Tensor) and x.requires_grad]

    def function(*points: agrad.Tensor) -> list[agrad.Tensor]:
        filled = list(args)
        for i, point in zip(places, points, strict=True):
            filled[i] = point
        return list(floating(run(row, filled)))

    found = function(*[args[i] for i in places])
    assert any(x.requires_grad for x in found), "the gradient ends here"
    for result, value in zip(found, floating(row.run(arrays(row))), strict=True):
        assert_close(result, value, rtol=row.tolerance / 1000, atol=row.tolerance / 1000)
        assert result.device is device
    check_grads(function, [args[i] for i in places], order=1, rtol=row.tolerance, atol=row.tolerance)
    record_property("consumer", (device.name, *row.told))


@each("refuses")
def test_a_refusal_says_what_to_do(row: Row, device: agrad.Device, record_property: Any) -> None:
    args = tensors(row)
    with warnings.catch_warnings(action="ignore"), pytest.raises(Exception, match=row.error):
        sum((agrad.sum(x) for x in floating(run(row, args))), start=agrad.zeros(())).backward()  # some refuse only now
    record_property("consumer", (device.name, *row.told))


@each("constant")
def test_where_ranks_decide_nothing_is_tracked(row: Row, device: agrad.Device, record_property: Any) -> None:
    args = tensors(row)
    assert not any(x.requires_grad for x in floating(run(row, args)))
    check_grads(lambda *points: list(floating(row.run(list(points)))), args, order=1)  # the differences are 0, too
    record_property("consumer", (device.name, *row.told))


@each("detaches")
def test_functions_that_detach_warn(row: Row, device: agrad.Device, record_property: Any) -> None:
    with pytest.warns(UserWarning, match="of a Tensor that requires gradients detaches it"):
        row.run(tensors(row))
    record_property("consumer", (device.name, *row.told))


@each("takes")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_untracked_tensors_are_taken_as_arrays(row: Row, device: agrad.Device, record_property: Any) -> None:
    if device.kind != "cpu":
        pytest.skip("NumPy may read what is on the cpu only")
    pytest.importorskip(row.library)
    untracked = [agrad.tensor(x) if isinstance(x, np.ndarray) else x for x in arrays(row)]
    expected = row.run(arrays(row)) if row.expected is None else row.expected
    for args in (arrays(row), untracked):
        assert_close(np.asarray(row.run(args)), np.asarray(expected), rtol=row.tolerance, atol=row.tolerance)
    if row.library == "matplotlib":
        with pytest.raises((RuntimeError, UserWarning), match=r"x\.detach\(\)"):  # a warning is an error here
            row.run(tensors(row))
    record_property("consumer", (device.name, *row.told))

"""Each public function of NumPy's, given Tensors: its value, its gradient, or an error whose remedy works."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import agrad
from agrad.interop.numpy_api.host import REMEDIES
from agrad.testing import assert_close, check_grads
from tests.interop.numpy_rows import ROWS, Row
from tests.interop.numpy_table import PAGE, public, table

KNOWN = [row for row in ROWS if row.function is not None]  # others are older or newer than the NumPy at hand


def of(status: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", [row for row in KNOWN if row.status == status], ids=str)


def arrays(row: Row) -> list[Any]:
    random = np.random.default_rng(0)
    return [x(random) if callable(x) and not is_numpys(x) else x for x in row.args]


def is_numpys(x: Any) -> bool:
    return isinstance(x, type) or getattr(x, "__module__", "").startswith("numpy")


def tensors(row: Row, tracked: bool) -> list[Any]:
    return [
        agrad.tensor(x, requires_grad=tracked and x.dtype.kind in "fc") if isinstance(x, np.ndarray) else x
        for x in arrays(row)
    ]


def parts(result: Any) -> Iterator[Any]:
    """Yield the arrays and numbers in what a function returned."""
    if isinstance(result, (tuple, list)):
        for part in result:
            yield from parts(part)
    elif result is not None:
        yield result


def is_floating(x: Any) -> bool:
    return isinstance(x, agrad.Tensor) and x.dtype.differentiable


def run(row: Row, args: list[Any]) -> Any:
    """Call a function; skip where the device lacks what it stands on."""
    try:
        return row.run(args)
    except NotImplementedError as error:
        pytest.skip(str(error))


@pytest.fixture(autouse=True)
def _double_precision(device: agrad.Device) -> None:
    if not device.backend.supports_float64:
        pytest.skip(f"{device} does not compute in float64")


@of("differentiates")
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore:.row_stack:DeprecationWarning")
def test_values_and_gradients(row: Row, device: agrad.Device) -> None:
    args = tensors(row, tracked=True)
    places = [i for i, x in enumerate(args) if isinstance(x, agrad.Tensor) and x.requires_grad]

    def function(*points: agrad.Tensor) -> list[agrad.Tensor]:
        filled = list(args)
        for i, point in zip(places, points, strict=True):
            filled[i] = point
        return [x for x in parts(run(row, filled)) if is_floating(x)]

    found = list(parts(run(row, args)))
    assert any(isinstance(x, agrad.Tensor) and x.requires_grad for x in found), "the gradient ends here"
    for result, value in zip(found, parts(row.run(arrays(row))), strict=True):
        assert_close(result, value, rtol=1e-9, atol=1e-9)
        assert not isinstance(result, agrad.Tensor) or result.device is device
    check_grads(function, [args[i] for i in places], order=1, rtol=row.tolerance, atol=row.tolerance)


def is_constant(result: agrad.Tensor, args: list[Any]) -> bool:
    """Whether nothing is recorded, or what is recorded has a gradient of 0."""
    leaves = [x for x in args if isinstance(x, agrad.Tensor) and x.requires_grad]
    return not result.requires_grad or not any(
        agrad.any(g != 0) for g in agrad.gradients(agrad.sum(result), leaves, allow_unused=True) if g is not None
    )


@of("constant")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_constants(row: Row, device: agrad.Device) -> None:
    args = tensors(row, tracked=True)
    found = list(parts(run(row, args)))
    for result, value in zip(found, parts(row.run(arrays(row))), strict=True):
        if isinstance(result, agrad.Tensor):
            assert_close(result, value)
            assert is_constant(result, args)
        else:
            np.testing.assert_array_equal(result, value)


@of("host")
def test_on_the_host_or_refused(row: Row, device: agrad.Device) -> None:
    if device.kind == "cuda":
        pytest.skip("NumPy does not read what is there")
    for result, value in zip(parts(row.run(tensors(row, tracked=False))), parts(row.run(arrays(row))), strict=True):
        np.testing.assert_array_equal(result, value)
    tracked = tensors(row, tracked=True)
    if not any(isinstance(x, agrad.Tensor) and x.requires_grad for x in tracked):
        return
    with pytest.raises(RuntimeError, match=r"numpy\.\w+ .*would lose them.*write x\.detach\(\)\.numpy\(\)"):
        row.run(tracked)
    row.run([x.detach().numpy() if isinstance(x, agrad.Tensor) else x for x in tracked])  # so the remedy works


@of("reads")
@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_functions_that_convert_to_an_array(row: Row, device: agrad.Device) -> None:
    if device.kind in ("cuda", "strict", "jax", "torch"):
        pytest.skip("NumPy may not read what is there")
    for result, value in zip(parts(row.run(tensors(row, tracked=False))), parts(row.run(arrays(row))), strict=True):
        np.testing.assert_array_equal(result, value)
    with pytest.raises((RuntimeError, TypeError), match=r"detach"):
        row.run(tensors(row, tracked=True))


@pytest.mark.parametrize("remedy", REMEDIES.values())
def test_the_advice_in_errors_has_a_gradient(remedy: str, device: agrad.Device) -> None:
    known = {"agrad": agrad, "x": agrad.ones(2, requires_grad=True), "edge": 0.5, "width": 0.1}
    assert eval(remedy.partition(" for ")[0], known).requires_grad


# The table


def test_every_public_function_has_a_row() -> None:
    assert public() - {row.name for row in ROWS} == set()


def test_no_function_has_two_rows() -> None:
    names = [row.name for row in ROWS]
    assert [name for name in names if names.count(name) > 1] == []


def test_the_table_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == table(), "write it anew: python -m tests.interop.numpy_table"


def test_enough_differentiates() -> None:
    assert sum(row.status in ("differentiates", "constant") for row in ROWS) >= 250

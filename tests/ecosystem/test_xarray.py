"""xarray over Tensors: what it computes by NumPy's names is recorded, and its labels stay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import agrad
from agrad.testing import assert_close

xarray = pytest.importorskip("xarray")

VALUES = [[1.0, 5.0, 2.0], [4.0, 3.0, 6.0]]
COMPUTED: dict[str, Callable[[Any], Any]] = {
    "arithmetic": lambda a: 2.0 * a + a**2,
    "a ufunc": np.sin,
    "sum": lambda a: a.sum("x"),
    "std": lambda a: a.std("y"),
    "median": lambda a: a.median("y"),
    "cumsum": lambda a: a.cumsum("x"),
    "diff": lambda a: a.diff("y"),
    "where": lambda a: a.where(a > 2.0, 0.0),
    "clip": lambda a: a.clip(2.0, 4.0),
    "sel": lambda a: a.sel(x=1),
    "transposed": lambda a: a.T,
    "dot": lambda a: xarray.dot(a, a),
    "concat": lambda a: xarray.concat([a, a], "x"),
    "stack": lambda a: a.stack(z=("x", "y")),
    "groupby": lambda a: a.groupby("x").sum(),
}


@pytest.mark.parametrize("name", COMPUTED)
def test_computations_of_xarray_are_recorded(device, name):
    compute = COMPUTED[name]
    x = agrad.tensor(VALUES, requires_grad=True)
    found, expected = (
        compute(xarray.DataArray(data, dims=("x", "y"), coords={"x": [0, 1]})) for data in (x, np.asarray(VALUES))
    )
    assert found.dims == expected.dims
    assert_close(found.data.detach(), expected.data.astype("float32"), rtol=1e-5)
    (g,) = agrad.gradients(agrad.sum(found.data), x)
    assert agrad.any(g != 0)

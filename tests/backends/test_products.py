"""Products by cuBLAS past CuPy, as compiled programs need them in a capture: the same as NumPy's."""

import numpy as np
import pytest

import agrad

pytestmark = pytest.mark.cuda

SHAPES = [
    ((3, 4), (4, 5)), ((1, 4), (4, 1)), ((3, 1), (1, 5)), ((4,), (4, 5)), ((3, 4), (4,)), ((4,), (4,)),
    ((2, 3, 4), (2, 4, 5)), ((2, 3, 4), (4, 5)), ((2, 1, 3, 4), (3, 4, 5)), ((3, 0), (0, 5)), ((0, 4), (4, 5)),
]  # fmt: skip
LAYOUTS = {
    "rows": lambda x: x,
    "columns": lambda x: x.swapaxes(-1, -2).copy().swapaxes(-1, -2) if x.ndim > 1 else x,
    "rows apart": lambda x: x.repeat(2, axis=-1)[..., ::2],
    "a part": lambda x: x.repeat(2, axis=-2)[..., ::2, :] if x.ndim > 1 else x,
    "backwards": lambda x: x[..., ::-1].copy()[..., ::-1],
}


@pytest.fixture
def products():
    import cupy

    from agrad.backends.cuda.products import Products

    with agrad.Device("cuda"), cupy.cuda.Stream() as stream:
        products = Products(stream)
        with products.entered():
            yield products
        stream.synchronize()


def numbers(shape, dtype):
    x = np.random.default_rng(len(shape)).standard_normal((2, *shape))
    return (x[0] + 1j * x[1]).astype(dtype) if np.dtype(dtype).kind == "c" else x[0].astype(dtype)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_shapes_and_layouts(products, shapes, layout):
    import cupy

    for other in LAYOUTS:
        left, right = (cupy.asarray(numbers(shape, "float32")) for shape in shapes)
        x1, x2 = LAYOUTS[layout](left), LAYOUTS[other](right)
        got = products.matmul(x1, x2)
        np.testing.assert_allclose(got.get(), x1.get() @ x2.get(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "float64", "complex64", "complex128", "int64"])
def test_dtypes(products, dtype):
    import cupy

    x1, x2 = (numbers(shape, dtype) for shape in SHAPES[0])
    got = products.matmul(cupy.asarray(x1), cupy.asarray(x2))
    assert got.dtype == dtype
    np.testing.assert_allclose(got.get(), x1 @ x2, rtol=1e-2 if dtype == "float16" else 1e-5)


def test_types_are_promoted_and_results_given(products):
    import cupy

    x1, x2 = numbers((3, 4), "float32"), numbers((4, 5), "float64")
    out = cupy.empty((3, 5))
    assert products.matmul(cupy.asarray(x1), cupy.asarray(x2), out) is out
    np.testing.assert_allclose(out.get(), x1 @ x2)


def test_shapes_that_do_not_fit(products):
    import cupy

    with pytest.raises(ValueError, match="mismatch"):
        products.matmul(cupy.ones((3, 4)), cupy.ones((5, 3)))

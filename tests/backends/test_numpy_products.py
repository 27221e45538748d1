"""Matrix products of NumPy's arrays."""

import numpy as np
import pytest

import agrad
from agrad.backends.numpy_products import chosen_matmul, matmul, matmul_alone, matmul_of_few_rows

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("multiply", [matmul, matmul_alone])
@pytest.mark.parametrize(
    "shapes",
    [
        ((128, 512), (512, 10)), ((10, 128), (128, 512)), ((3, 700), (700, 300)), ((0, 9), (9, 9)), ((4,), (4, 2)),
        ((2, 3, 4), (4, 5)), ((64, 50, 1), (64, 1, 30)), ((64, 50, 1), (1, 30)),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "dtypes",
    [("float32", "float32"), ("float64", "float32"), ("int64", "int64"), ("bool", "bool"), ("complex64", "float16")],
)
def test_products(multiply, shapes, dtypes):
    x1, x2 = (RNG.integers(0, 2, shape).astype(dtype) for shape, dtype in zip(shapes, dtypes, strict=True))
    product = multiply(x1, x2)
    np.testing.assert_array_equal(product, np.matmul(x1, x2))
    assert product.dtype == np.matmul(x1, x2).dtype


@pytest.mark.parametrize("multiply", [matmul, matmul_alone])
@pytest.mark.parametrize("shapes", [((128, 512), (500, 10)), ((2, 3), (4, 5)), ((2, 3), ())])
def test_what_is_wrong_with_a_product_is_still_said(multiply, shapes):
    with pytest.raises(ValueError, match=r"mismatch|not aligned|enough dimensions"):
        multiply(*map(np.ones, shapes))


def normal(*shape, dtype="float32"):
    return RNG.standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("rows", [10, 32])
def test_few_rows_by_a_large_transposed_matrix(rows):
    x1, x2 = normal(rows, 300), normal(128, 300).T
    product, out = matmul(x1, x2), np.empty((rows, 128), np.float32)
    np.testing.assert_array_equal(product, matmul_of_few_rows(x1, x2, out))  # as in compiled programs
    np.testing.assert_allclose(product, x1.astype(float) @ x2.astype(float), rtol=1e-4, atol=1e-4)
    assert product.flags.c_contiguous
    assert product.base is None


def test_other_products_are_multiplied_as_they_are():
    for x1, x2 in (
        (normal(33, 300), normal(256, 300).T),
        (normal(32, 300), normal(300, 128)),
        (normal(32, 300), normal(127, 300).T),
        (normal(32, 255), normal(128, 255).T),
        (normal(300, 32).T, normal(128, 300).T),
        (normal(32, 300, dtype="float64"), normal(128, 300, dtype="float64").T),
        (normal(9, 300), normal(128, 300).T),
    ):
        np.testing.assert_array_equal(matmul(x1, x2), np.matmul(x1, x2))


@pytest.mark.skipif(
    chosen_matmul() is matmul_alone, reason="products share the cores with numba; set OMP_NUM_THREADS=1"
)
def test_a_program_multiplies_few_rows_in_the_same_way():
    f = lambda x, w: agrad.exp(x @ w.mT)
    x, w = agrad.asarray(normal(32, 300)), agrad.asarray(normal(128, 300))
    compiled = agrad.compile(f)
    for _ in range(2):
        np.testing.assert_array_equal(compiled(x, w).numpy(), f(x, w).numpy())
    assert "matmul_of_few_rows(x, " in compiled.source


@pytest.mark.parametrize("rows", [8, 70])
@pytest.mark.parametrize("lengths", [(90, 10), (10, 90), (64, 64)])
def test_stacks_of_columns_and_rows(rows, lengths):
    x1, x2 = normal(rows, lengths[0], 1), normal(rows, 1, lengths[1])
    product = matmul(x1, x2)
    np.testing.assert_array_equal(product, x1 * x2)
    np.testing.assert_array_equal(matmul(x1, x2[:1]), x1 * x2[:1])
    assert product.base is None  # so that it is not copied where it becomes a gradient
    assert product.strides[1 + (lengths[0] <= lengths[1])] == product.itemsize


def test_a_program_multiplies_columns_and_rows_in_the_same_way():
    f = lambda x, y: agrad.exp(agrad.matmul(x, y))
    x, y = agrad.asarray(normal(64, 64, 1)), agrad.asarray(normal(64, 1, 10))
    compiled = agrad.compile(f)
    for _ in range(2):
        np.testing.assert_array_equal(compiled(x, y).numpy(), f(x, y).numpy())
    assert "outer_products(x, y, " in compiled.source


def test_few_rows_that_do_not_fit():
    with pytest.raises(ValueError, match="not aligned"):
        matmul(normal(32, 300), normal(128, 301).T)

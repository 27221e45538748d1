"""Linear algebra where matrices are out of the ordinary, and what it says of arguments that do not fit."""

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import agrad
from agrad import linalg
from agrad.testing import assert_close, check_grads

IDENTITY = [[1.0, 0.0], [0.0, 1.0]]
SINGULAR = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]

divides_by_zero = pytest.mark.filterwarnings("ignore:(invalid value|divide by zero):RuntimeWarning")  # NumPy says so


def leaf(values, dtype=None):
    return agrad.asarray(values, dtype=dtype, requires_grad=True)


def random(*shape, is_complex=False):
    generator = np.random.default_rng(0)
    values = generator.standard_normal(shape).astype("float32")
    return leaf(values + 1j * generator.standard_normal(shape).astype("float32") if is_complex else values)


def gradient(loss, x):
    (g,) = agrad.gradients(loss, x)
    return g


def is_nan(x):
    return bool(agrad.all(agrad.isnan(x)))


# Equal eigenvalues and singular values


@pytest.mark.parametrize("values", [linalg.eigvalsh, linalg.svdvals, lambda x: linalg.eigh(x).eigenvalues])
def test_equal_values_have_gradients(device, values):
    x = leaf(IDENTITY)
    assert_close(gradient(values(x).sum(), x), IDENTITY)


@pytest.mark.parametrize("shape", [(2, 2), (3, 2), (2, 3)])
def test_singular_values_of_zeros_have_gradients(device, shape):
    x = agrad.zeros(shape, requires_grad=True)
    g = gradient(linalg.svd(x).S.sum(), x)
    assert_close(linalg.svdvals(g), [1.0, 1.0])


@divides_by_zero
def test_vectors_of_equal_values_have_none(device):
    x = leaf(IDENTITY)
    assert is_nan(gradient(linalg.eigh(x).eigenvectors[0, 0], x))
    assert not agrad.any(agrad.isfinite(gradient(linalg.svd(x).U[0, 0], x)))


@divides_by_zero
@pytest.mark.parametrize("values", [linalg.eigvalsh, linalg.svdvals])
def test_equal_values_have_no_second_gradients(device, values):
    x = leaf(IDENTITY)
    (g,) = agrad.gradients((values(x) ** 2).sum(), x, create_graph=True)
    assert_close(g.detach(), [[2.0, 0.0], [0.0, 2.0]])
    assert is_nan(gradient(g[0, 1], x))


@divides_by_zero
def test_one_matrix_of_a_stack_leaves_the_others_alone(device):
    x = leaf([IDENTITY, [[1.0, 0.5], [0.5, 2.0]]])
    g = gradient(linalg.eigh(x).eigenvectors[:, 0, 0].sum(), x)
    assert is_nan(g[0, ...])
    assert agrad.all(agrad.isfinite(g[1, ...]))


# What a matrix does not determine


@pytest.mark.parametrize(
    "vectors",
    [
        lambda x: linalg.eigh(x + x.conj().mT).eigenvectors,
        lambda x: linalg.eig(x).eigenvectors,
        lambda x: linalg.svd(x).U,
        lambda x: linalg.svd(x).Vh,
    ],
    ids=["eigh", "eig", "U", "Vh"],
)
def test_what_depends_on_phases_has_no_gradient(device, vectors):
    x = random(3, 3, is_complex=True)
    assert agrad.all(agrad.isfinite(gradient((agrad.abs(vectors(x)) ** 4).sum(), x)))
    assert is_nan(gradient(agrad.real(vectors(x)).sum(), x))


@pytest.mark.parametrize(
    "complete",
    [lambda x: linalg.svd(x).U, lambda x: linalg.svd(x.mT).Vh.mT, lambda x: linalg.qr(x, mode="complete").Q],
    ids=["U", "Vh", "Q"],
)
def test_what_depends_on_how_a_basis_is_completed_has_no_gradient(device, complete):
    x = random(4, 2)
    assert agrad.all(agrad.isfinite(gradient((complete(x)[:, :2] ** 4).sum(), x)))
    assert is_nan(gradient((complete(x) ** 4).sum(), x))
    assert_close(gradient((complete(x) @ complete(x).mT).sum(), x), agrad.zeros((4, 2)), atol=1e-4)


# Matrices without inverse


def test_determinants_of_singular_matrices_have_gradients(device):
    x = leaf([SINGULAR, [[2.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 4.0]], [[0.0] * 3] * 3])
    g = gradient(linalg.det(x).sum(), x)
    expected = [[[-3.0, 6.0, -3.0], [6.0, -12.0, 6.0], [-3.0, 6.0, -3.0]], np.diag([12.0, 8.0, 6.0]), np.zeros((3, 3))]
    assert_close(g, np.asarray(expected), rtol=1e-4, atol=1e-4)


def test_pseudo_inverse_of_zeros(device):
    x = agrad.zeros((2, 3), requires_grad=True)
    assert_close(gradient(linalg.pinv(x).sum(), x), agrad.zeros((2, 3)))


@pytest.mark.parametrize(
    ("rtol", "ranks"), [(None, [2, 3]), (0.4, [1, 2]), ([0.4, 0.0], [1, 3])], ids=["default", "number", "array"]
)
def test_ranks(device, rtol, ranks):
    x = agrad.asarray([np.diag([3.0, 1.0, 0.0]), np.diag([1.0, 1.0, 0.1])])
    rtol = agrad.asarray(rtol) if isinstance(rtol, list) else rtol
    assert linalg.matrix_rank(x, rtol=rtol).tolist() == ranks
    larger = agrad.asarray([[i < rank for i in range(3)] for rank in ranks])
    assert_close(linalg.pinv(linalg.pinv(x, rtol=rtol)), agrad.where(larger[..., None], x, 0.0), atol=1e-5)


# Zeros in norms


@pytest.mark.parametrize("ord", [0, 0.5, 1, 1.5, 2, 3, math.inf, -math.inf])
def test_norm_of_zeros(device, ord):
    x = agrad.zeros(3, requires_grad=True)
    assert gradient(linalg.vector_norm(x, ord=ord), x).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("ord", [2, 4, 4.5])
def test_second_gradients_of_norms_beside_zeros(device, ord):
    if not device.backend.supports_float64:
        pytest.skip("needs float64")
    check_grads(lambda x: linalg.vector_norm(x, ord=ord), agrad.asarray([0.0, 1.0, -2.0]))
    check_grads(lambda x: linalg.vector_norm(x, ord=ord), agrad.asarray([0j, 1.0 + 1j, -2.0]))


# Shapes

stacks = st.sampled_from([(), (1,), (2,), (3, 1), (1, 2), (0,)])


@pytest.mark.property
@given(data=st.data(), n=st.integers(1, 3), k=st.integers(0, 2))
def test_solve_broadcasts_stacks(device, data, n, k):
    generator = np.random.default_rng(0)
    first, second = data.draw(stacks), data.draw(stacks)
    try:
        stack = np.broadcast_shapes(first, second)
    except ValueError:
        return
    a = np.eye(n) * 3 + generator.uniform(-0.5, 0.5, (*first, n, n))
    b = generator.standard_normal((*second, n, k) if k else (n,))
    expected = (np.linalg.inv(a) @ (b if k else b[:, None]))[..., : k or n]
    x1, x2 = leaf(a), leaf(b)
    y = linalg.solve(x1, x2)
    assert y.shape == ((*stack, n, k) if k else (*first, n))
    assert_close(y.detach(), expected if k else expected[..., 0], atol=1e-12)
    y.sum().backward()
    assert (x1.grad.shape, x2.grad.shape) == (x1.shape, x2.shape)


def without_phases(decompose):
    """Return what a decomposition determines: the values, and the products of vectors that share a phase."""

    def determined(x):
        u, s, vh = decompose(x)
        k = s.shape[-1]
        return s, u[..., :, None, :k] * vh.mT[..., None, :, :k], u[..., k:] @ u[..., k:].conj().mT

    return determined


DECOMPOSITIONS = {
    "svd": without_phases(linalg.svd),
    "thin svd": without_phases(lambda x: linalg.svd(x, full_matrices=False)),
    "qr": linalg.qr,
    "pinv": linalg.pinv,
    "svdvals": linalg.svdvals,
}


@pytest.mark.property
@given(m=st.integers(1, 4), n=st.integers(1, 4), stack=stacks, is_complex=st.booleans())
@pytest.mark.parametrize("name", DECOMPOSITIONS)
def test_matrices_of_any_shape(device, name, m, n, stack, is_complex):
    if not device.backend.supports_float64:
        pytest.skip("needs float64")
    generator = np.random.default_rng(0)
    x = np.eye(m, n) * np.arange(1, n + 1) + generator.uniform(-0.2, 0.2, (*stack, m, n))
    if is_complex:
        x = x + 1j * generator.uniform(-0.2, 0.2, x.shape)
    check_grads(DECOMPOSITIONS[name], agrad.asarray(x), order=1)


def test_solve_between_real_and_complex_numbers(device):
    if not device.backend.supports_float64:
        pytest.skip("needs float64")
    real, complex_ = agrad.asarray(np.eye(2) * 2 + 0.5), agrad.asarray([[1 + 1j], [2 - 1j]])
    check_grads(linalg.solve, [real, complex_])
    check_grads(linalg.solve, [real + 1j * real, agrad.real(complex_)])


@pytest.mark.property
@given(m=st.integers(0, 4), n=st.integers(0, 4), offset=st.integers(-5, 5), stack=stacks)
def test_diagonals(device, m, n, offset, stack):
    values = np.arange(math.prod(stack) * m * n, dtype="float64").reshape((*stack, m, n))
    x = leaf(values)
    found = linalg.diagonal(x, offset=offset)
    assert_close(found.detach(), np.diagonal(values, offset, -2, -1))
    assert_close(linalg.trace(x.detach(), offset=offset), np.trace(values, offset, -2, -1))
    found.sum().backward()
    assert_close(x.grad, np.broadcast_to(np.eye(m, n, offset), values.shape))


@pytest.mark.parametrize("op", [linalg.inv, linalg.det, linalg.eigvalsh, linalg.svdvals, linalg.cholesky])
@pytest.mark.parametrize("shape", [(0, 0), (0, 2, 2), (2, 0, 0)])
def test_empty_matrices(device, op, shape):
    x = agrad.zeros(shape, requires_grad=True)
    op(x).sum().backward()
    assert x.grad.shape == shape


@pytest.mark.parametrize("n", [0, 1, 2, 3, 6, 7, -1, -3])
def test_powers(device, n):
    x = np.asarray([[1.0, 0.5], [0.2, 1.5]])
    ours = agrad.asarray(x)
    power = linalg.matrix_power(ours, n)
    assert_close(power, np.linalg.matrix_power(x, n), rtol=1e-6)
    with agrad.no_grad():
        power += 1.0
    assert_close(ours, x)


# What is refused


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: linalg.matrix_power(x, 0.5), TypeError, "float.*integer"),
        (lambda x: linalg.matrix_power(x[:, :1], 2), ValueError, r"square.*\(2, 1\)"),
        (lambda x: linalg.outer(x, x), ValueError, r"two vectors.*\(2, 2\)"),
        (lambda x: linalg.cross(x, x), ValueError, r"cross.*3 elements"),
        (lambda x: linalg.diagonal(x[0, :]), ValueError, r"\(2,\)"),
        (lambda x: linalg.matrix_rank(x[0, :]), ValueError, r"\(2,\)"),
        (lambda x: linalg.matrix_norm(x[0, :]), ValueError, r"\(2,\).*vector_norm"),
        (lambda x: linalg.matrix_norm(x, ord=3), ValueError, "'nuc'.*not 3"),
        (lambda x: linalg.qr(x, mode="raw"), ValueError, "'complete', not 'raw'"),
        (lambda x: linalg.solve(x, agrad.ones((3, 1))), ValueError, r"solve.*\(2, 2\).*\(3, 1\)"),
    ],
)
def test_arguments_that_do_not_fit(device, call, error, message):
    with pytest.raises(error, match=message):
        call(agrad.ones((2, 2)))


def test_what_a_library_lacks_is_said(monkeypatch):
    monkeypatch.delattr(agrad.Device("cpu").xp.linalg, "eig")
    with pytest.raises(NotImplementedError, match=r"eig\(float32 of shape \(2, 2\)\).*x\.to\('cpu'\)"):
        linalg.eig(agrad.ones((2, 2), device="cpu"))


def test_rules_on_tensors_find_the_extensions():
    code = """
import agrad
from agrad.core.primitive import ArrayLike, primitive

@primitive
def inverse(xp, x: ArrayLike, /):
    return xp.linalg.inv(x)

inverse.vjp(x=lambda g, x, xp: -xp.linalg.inv(x).mT @ g @ xp.linalg.inv(x).mT)
x = agrad.tensor([[2.0]], requires_grad=True)
(slope,) = agrad.gradients(inverse(x).sum(), x, create_graph=True)
print(agrad.gradients(slope.sum(), x)[0].item())
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "0.25"

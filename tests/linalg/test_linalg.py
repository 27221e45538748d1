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
def test_results_that_depend_on_phases_have_no_gradient(device, vectors):
    x = random(3, 3, is_complex=True)
    assert agrad.all(agrad.isfinite(gradient((agrad.abs(vectors(x)) ** 4).sum(), x)))
    assert is_nan(gradient(agrad.real(vectors(x)).sum(), x))


@pytest.mark.parametrize(
    "complete",
    [lambda x: linalg.svd(x).U, lambda x: linalg.svd(x.mT).Vh.mT, lambda x: linalg.qr(x, mode="complete").Q],
    ids=["U", "Vh", "Q"],
)
def test_results_that_depend_on_a_completed_basis_have_no_gradient(device, complete):
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


def second_derivatives(x):
    """Return those of the determinant: of the rows and columns that are left, with signs."""
    n = len(x)
    found = np.zeros((n,) * 4)
    for i, j, k, m in np.ndindex(found.shape):
        if i != k and j != m:
            sign = (-1) ** (i + j + k + m) * (1 if (i < k) == (j < m) else -1)
            left = np.delete(np.delete(x, [i, k], 0), [j, m], 1)
            found[i, j, k, m] = sign * (np.linalg.det(left) if n > 2 else 1.0)
    return found


@pytest.mark.parametrize(
    "x",
    [
        [[1.0, 2.0], [2.0, 4.0]],
        [[1.0, 2.0], [2.0, 4.0 + 1e-13]],
        [[1.0, 2.0], [3.0, 4.0]],
        np.zeros((2, 2)),
        np.ones((3, 3)),
        np.eye(3),
        SINGULAR,
        np.outer([1.0, -2.0, 3.0, 0.0], [2.0, 0.5, 1.0, 1.0]),
        np.diag([1e-12, 1e-12, 1.0, 1e12]),
    ],
    ids=["singular", "nearly singular", "regular", "zeros", "ones", "identity", "rank 2", "rank 1", "scaled"],
)
def test_second_derivatives_of_determinants(device, x):
    if not device.backend.supports_float64:
        pytest.skip("needs float64")
    x = np.asarray(x)
    expected = second_derivatives(x)
    found = agrad.hessian(linalg.det)(agrad.asarray(x))
    assert_close(found.tolist(), expected, rtol=1e-9, atol=1e-13 * max(1.0, np.abs(expected).max()))


def test_gradient_penalty_of_determinants_of_singular_matrices(device):
    x = agrad.ones((2, 3, 3), dtype="float32", requires_grad=True)
    (g,) = agrad.gradients(linalg.det(x).sum(), x, create_graph=True)
    (agrad.square(g).sum() + g[:, 0, 0].sum()).backward()
    expected = [[0.0, 0.0, 0.0], [0.0, 1.0, -1.0], [0.0, -1.0, 1.0]]
    assert_close(x.grad, np.asarray([expected, expected]), atol=1e-5)


@pytest.mark.parametrize("is_complex", [False, True])
def test_four_orders_of_determinants(device, is_complex):
    if not device.backend.supports_float64:
        pytest.skip("needs float64")
    x = random(3, 3, is_complex=is_complex)
    check_grads(linalg.det, [x.detach().astype("complex128" if is_complex else "float64")], order=4)


@divides_by_zero
@pytest.mark.parametrize("graph", [False, True])
@pytest.mark.parametrize("loss", [lambda x: linalg.slogdet(x)[1], lambda x: linalg.qr(x).R[:, 0, 0]], ids=["log", "qr"])
def test_a_matrix_without_gradient_leaves_the_others_theirs(device, loss, graph):
    good = [[1.0, 2.0], [3.0, 4.0]]
    alone, beside = leaf([good]), leaf([[[0.0, 1.0], [0.0, 0.0]], good])
    (expected,) = agrad.gradients(loss(alone).sum(), alone, create_graph=graph)
    (found,) = agrad.gradients(loss(beside).sum(), beside, create_graph=graph)
    assert_close(found[1].detach(), expected[0].detach(), rtol=1e-4)
    assert not agrad.any(agrad.isfinite(found[0])).item()


@divides_by_zero
def test_logarithm_of_one_determinant_beside_that_of_a_singular_matrix(device):
    x = leaf([[[1.0, 2.0], [2.0, 4.0]], [[1.0, 2.0], [3.0, 4.0]]])
    linalg.slogdet(x)[1][1].backward()
    assert is_nan(x.grad[0])
    assert_close(x.grad[1], [[-2.0, 1.5], [1.0, -0.5]], rtol=1e-5)


@divides_by_zero
def test_determinants_beside_one_that_is_nan(device):
    x = leaf([[[math.nan, 1.0], [1.0, 1.0]], [[1.0, 2.0], [2.0, 4.0]]])
    linalg.det(x).sum().backward()
    assert_close(x.grad[1], [[4.0, -2.0], [-2.0, 1.0]], rtol=1e-5)


@divides_by_zero
def test_transposed_equations_that_have_no_solution():
    """What is singular to rounding is so for the transposed equations only, now and then."""
    cpu = agrad.Device("cpu").xp
    found = linalg.inverses.solution.forward(cpu, np.asarray([[[1.0, 1.0], [1.0, 1.0]], IDENTITY]), np.ones((2, 2, 1)))
    assert np.isnan(found[0]).all()
    assert found[1].tolist() == [[1.0], [1.0]]


@pytest.mark.parametrize("scale", [1e-25, 1e25])
def test_singular_vectors_of_tiny_and_huge_matrices(device, scale):
    x = np.asarray([[3.0, 1.0], [0.5, 2.0]])

    def loss(x):
        return linalg.svd(x).U[0, 0] ** 2

    expected = gradient(loss(y := leaf(x)), y).tolist()
    found = gradient(loss(z := leaf((scale * x).astype("float32"))), z)
    assert_close((found * scale).tolist(), expected, rtol=1e-4)


def test_the_zeroth_power_has_gradients_of_zero(device):
    x = leaf([[1.0, math.inf], [3.0, 4.0]])
    y = linalg.matrix_power(x, 0)
    assert y.tolist() == IDENTITY
    assert gradient(y.sum(), x).tolist() == [[0.0, 0.0], [0.0, 0.0]]


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


@divides_by_zero
@pytest.mark.parametrize(
    ("ord", "expected"),
    [
        (-math.inf, [0.0, 0.0, 0.0]),
        (-3, [0.0, 0.0, 0.0]),
        (-1, [0.0, 0.0, 0.0]),
        (-0.5, [0.0, 0.0, 0.0]),
        (0, [0.0, 0.0, 0.0]),
        (0.5, [0.0, 2.154700538, -1.866025404]),
        (1, [0.0, 1.0, -1.0]),
        (1.5, [0.0, 0.732956476, -0.846345237]),
        (2, [0.0, 0.6, -0.8]),
        (math.inf, [0.0, 0.0, -1.0]),
    ],
)
def test_norm_of_a_vector_with_a_zero(device, ord, expected):
    x = leaf([0.0, 3.0, -4.0])
    (g,) = agrad.gradients(linalg.vector_norm(x, ord=ord), x, create_graph=True)
    assert_close(g.tolist(), expected, rtol=1e-5)
    if g.requires_grad:
        assert agrad.all(agrad.isfinite(gradient(g.sum(), x))).item()


def test_second_derivative_of_a_squared_norm_at_zero(device):
    """The gradient that is chosen there is a constant; the sum of squares is smooth."""
    x = agrad.zeros(2)
    assert agrad.hessian(lambda x: linalg.vector_norm(x) ** 2)(x).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert agrad.hessian(lambda x: agrad.square(x).sum())(x).tolist() == [[2.0, 0.0], [0.0, 2.0]]


@divides_by_zero
@pytest.mark.parametrize("ord", [-math.inf, -3, -1, 0, 0.5, 1, 1.5, 2, 3, math.inf])
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
        (lambda x: linalg.matrix_power(x, 0.5), TypeError, "n must be an integer, not 0.5"),
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


def test_the_error_names_the_function_that_a_library_lacks(monkeypatch):
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

"""Gradients of agrad.linalg and agrad.fft beside PyTorch's, where matrices are ordinary and where they are not."""

import numpy as np
import pytest

import agrad
from agrad.testing import assert_close

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers


def matrices(*shape, is_complex=False):
    random = np.random.default_rng(0)
    values = random.standard_normal(shape)
    return values + 1j * random.standard_normal(shape) if is_complex else values


def squares(*arrays):
    """A loss that weighs each element differently; for complex numbers it does not see their phases."""
    return sum(((abs(x) ** 2).reshape(-1) * abs(x.reshape(-1))).sum() for x in arrays)


def compare(loss, *values, rtol=1e-8, atol=1e-10):
    """Compare the gradients of a loss, which is called with the library and its leaves."""
    ours = [agrad.tensor(x, requires_grad=True) for x in values]
    theirs = [torch.tensor(x, requires_grad=True) for x in values]
    loss(agrad, *ours).backward()
    loss(torch, *theirs).backward()
    for mine, other in zip(ours, theirs, strict=True):
        assert_close(mine.grad, other.grad.resolve_conj().numpy(), rtol=rtol, atol=atol)


both = pytest.mark.parametrize("is_complex", [False, True], ids=["real", "complex"])


def adjoint(x):
    return x.conj().mT


ORDINARY = {
    "cholesky": lambda lib, x: squares(lib.linalg.cholesky(x @ adjoint(x) + 1.0 * lib.eye(3, dtype=x.dtype))),
    "upper cholesky": lambda lib, x: squares(
        lib.linalg.cholesky(x @ adjoint(x) + 1.0 * lib.eye(3, dtype=x.dtype), upper=True)
    ),
    "det": lambda lib, x: squares(lib.linalg.det(x)),
    "eig": lambda lib, x: squares(*lib.linalg.eig(x)),
    "eigh": lambda lib, x: squares(*lib.linalg.eigh(x + adjoint(x))),
    "eigvals": lambda lib, x: squares(lib.linalg.eigvals(x)),
    "eigvalsh": lambda lib, x: squares(lib.linalg.eigvalsh(x + adjoint(x))),
    "inv": lambda lib, x: squares(lib.linalg.inv(x)),
    "pinv": lambda lib, x: squares(lib.linalg.pinv(x[..., :2])),
    "qr": lambda lib, x: squares(*lib.linalg.qr(x)),
    "tall qr": lambda lib, x: squares(*lib.linalg.qr(x[..., :2])),
    "wide qr": lambda lib, x: squares(*lib.linalg.qr(x[..., :2, :])),
    "slogdet": lambda lib, x: squares(lib.linalg.slogdet(x)[1]),
    "solve": lambda lib, x: squares(lib.linalg.solve(x, x[..., :2] * x[..., 1:])),
    "svd": lambda lib, x: squares(*lib.linalg.svd(x)),
    "thin svd": lambda lib, x: squares(*lib.linalg.svd(x[..., :2], full_matrices=False)),
    "svdvals": lambda lib, x: squares(lib.linalg.svdvals(x)),
}


@both
@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_matrices(name, is_complex):
    compare(ORDINARY[name], matrices(2, 3, 3, is_complex=is_complex), rtol=1e-7)


IDENTITY, ONES = np.eye(2), np.ones((3, 2))
RANK_1 = np.outer([1.0, 2.0, 3.0], [2.0, -1.0])

DEGENERATE = {
    "equal eigenvalues": (lambda lib, x: squares(lib.linalg.eigh(x)[0]), IDENTITY),
    "eigvalsh": (lambda lib, x: squares(lib.linalg.eigvalsh(x)), IDENTITY),
    "eigvals": (lambda lib, x: squares(lib.linalg.eigvals(x)), IDENTITY),
    "equal singular values": (lambda lib, x: squares(lib.linalg.svd(x)[1]), IDENTITY),
    "singular values that are 0": (lambda lib, x: lib.linalg.svd(x)[1].sum(), np.zeros((3, 2))),
    "svdvals": (lambda lib, x: lib.linalg.svdvals(x).sum(), np.zeros((3, 2))),
    "first columns of a complete U": (lambda lib, x: squares(lib.linalg.svd(x)[0][:, :2]), matrices(4, 2)),
    "first rows of a complete Vh": (lambda lib, x: squares(lib.linalg.svd(x)[2][:2, :]), matrices(2, 4)),
    "pinv of low rank": (lambda lib, x: squares(lib.linalg.pinv(x)), RANK_1),
    "pinv of zeros": (lambda lib, x: squares(lib.linalg.pinv(x)), np.zeros((2, 3))),
    "det of zeros": (lambda lib, x: lib.linalg.det(x), np.zeros((3, 3))),
    "nuclear norm": (lambda lib, x: lib.linalg.matrix_norm(x, ord="nuc"), np.zeros((2, 2))),
    "equal largest singular values": (lambda lib, x: lib.linalg.matrix_norm(x, ord=2), IDENTITY),
    "equal largest columns": (lambda lib, x: lib.linalg.matrix_norm(x, ord=1), ONES),
    "Frobenius norm of zeros": (lambda lib, x: lib.linalg.matrix_norm(x), np.zeros((2, 2))),
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_matrices(name):
    compare(*DEGENERATE[name])


@pytest.mark.filterwarnings("ignore:(invalid value|divide by zero):RuntimeWarning")
@pytest.mark.parametrize("part", [lambda lib, x: lib.linalg.eigh(x)[1], lambda lib, x: lib.linalg.svd(x)[0]])
def test_vectors_of_equal_values_have_no_finite_gradient_in_either(part):
    ours, theirs = agrad.tensor(IDENTITY, requires_grad=True), torch.tensor(IDENTITY, requires_grad=True)
    squares(part(agrad, ours)).backward()
    squares(part(torch, theirs)).backward()
    assert not np.isfinite(ours.grad.numpy()).any()
    assert not np.isfinite(theirs.grad.numpy()).any()


@pytest.mark.parametrize("ord", [0.5, 1, 1.5, 2, 3, float("inf"), -float("inf")])
@pytest.mark.parametrize("values", [[0.0, 1.0, -1.0], [0.0, 0.0, 0.0], [0j, 1j, 1 + 0j]])
def test_norms_beside_zeros(ord, values):
    compare(lambda lib, x: lib.linalg.vector_norm(x, ord=ord), np.asarray(values))


FOURIER = ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft", "fftn", "ifftn", "rfftn", "irfftn"]


@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
@pytest.mark.parametrize("name", FOURIER)
def test_fourier_transforms(name, norm):
    x = matrices(3, 5, is_complex=name not in ("rfft", "ihfft", "rfftn"))
    compare(lambda lib, x: squares(getattr(lib.fft, name)(x, norm=norm)), x)

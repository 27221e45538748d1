"""einsum in all its forms, and what products say of arguments that do not fit."""

import numpy as np
import pytest

import agrad
from agrad.testing import assert_close, check_grads

EQUATIONS = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk", (2, 3), (3, 4)),
    ("IJ,Jk->Ik", (2, 3), (3, 2)),
    (" i j , j -> i", (2, 3), (3,)),
    ("ba", (2, 3)),
    ("ij->", (2, 3)),
    ("ii", (3, 3)),
    ("ii->i", (3, 3)),
    ("iij->j", (3, 3, 2)),
    ("iii->i", (3, 3, 3)),
    ("iijj->ij", (2, 2, 3, 3)),
    ("ii,i->i", (3, 3), (3,)),
    ("i,i", (3,), (3,)),
    ("i,j", (2,), (3,)),
    ("ij,->ij", (2, 3), ()),
    ("ij,ji->", (2, 3), (3, 2)),
    ("ij,kl->", (2, 3), (2, 2)),
    ("bij,bjk->bki", (2, 2, 3), (2, 3, 2)),
    ("abcd,cd->ab", (2, 2, 3, 2), (3, 2)),
    ("...", (2, 3)),
    ("i...->...", (2, 3, 2)),
    ("...ii->...i", (2, 3, 3)),
    ("...ij,...j", (2, 2, 3), (3,)),
    ("...ij,...jk->...ik", (2, 1, 2, 3), (4, 3, 2)),
    ("...a,...b->ab...", (2, 3), (2, 2)),
    ("ij,jk->ik", (2, 1), (3, 2)),
    ("ij,ij->ij", (1, 3), (2, 3)),
    ("ij,ij,ij->j", (2, 3), (2, 3), (2, 3)),
    ("a,b,c->abc", (2,), (3,), (2,)),
    ("bij,bjk,k->bi", (2, 2, 3), (2, 3, 2), (2,)),
    ("ij,jk,kl,lm->im", (2, 3), (3, 2), (2, 4), (4, 2)),
    ("ab,bc,ca->", (2, 3), (3, 4), (4, 2)),
]


def arrays(shapes):
    random = np.random.default_rng(0)
    return [np.asarray(random.uniform(-2.0, 2.0, shape)) for shape in shapes]


@pytest.mark.parametrize(("equation", "shapes"), [(equation, shapes) for equation, *shapes in EQUATIONS])
def test_einsum_is_numpys(device, equation, shapes):
    xs = [agrad.asarray(x, dtype="float32") for x in arrays(shapes)]
    result = agrad.einsum(equation, *xs)
    assert result.dtype is agrad.float32
    assert_close(result, np.einsum(equation, *arrays(shapes)).astype("float32"), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("equation", "shapes"), [(equation, shapes) for equation, *shapes in EQUATIONS])
def test_gradients_of_einsum(device, equation, shapes):
    if not device.backend.supports_float64:
        pytest.skip("needs float64")
    check_grads(lambda *xs: agrad.einsum(equation, *xs), [agrad.asarray(x) for x in arrays(shapes)])


def test_einsum_with_lists_of_labels(device):
    x, y = (agrad.asarray(a) for a in arrays([(2, 3), (3, 4)]))
    assert_close(agrad.einsum(x, [0, 1], y, [1, 2], [0, 2]), x @ y)
    assert_close(agrad.einsum(x, [0, 1], y, [1, 2]), x @ y)
    assert_close(agrad.einsum(x, [..., 1], y, [1, 2], [..., 2]), x @ y)


def test_einsum_moves_other_arrays_to_the_tensors_device(device):
    x = agrad.asarray([[1.0, 2.0], [3.0, 4.0]])
    assert agrad.einsum("ij,j", x, [1.0, 10.0]).tolist() == [21.0, 43.0]
    assert agrad.einsum("ij,j", np.ones((2, 2), dtype="float32"), x[0, :]).device is device


@pytest.mark.parametrize(
    ("equation", "shapes", "message"),
    [
        ("ij,jk", [(2, 3), (4, 2)], r"3 and 4.*'j'.*\(2, 3\).*\(4, 2\)"),
        ("ii", [(2, 3)], r"2 and 3.*'i'.*\(2, 3\)"),
        ("ii", [(1, 3)], r"1 and 3.*'i'"),
        ("ij", [(2,)], r"'ij'.*\(2,\)"),
        ("ij->ik", [(2, 2)], "'k'"),
        ("i->ii", [(2,)], "'i'"),
        ("ij,jk", [(2, 2)], "2.*1"),
        ("i->j->k", [(2,)], "->"),
    ],
)
def test_errors_of_einsum(device, equation, shapes, message):
    with pytest.raises(ValueError, match=message):
        agrad.einsum(equation, *(agrad.ones(shape) for shape in shapes))


@pytest.mark.parametrize("op", ["matmul", "mm"])
def test_products_of_matrices_that_do_not_fit_name_both_shapes(device, op):
    with pytest.raises(ValueError, match=rf"{op}.*\(2, 3\).*\(4, 2\)"):
        getattr(agrad, op)(agrad.ones((2, 3)), agrad.ones((4, 2)))


def test_mm_takes_matrices_only(device):
    with pytest.raises(ValueError, match=r"mm.*\(3,\).*matmul"):
        agrad.mm(agrad.ones((2, 3)), agrad.ones(3))


def test_a_matrix_times_a_stack_is_one_product(device):
    if not device.backend.supports_float64:
        pytest.skip("needs float64")
    stack, matrix, middle = (agrad.asarray(x) for x in arrays([(2, 4, 2, 3), (3, 2), (2, 2)]))
    check_grads(agrad.matmul, [stack, matrix])
    check_grads(agrad.matmul, [middle, stack])


def test_gradients_without_rows(device):
    x, y = agrad.ones((2, 0), requires_grad=True), agrad.ones((0, 3), requires_grad=True)
    agrad.sum(x @ y).backward()
    assert x.grad.shape == (2, 0)
    assert y.grad.shape == (0, 3)


def test_gradient_of_a_matrix_times_an_empty_stack(device):
    stack, matrix = agrad.ones((0, 2, 3), requires_grad=True), agrad.ones((3, 2), requires_grad=True)
    agrad.sum(stack @ matrix).backward()
    assert matrix.grad.tolist() == [[0.0, 0.0]] * 3

"""Gradients of special functions beside PyTorch's and JAX's, also at the edges of their domains."""

import math

import numpy as np
import pytest

import agrad
from agrad.testing import assert_close

torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore::RuntimeWarning")]

ABOVE = [1e-300, 1e-10, 0.3, 1.0, 2.5, 20.0, 1e3, math.inf, math.nan]
LINE = [-math.inf, -1e3, -20.5, -3.0, -1.0, -0.5, -1e-10, 0.0, *ABOVE]
RIGHT = [0.0, *ABOVE]
UNIT = [0.0, 1e-300, 1e-10, 0.3, 0.5, 0.9, 1.0]
POINTS = {
    "digamma": [x for x in LINE if 1e-10 <= x <= 1e3 or x in (-0.5, -20.5)],
    "entr": LINE,
    "erf": LINE,
    "erfc": LINE,
    "erfinv": [-1.0, -0.9, *UNIT],
    "expit": LINE,
    "gammaln": [x for x in LINE if 1e-10 <= x <= 1e3 or x in (-0.5, -20.5)],
    "i0": [x for x in LINE if abs(x) <= 20.5],
    "i0e": [x for x in LINE if abs(x) <= 1e3],
    "i1": [x for x in LINE if abs(x) <= 20.5],
    "i1e": [x for x in LINE if abs(x) <= 1e3],
    "log_ndtr": [x for x in LINE if abs(x) <= 1e3],
    "logit": UNIT,
    "ndtr": LINE,
    "ndtri": [-1.0, 2.0, *UNIT],
    "sinc": [x for x in LINE if abs(x) <= 20.5 and not 0 < abs(x) < 1e-9],  # there PyTorch's cancels to 0
}


def gradients(f, *points):
    leaves = [agrad.tensor(x, dtype="float64", requires_grad=True) for x in points]
    return [g.tolist() for g in agrad.gradients(f(*leaves).sum(), leaves)]


def torchs(f, *points):
    leaves = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in points]
    return [g.tolist() for g in torch.autograd.grad(f(*leaves).sum(), leaves)]


def jaxs(f, *points):
    if not jax.config.jax_enable_x64:
        pytest.skip("set JAX_ENABLE_X64=1 to compare with JAX in double precision")
    leaves = [np.asarray(x, dtype="float64") for x in points]
    return [g.tolist() for g in jax.grad(lambda *xs: f(*xs).sum(), argnums=tuple(range(len(leaves))))(*leaves)]


@pytest.mark.parametrize("name", POINTS)
def test_gradients_are_pytorchs(name):
    ours, theirs = getattr(agrad.special, name), getattr(torch.special, name)
    rtol = 1e-7 if name == "expit" else 1e-9  # PyTorch takes 1 - y from a rounded y
    assert_close(gradients(ours, POINTS[name]), torchs(theirs, POINTS[name]), rtol=rtol, atol=1e-300)


@pytest.mark.parametrize("name", ["xlogy", "xlog1py"])
def test_gradients_of_pairs_are_pytorchs(name):
    ours, theirs = getattr(agrad.special, name), getattr(torch.special, name)
    pairs = [(x, y) for x in RIGHT for y in RIGHT if not x == y == 0]  # where PyTorch's xlogy has NaN
    x, y = zip(*pairs, strict=True)
    assert_close(gradients(ours, x, y), torchs(theirs, x, y), rtol=1e-9, atol=0)


CONSTANT_FIRST = {
    "betainc": (2.5, 0.5, [1e-10, 0.3, 0.5, 0.99]),
    "gammainc": (2.5, [0.0, 1e-10, 0.3, 20.0, 700.0]),
    "gammaincc": (2.5, [0.0, 1e-10, 0.3, 20.0, 700.0]),
    "zeta": (2.5, [1e-10, 0.3, 1.0, 20.0, 1e3]),
}


@pytest.mark.parametrize("name", CONSTANT_FIRST)
def test_gradients_with_respect_to_the_last_argument_are_jaxs(name):
    *constants, points = CONSTANT_FIRST[name]
    ours = gradients(lambda x: getattr(agrad.special, name)(*constants, x), points)
    theirs = jaxs(lambda x: getattr(jax.scipy.special, name)(*constants, x), points)
    assert_close(ours, theirs, rtol=1e-9, atol=1e-300)


@pytest.mark.parametrize("name", ["kl_div", "rel_entr"])
def test_gradients_of_pairs_are_jaxs(name):
    some = [1e-10, 0.3, 0.5, 1.0, 20.0, 1e3]
    x, y = zip(*[(x, y) for x in some for y in some], strict=True)
    ours, theirs = getattr(agrad.special, name), getattr(jax.scipy.special, name)
    assert_close(gradients(ours, x, y), jaxs(theirs, x, y), rtol=1e-9, atol=1e-12)

"""The tables of the pages for users of JAX and HIPS/autograd: both columns of each row compute the same."""

import importlib
import re
from pathlib import Path

import numpy as np
import pytest

import agrad
from agrad.testing import assert_close

DOCS = Path(__file__).parent.parent / "docs"
ROW = re.compile(r"^\| `(.+)` \| `(.+)` \|$", re.MULTILINE)
PARTS = ("numpy", "scipy.special", "scipy.stats", "misc.flatten", "test_util")  # of autograd, imported one by one
ARRAYS = {
    "x": np.asarray([0.5, 1.5, 2.5]),
    "v": np.asarray([1.0, -2.0, 0.5]),
    "m": np.asarray([[1.0, 2.0, 3.0], [0.5, 1.0, 2.0]]),
    "a": np.asarray([[2.0, 0.5, 0.0], [0.5, 3.0, 1.0], [0.0, 1.0, 4.0]]),
    "i": np.asarray([0, 2, 1]),
    "s": np.asarray(0.5),
}


def rows(library):
    return ROW.findall((DOCS / f"coming_from_{library}.md").read_text(encoding="utf-8"))


TABLE = rows("autograd")[:-3]  # without the three lines of an op of one's own


def scope(make, numpy):
    """Return what the rows speak of: arrays, and functions of the library's own NumPy."""
    return {name: make(array) for name, array in ARRAYS.items()} | {
        "np": numpy,
        "c": 0.0,
        "f": lambda x: (x**3).sum(),
        "h": lambda x: x**2 * 3,
        "two": lambda x, v: (x**2 * v).sum(),
    }


def result(line, known):
    """Return the value of a line, or what a loop computes."""
    if not line.startswith("for "):
        return eval(line, known)
    exec(line, known)
    return known["c" if "c =" in line else "x"]


def leaves(value):
    """Return the arrays and numbers in nested results, in order."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (tuple, list)):
        return [leaf for item in value for leaf in leaves(item)]
    return [] if value is None else [np.asarray(value.numpy() if isinstance(value, agrad.Tensor) else value)]


def assert_same(ours, theirs):
    assert len(ours) == len(theirs) > 0 or ours == theirs == []
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.shape == other.shape
        assert_close(mine.astype(float), other.astype(float), rtol=1e-5, atol=1e-6)


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("theirs", "ours"), rows("jax"))
def test_both_columns_of_the_page_on_jax_do_the_same(theirs, ours):
    jax = pytest.importorskip("jax")
    modules = {"jax": jax, "jnp": jax.numpy, "agrad": agrad}
    importlib.import_module("jax.scipy.special")
    expected = result(theirs, scope(jax.numpy.asarray, jax.numpy) | modules)
    assert_same(leaves(result(ours, scope(agrad.asarray, np) | modules)), leaves(expected))


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("theirs", "ours"), TABLE)
def test_both_columns_of_the_page_on_autograd_do_the_same(theirs, ours):
    autograd = pytest.importorskip("autograd")
    for part in PARTS:
        importlib.import_module(f"autograd.{part}")
    expected = result(theirs, scope(lambda array: array, autograd.numpy) | {"autograd": autograd})
    assert_same(leaves(result(ours, scope(agrad.asarray, np) | {"agrad": agrad})), leaves(expected))


@pytest.mark.parametrize("ours", [ours for theirs, ours in TABLE])
def test_what_the_page_on_autograd_says_to_write_runs(ours):
    result(ours, scope(agrad.asarray, np) | {"agrad": agrad})


def test_an_op_by_the_second_table_of_the_page_on_autograd():
    lines = [ours for _, ours in rows("autograd")[len(TABLE) :]]
    known = {"agrad": agrad, "ArrayLike": agrad.ArrayLike}
    exec("\n".join([*lines[:2], "    return x**3", lines[2]]), known)
    agrad.testing.check_grads(known["cube"], [agrad.asarray([0.5, 2.0])])

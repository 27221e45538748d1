"""Where special functions are found, which library computes them, and what is said where none does."""

import os
import subprocess
import sys

import pytest
from scipy import special

import agrad
from agrad.backends import numpy as numpy_backend
from tests.special.arguments import COUNTS
from tests.special_table import table

MADE_OF = {"beta": "betaln", "psi": "digamma", "polygamma": "zeta"}


each_function = pytest.mark.parametrize("name", sorted(table()["cpu"]))


def check(name, works, device):
    """Call a special function, which works or says what it needs."""
    op, args = getattr(agrad.special, name), [agrad.tensor(0.5)] * COUNTS.get(name, 1)
    if name == "polygamma":
        args[0] = 1
    if works:
        assert op(*args).device is device
    else:
        with pytest.raises(NotImplementedError, match=rf" has no {MADE_OF.get(name, name)}: .*agrad\[special\]"):
            op(*args)


@each_function
def test_the_table_in_the_documentation_is_right(device, name):
    check(name, table()[device.backend.kind][name], device)


@each_function
def test_numpy_without_scipy_has_the_functions_of_strict(monkeypatch, name):
    monkeypatch.setattr(numpy_backend, "_scipy_special", lambda: None)
    check(name, table()["strict"][name], agrad.Device("cpu"))


def test_the_table_is_complete():
    for column in table().values():
        assert sorted(column) == sorted(agrad.special.__all__)


def run(code, **env):
    """Run a program and return what it prints."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ | env
    ).stdout.split()


def test_scipy_is_imported_when_it_is_needed():
    code = """
import sys, agrad
agrad.special.logit(0.5)
print('scipy' in sys.modules)
agrad.special.gammaln(0.5)
print('scipy' in sys.modules)
"""
    assert run(code) == ["False", "True"]


def test_scipy_without_its_special_functions_says_so():
    code = """
import sys
sys.modules['scipy'] = None
import agrad
print(round(agrad.erf(0.5).item(), 4))
try:
    agrad.special.gammaln(0.5)
except NotImplementedError as error:
    print('pip' in str(error))
"""
    assert run(code) == ["0.5205", "True"]


def test_scipy_finds_them():
    code = """
import agrad, scipy.special
x = agrad.tensor([0.5, 2.5], requires_grad=True)
for y in (scipy.special.gammaln(x), scipy.special.xlogy(x, x), scipy.special.chdtr(x.detach(), x)):
    print(y.device.name, agrad.gradients(y.sum(), x)[0].size)
"""
    assert run(code, SCIPY_ARRAY_API="1") == ["cpu", "2"] * 3


def test_namespaces_of_devices_hold_them(device):
    assert agrad.ones(2).__array_namespace__().special is agrad.special


def test_names_and_arguments_are_scipys():
    assert all(callable(getattr(special, name)) for name in agrad.special.__all__)
    x = agrad.asarray([0.5, 1.5])
    assert agrad.special.zeta(x=x, q=x).shape == agrad.special.polygamma(n=1, x=x).shape == (2,)
    assert agrad.special.logsumexp(a=x, axis=0, b=x, keepdims=True, return_sign=True)[1].shape == (1,)
    assert agrad.special.softmax(x=x, axis=0).shape == agrad.special.log_softmax(x=x, axis=0).shape == (2,)

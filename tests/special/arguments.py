"""What the tests of special functions call them with."""

import pytest

import agrad
from tests.special_table import lacks

BINARY = ["kl_div", "rel_entr", "xlog1py", "xlogy"]
COUNTS = {"betainc": 3} | dict.fromkeys([*BINARY, "beta", "betaln", "gammainc", "gammaincc", "polygamma", "zeta"], 2)

quiet = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, of infinite results


def function(device, name):
    """Return a special function; skip where the device has none."""
    if lacks(device, f"special.{name}"):
        pytest.skip(f"{device} has no {name}")
    return getattr(agrad.special, name)


def double(device, *points):
    """Return leaves in double precision."""
    if not device.backend.supports_float64:
        pytest.skip("needs float64")
    return [agrad.tensor(x, dtype="float64", requires_grad=True) for x in points]


def slope(f, *arrays):
    """Return the gradients of a sum as lists."""
    return [g.tolist() for g in agrad.gradients(agrad.sum(f(*arrays)), arrays)]

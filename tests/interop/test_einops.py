"""What other libraries meet: einops a backend, however the imports are ordered, and NumPy an error or a shape."""

import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

import agrad

needs_einops = pytest.mark.skipif(find_spec("einops") is None, reason="einops is not installed")
PROGRAM = """
import {first}, {second}
x = agrad.ones((2, 3), requires_grad=True)
print(einops.rearrange(x, "a b -> (b a)").requires_grad)
"""


@needs_einops
@pytest.mark.parametrize(("first", "second"), [("agrad", "einops"), ("einops", "agrad")])
def test_the_order_of_imports_does_not_matter(first, second):
    code = PROGRAM.format(first=first, second=second)
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("True", "")


@needs_einops
def test_the_wait_ends_with_the_import():
    code = "import sys, agrad; before = len(sys.meta_path); import einops; print(before - len(sys.meta_path))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "1"


def test_numpy_may_ask_for_a_shape(device):
    x = agrad.ones((2, 3), requires_grad=True)
    assert (np.ndim(x), np.shape(x), np.size(x), np.size(x, axis=1)) == (2, (2, 3), 6, 3)

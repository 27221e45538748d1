"""The array libraries that this machine has, whichever devices the other tests run on."""

import pytest

import agrad


@pytest.fixture(params=["cpu", "strict", "strict:device1", "torch", "jax", "cuda"])
def place(request):
    """A device of each library; skipped with the reason where there is none."""
    try:
        return agrad.Device(request.param)
    except RuntimeError as error:
        pytest.skip(str(error))

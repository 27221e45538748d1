"""What a machine offers, what it lacks, and what the message says then; which library an array belongs to."""

import os
import subprocess
import sys

import numpy as np
import pytest

import agrad
from agrad import backends

INSTALL = {
    "cuda": ("cupy", 'pip install "cupy-cuda12x[ctk]"'),
    "strict": ("array_api_strict", "pip install array-api-strict"),
    "torch": ("torch", "pip install torch"),
    "jax": ("jax", "pip install jax"),
    "mlx": ("mlx", "pip install mlx"),
    "dpnp": ("dpnp", "pip install dpnp"),
}


@pytest.mark.parametrize("kind", INSTALL)
def test_a_library_that_is_not_installed(kind):
    library, command = INSTALL[kind]
    code = f"""
import sys
sys.modules[{library!r}] = None  # as if it were not installed
import agrad
agrad.set_device("cpu")
for _ in range(2):  # asking again gives the same answer
    try:
        agrad.set_device({kind!r})
    except RuntimeError as error:
        print(error)
print(agrad.get_device(), agrad.ones(2).device, agrad.cuda.is_available())
"""
    environment = os.environ | {"AGRAD_DEVICE": ""}
    answer = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    first, second, devices = answer.stdout.splitlines()
    assert first == second
    assert f"device {kind!r} needs" in first
    assert "not installed" in first
    assert command in first
    assert devices.startswith("cpu cpu ")


def test_a_broken_library_is_not_taken_for_a_missing_one():
    code = """
import sys
class Broken:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            raise ImportError("libgomp.so.1: cannot open shared object file")
sys.meta_path.insert(0, Broken())
import agrad
try:
    agrad.Device("torch")
except RuntimeError as error:
    print(error)
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "'torch' needs PyTorch, which cannot be imported: libgomp.so.1" in answer.stdout, answer.stderr


@pytest.mark.parametrize("name", ["cpu:0", "cpu:1", "strict:", "strict:CPU_DEVICE"])
def test_odd_names_of_the_first_place(name):
    if name.startswith("cpu"):
        with pytest.raises(ValueError, match="'cpu' has one device only"):
            agrad.Device(name)
    else:
        assert agrad.Device(name) is agrad.Device("strict")


def test_unknown_places_of_array_api_strict_list_the_known_ones():
    with pytest.raises(ValueError, match=r"unknown device 'strict:gpu'.*'strict:device1'"):
        agrad.Device("strict:gpu")


def test_arrays_stay_with_their_library(device):
    x = agrad.ones(3)
    assert x.device is device
    with agrad.Device("strict:device2"):
        again = agrad.asarray(x.data)
    expected = agrad.Device("strict:device2") if device.kind == "cpu" else device
    assert again.device is expected


def test_subclasses_belong_to_their_library():
    class Special(np.ndarray):
        pass

    array = np.ones(3).view(Special)
    assert agrad.asarray(array).tolist() == [1.0, 1.0, 1.0]
    assert backends.of(array) is backends.of(np.ones(3))


def test_other_things_are_no_arrays():
    for thing in ("text", object(), {1: 2}):
        with pytest.raises(TypeError, match="not an array"):
            backends.of(thing)


def test_bytes_in_foreign_order_are_turned(device):
    x = agrad.asarray(np.asarray([1.0, 2.0], dtype=">f4"))
    assert x.dtype == agrad.float32
    assert (x + agrad.ones(2)).tolist() == [2.0, 3.0]
    assert (x + np.asarray([1.0, 2.0], dtype=">f4")).tolist() == [2.0, 4.0]


def test_lists_of_tensors_are_fetched(device):
    x = agrad.asarray([1.0, 2.0])
    assert agrad.asarray([x[0], x[1]]).tolist() == [1.0, 2.0]
    assert agrad.asarray([[x[0], x[1]], [x[1], x[0]]]).tolist() == [[1.0, 2.0], [2.0, 1.0]]


@pytest.mark.parametrize("there", ["strict:device1", "torch", "jax"])
def test_values_survive_the_way_between_libraries(device, there):
    try:
        target = agrad.Device(there)
    except RuntimeError as error:
        pytest.skip(str(error))
    x = agrad.asarray([[1.5, -2.0], [0.0, 3.25]])
    back = x.to(target).to(device)
    assert back.device is device
    assert back.dtype == x.dtype
    assert back.tolist() == x.tolist()


class Registered(backends.Backend):
    """A backend that agrad does not know: NumPy's arrays in a class of their own, without any override."""

    kind = "registered"

    def __init__(self):
        import array_api_compat.numpy as xp

        class Array(np.ndarray):
            pass

        self.xp, self.array_type = xp, Array

    def asarray(self, data, dtype, native, copy=None):
        return np.array(data, dtype).view(self.array_type)

    def box(self, value):
        return np.asarray(value).view(self.array_type)


def test_a_library_can_be_registered():
    agrad.register_backend(Registered())
    assert agrad.devices()["registered"] == ""
    with pytest.raises(ValueError, match="'registered'"):
        agrad.Device("unheard-of")
    x = agrad.tensor([1.0, 2.0], device="registered", requires_grad=True)
    (agrad.exp(x) * x).sum().backward()
    np.testing.assert_allclose(x.grad.tolist(), [2 * np.e, 3 * np.e**2], rtol=1e-6)
    assert agrad.rand(3, device="registered").device.name == "registered"

"""JAX's backend: arrays that never change, and 64 bits only where JAX has them."""

import os
import subprocess
import sys

import numpy as np
import pytest

import agrad

jax = pytest.importorskip("jax")
jnp = jax.numpy
wide = jax.config.jax_enable_x64
in_32_bits = pytest.mark.skipif(wide, reason="JAX computes in 64 bits here")


def test_a_jax_array_keeps_its_type_and_device():
    a = jnp.ones(3)
    x = agrad.asarray(a)
    assert x.device.name == "jax"
    assert x.data is a


@in_32_bits
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_double_precision_is_an_error_and_never_silently_single(dtype):
    message = rf"no dtype {dtype}|no {dtype}.*JAX_ENABLE_X64=1"
    for ask in (
        lambda: agrad.ones(3, dtype=dtype, device="jax"),
        lambda: agrad.tensor([1.0], dtype=dtype, device="jax"),
        lambda: agrad.asarray(np.ones(3, dtype), device="jax"),
        lambda: agrad.astype(agrad.ones(3, device="jax"), dtype),
        lambda: agrad.ones(3, dtype=dtype).to("jax"),
    ):
        with pytest.raises(TypeError, match=message):
            ask()
    single = "float32" if dtype == "float64" else "complex64"
    assert agrad.asarray(np.ones(3, dtype), dtype=single, device="jax").tolist() == [1.0, 1.0, 1.0]


@in_32_bits
def test_integers_are_narrowed_if_they_fit():
    x = agrad.asarray(np.asarray([2**31 - 1, -(2**31)]), device="jax")
    assert x.dtype == agrad.int32
    assert x.tolist() == [2**31 - 1, -(2**31)]
    assert agrad.tensor([1, 2], device="jax").dtype == agrad.int32
    assert agrad.zeros(2, dtype=agrad.int64, device="jax").dtype == agrad.int32
    assert agrad.asarray(np.zeros((0, 3), dtype=np.uint64), device="jax").shape == (0, 3)
    for number in (2**31, -(2**31) - 1):
        with pytest.raises(OverflowError, match=f"{number}.*int32"):
            agrad.tensor([number], device="jax")


def test_a_seed_has_64_bits():
    draws = set()
    before = agrad.random.get_state()
    for seed in (1, 2**32 + 1, 2**63 + 1):
        agrad.manual_seed(seed)
        draws.add(agrad.rand((), device="jax").item())
    agrad.random.set_state(before)
    assert len(draws) == 3


def test_the_64_bit_setting_is_jaxs_own():
    code = """
import agrad, numpy as np
x = agrad.asarray(np.ones(2), device="jax", requires_grad=True)
(x * x).sum().backward()
print(x.grad.dtype, x.device.backend.supports_float64, agrad.tensor([2**40], device="jax").tolist())
"""
    environment = os.environ | {"JAX_ENABLE_X64": "1"}
    answer = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert answer.stdout.strip() == "agrad.float64 True [1099511627776]", answer.stderr
    assert jax.config.jax_enable_x64 is wide


def test_writing_gives_the_tensor_a_new_array():
    x = agrad.zeros(3, device="jax")
    before = x.data
    with agrad.no_grad():
        x[1] = 5.0
        x += 1.0
    assert x.tolist() == [1.0, 6.0, 1.0]
    assert before.tolist() == [0.0, 0.0, 0.0]


def test_writing_keeps_the_type():
    x = agrad.zeros(3, dtype=agrad.int32, device="jax")
    with agrad.no_grad():
        x[...] = 2
    assert x.dtype == agrad.int32
    assert x.tolist() == [2, 2, 2]


def test_a_jitted_function_may_call_agrad():
    @jax.jit
    def f(a):
        return agrad.sum(agrad.asarray(a) * 3).data

    assert f(jnp.ones(4)).item() == 12.0


def test_a_device_that_is_missing_is_named():
    if jax.default_backend() != "cpu":
        pytest.skip("this machine has an accelerator")
    with pytest.raises(RuntimeError, match=r"'jax:gpu'.*installation"):
        agrad.Device("jax:gpu")
    with pytest.raises(RuntimeError, match=r"no device 'jax:cpu:99'.*'jax:cpu:0'"):
        agrad.Device("jax:cpu:99")
    with pytest.raises(ValueError, match=r"unknown device 'jax:cpus'.*'jax:cpu'"):
        agrad.Device("jax:cpus")
    assert agrad.Device("jax:cpu") is agrad.Device("jax")


def test_several_devices_keep_apart():
    code = """
import agrad, jax
x = agrad.ones(3, device="jax:cpu:1", requires_grad=True)
y = (x * 2).sum()
y.backward()
print(agrad.devices()["jax:cpu:1"] == "", x.device, y.device, x.grad.device, x.grad.data.device.id)
print(agrad.rand(2, device="jax:cpu:1").data.device.id, agrad.asarray(x.data).device, x.to("jax").device)
with agrad.Device("jax:cpu:1"):
    print(agrad.zeros(2).data.device.id, agrad.get_device())
try:
    x * agrad.ones(3, device="jax")
except ValueError as error:
    print(error)
"""
    flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2", "JAX_PLATFORMS": "cpu"}
    answer = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | flags, capture_output=True, text=True, check=False
    )
    lines = answer.stdout.splitlines()
    assert lines[:3] == ["True jax:cpu:1 jax:cpu:1 jax:cpu:1 1", "1 jax:cpu:1 jax", "1 jax:cpu:1"], answer.stderr
    assert "jax:cpu:1" in lines[3]


def test_waiting():
    agrad.ones(3, device="jax").device.synchronize()

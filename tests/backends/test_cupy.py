"""CuPy's backend: what is missing, two GPUs, and random numbers, whose C runs on the host too."""

import ctypes
import shutil
import subprocess
import threading

import numpy as np
import pytest

import agrad
from agrad import nn, optim
from agrad.backends.cuda.philox import SOURCE
from agrad.nn import functional as F

# What is missing


def test_without_a_driver_the_error_gives_the_remedy():
    pytest.importorskip("cupy", reason="CuPy is not installed")
    if agrad.cuda.is_available():
        pytest.skip("this machine has CUDA")
    before = agrad.get_device()
    with pytest.raises(RuntimeError, match=r"CuPy is installed.*driver.*nvidia-smi.*set_device\(\"cpu\"\)"):
        agrad.set_device("cuda")
    assert agrad.get_device() is before
    assert "driver" in agrad.devices()["cuda"]


@pytest.mark.cuda
def test_without_cudas_libraries_the_error_gives_the_remedy(monkeypatch):
    import cupy

    from agrad.backends.cupy import CupyBackend

    def missing():
        raise RuntimeError('Failure finding "libnvrtc.so.12"')

    monkeypatch.setattr(cupy.cuda.nvrtc, "getVersion", missing)
    with pytest.raises(RuntimeError, match=r'libnvrtc(.|\n)*pip install "cupy-cuda12x\[ctk\]"'):
        CupyBackend().device_names()


@pytest.mark.cuda
def test_a_gpu_that_is_not_there_is_named():
    count = agrad.cuda.device_count()
    before = agrad.get_device()
    with pytest.raises(RuntimeError, match=rf"there is no device 'cuda:{count}'; this machine has 'cuda:0'"):
        agrad.set_device(f"cuda:{count}")
    with pytest.raises(ValueError, match="unknown device 'cuda:x'"):
        agrad.set_device("cuda:x")
    assert agrad.get_device() is before


@pytest.mark.cuda
def test_devices_lists_each_gpu():
    listed = [name for name in agrad.devices() if name.startswith("cuda")]
    assert listed == [f"cuda:{i}" for i in range(agrad.cuda.device_count())]
    assert agrad.Device("cuda") is agrad.Device("cuda:0")


# One GPU


@pytest.mark.cuda
def test_an_index_out_of_range_is_not_checked():
    with agrad.Device("cuda") as device:
        assert device.backend.waits_on_read(device.native)
        assert np.isnan(F.cross_entropy(agrad.zeros((1, 2)), agrad.asarray([-1])).item())


@pytest.mark.cuda
def test_memory_is_counted():
    agrad.cuda.synchronize()
    agrad.Device("cuda").synchronize()
    before = agrad.cuda.memory_allocated("cuda")
    x = agrad.zeros(1 << 20, device="cuda")
    assert agrad.cuda.memory_allocated("cuda") >= before + 4 * x.size
    assert agrad.cuda.memory_reserved() >= agrad.cuda.memory_allocated("cuda")
    free, total = agrad.cuda.mem_get_info()
    assert 0 < free < total
    agrad.cuda.empty_cache()
    with pytest.raises(ValueError, match=r"agrad\.cuda takes CUDA devices"):
        agrad.cuda.memory_allocated("cpu")


@pytest.mark.cuda
def test_tensors_on_a_gpu_are_not_implicitly_converted_to_numpy():
    ones = np.ones(2, dtype=np.float32)
    x = agrad.ones(2, device="cuda")
    assert {(x + ones).device, (ones * x).device} == {x.device}
    assert agrad.asarray([x[0], x[1]], device="cuda").tolist() == [1.0, 1.0]
    with pytest.raises(TypeError, match=r"x\.numpy\(\)"):
        np.asarray(x)


# Two GPUs


@pytest.fixture
def second():
    """The second GPU of a machine, with the first one current."""
    with agrad.Device("cuda:0"):
        if agrad.cuda.device_count() < 2:
            pytest.skip("needs two GPUs")
        yield agrad.Device("cuda:1")


@pytest.mark.cuda
def test_a_namespace_makes_its_arrays_on_its_gpu(second):
    xp = agrad.ones(2, device=second).__array_namespace__()
    zeros = xp.zeros(3)
    assert zeros.device is second
    assert zeros.data.device.id == 1
    assert xp.arange(2, device="cuda:0").device is agrad.Device("cuda:0")
    assert xp.rand(2).device is second


@pytest.mark.cuda
def test_training_on_the_second_gpu(second):
    agrad.manual_seed(0)
    x, y = agrad.randn(8, 2, device=second), agrad.randint(3, (8,), device=second)
    model = nn.Sequential(nn.Linear(2, 5), nn.ReLU(), nn.Linear(5, 3)).to(second)
    optimizer = optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = nn.CrossEntropyLoss()(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]
    assert {(p.device, p.data.device.id) for p in model.parameters()} == {(second, 1)}


@pytest.mark.cuda
def test_gradients_flow_between_gpus(second):
    x = agrad.tensor([1.0, 2.0], device=second, requires_grad=True)
    y = (x.to("cuda:0") ** 2).sum()
    y.backward()
    assert y.device is agrad.Device("cuda:0")
    assert x.grad.device is second
    assert x.grad.data.device.id == 1
    assert x.grad.tolist() == [2.0, 4.0]


@pytest.mark.cuda
def test_the_process_wide_gpu_holds_in_other_threads(second):
    found = []

    def work():
        x = agrad.ones(3, requires_grad=True)
        (x[0] * x.sum()).backward()
        found.append((x.device, x.data.device.id, x.grad.tolist()))

    before = agrad.get_device()
    agrad.set_device(second)
    try:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        agrad.set_device(before)
    assert found == [(second, 1, [4.0, 1.0, 1.0])]


@pytest.mark.cuda
def test_functions_are_bound_to_their_gpu_and_types_are_not(second):
    first = agrad.Device("cuda:0")
    for device in (second, first, second):
        xp = device.xp
        made = [xp.zeros(2), xp.asarray([1.0]), xp.linalg.inv(xp.eye(2)), xp.fft.fft(xp.ones(2))]
        assert {x.device.id for x in made} == {int(device.native.id)}
        assert xp.float32 is np.float32


# The random numbers' C, run on the host

DRAWS = """
extern "C" {
void words(ulong64 seed, ulong64 draw, ulong64 position, uint* out) { philox(seed, draw, position, out); }
void floats(ulong64 seed, ulong64 draw, ulong64 n, float* uniform, float* normal) {
    uint words[4];
    for (ulong64 i = 0; i < n; ++i) {
        philox(seed, draw, i, words);
        uniform[i] = to_uniform(words, 0.0f);
        normal[i] = to_normal(words, 0.0f);
    }
}
void doubles(ulong64 seed, ulong64 draw, ulong64 n, double* uniform, double* normal) {
    uint words[4];
    for (ulong64 i = 0; i < n; ++i) {
        philox(seed, draw, i, words);
        uniform[i] = to_uniform(words, 0.0);
        normal[i] = to_normal(words, 0.0);
    }
}
float least_uniform() { uint w[4] = {0, 0, 0, 0}; return to_uniform(w, 0.0f); }
float most_uniform() { uint w[4] = {~0u, ~0u, ~0u, ~0u}; return to_uniform(w, 0.0f); }
double most_uniform_double() { uint w[4] = {~0u, ~0u, ~0u, ~0u}; return to_uniform(w, 0.0); }
float widest_normal() { uint w[4] = {0, 0, 0, 0}; return to_normal(w, 0.0f); }
double widest_normal_double() { uint w[4] = {0, 0, 0, 0}; return to_normal(w, 0.0); }
}
"""


@pytest.fixture(scope="module")
def draws(tmp_path_factory):
    compiler = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("there is no C++ compiler here")
    folder = tmp_path_factory.mktemp("philox")
    source, library = folder / "draws.cpp", folder / "draws.so"
    source.write_text(f"#include <cmath>\nusing namespace std;\n#define __device__\n{SOURCE}{DRAWS}")
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", library, source], check=True)
    return ctypes.CDLL(str(library))


@pytest.mark.parametrize(
    ("seed", "draw", "position", "expected"),
    [  # the known answers of philox4x32-10 that its authors publish with Random123
        (0, 0, 0, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        (2**64 - 1, 2**64 - 1, 2**64 - 1, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (0x299F31D0A4093822, 0x0370734413198A2E, 0x85A308D3243F6A88, "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_philox_gives_its_authors_answers(draws, seed, draw, position, expected):
    out = (ctypes.c_uint * 4)()
    draws.words(ctypes.c_ulonglong(seed), ctypes.c_ulonglong(draw), ctypes.c_ulonglong(position), out)
    assert " ".join(f"{word:08x}" for word in out) == expected


@pytest.mark.parametrize(
    ("name", "dtype", "number"), [("floats", "f4", ctypes.c_float), ("doubles", "f8", ctypes.c_double)]
)
def test_the_numbers_have_their_distribution(draws, name, dtype, number):
    n = 200_000
    uniform, normal = np.zeros(n, dtype), np.zeros(n, dtype)
    pointers = [array.ctypes.data_as(ctypes.POINTER(number)) for array in (uniform, normal)]
    getattr(draws, name)(ctypes.c_ulonglong(5), ctypes.c_ulonglong(1), ctypes.c_ulonglong(n), *pointers)
    assert uniform.min() >= 0
    assert uniform.max() < 1
    np.testing.assert_allclose(np.histogram(uniform, 10, (0, 1))[0] / n, 0.1, atol=0.003)
    moments = [np.mean(normal**k, dtype=np.float64) for k in (1, 2, 3, 4)]
    np.testing.assert_allclose(moments, [0, 1, 0, 3], atol=0.04)
    assert abs(np.corrcoef(normal[:-1], normal[1:])[0, 1]) < 0.01
    assert abs(np.corrcoef(uniform[:-1], uniform[1:])[0, 1]) < 0.01


def test_the_ends_of_the_ranges(draws):
    for name in ("least_uniform", "most_uniform", "widest_normal"):
        getattr(draws, name).restype = ctypes.c_float
    for name in ("most_uniform_double", "widest_normal_double"):
        getattr(draws, name).restype = ctypes.c_double
    assert draws.least_uniform() == 0.0
    assert 0.9999 < draws.most_uniform() < 1.0
    assert 0.9999 < draws.most_uniform_double() < 1.0
    assert 6.0 < draws.widest_normal() < 7.0
    assert 8.0 < draws.widest_normal_double() < 9.0


# On a GPU


@pytest.mark.cuda
def test_the_gpu_draws_what_the_formula_says(draws):
    from agrad.backends.cupy import BACKEND

    n = 1000
    uniform, normal = np.zeros(n, "f4"), np.zeros(n, "f4")
    pointers = [array.ctypes.data_as(ctypes.POINTER(ctypes.c_float)) for array in (uniform, normal)]
    _, native = BACKEND.find_device("0")
    draws.floats(ctypes.c_ulonglong(2**40 + 7), ctypes.c_ulonglong(1), ctypes.c_ulonglong(n), *pointers)
    found = BACKEND.uniform(BACKEND.generator(2**40 + 7, native), (n,), BACKEND.xp.float32, native)
    np.testing.assert_array_equal(BACKEND.to_numpy(found), uniform)
    found = BACKEND.normal(BACKEND.generator(2**40 + 7, native), (n,), BACKEND.xp.float32, native)
    np.testing.assert_allclose(BACKEND.to_numpy(found), normal, rtol=1e-4, atol=1e-5)

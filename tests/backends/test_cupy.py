"""CuPy's backend: for what needs no GPU, on a stand-in for CuPy that is as strict as CuPy is."""

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import agrad
from agrad.backends.cuda.philox import SOURCE

ROOT = Path(__file__).parents[2]


def run(code, *, fake=True):
    """Run Python code in a process of its own, with the stand-in in CuPy's place, and return what it prints."""
    start = "from tests.backends import fake_cupy; fake_cupy.install()\n" if fake else ""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    answer = subprocess.run(
        [sys.executable, "-W", "error", "-c", start + code],
        env=os.environ | {"PYTHONPATH": path, "AGRAD_DEVICE": ""}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


# What is missing


def test_without_a_driver_the_error_says_what_mends_it():
    pytest.importorskip("cupy", reason="CuPy is not installed")
    if agrad.cuda.is_available():
        pytest.skip("this machine has CUDA")
    before = agrad.get_device()
    with pytest.raises(RuntimeError, match=r"CuPy is installed.*driver.*nvidia-smi.*set_device\(\"cpu\"\)"):
        agrad.set_device("cuda")
    assert agrad.get_device() is before
    assert "driver" in agrad.devices()["cuda"]


def test_without_cudas_libraries_the_error_says_what_mends_it():
    code = """
import cupy
def missing():
    raise RuntimeError('Failure finding "libnvrtc.so.12"')
cupy.cuda.nvrtc.getVersion = missing
import agrad
try:
    agrad.set_device("cuda")
except RuntimeError as error:
    print(error)
"""
    assert "libnvrtc" in run(code)
    assert 'pip install "cupy-cuda12x[ctk]"' in run(code)


def test_a_gpu_that_is_not_there_is_named():
    code = """
import agrad
for name in ("cuda:2", "cuda:x"):
    try:
        agrad.set_device(name)
    except (RuntimeError, ValueError) as error:
        print(type(error).__name__, error)
print(agrad.get_device())
"""
    answer = run(code).splitlines()
    assert answer[0] == "RuntimeError there is no device 'cuda:2'; this machine has 'cuda:0' to 'cuda:1'"
    assert answer[1].startswith("ValueError unknown device 'cuda:x'")
    assert answer[2] == "cpu"


# Two GPUs

TWO = """
import agrad, numpy as np
from agrad import nn, optim
"""


def test_devices_lists_each_gpu():
    code = "print([name for name, why in agrad.devices().items() if name.startswith('cuda')])"
    assert run(f"{TWO}{code}") == "['cuda:0', 'cuda:1']"
    assert run(f"{TWO}print(agrad.Device('cuda'), agrad.Device('cuda') is agrad.Device('cuda:0'))") == "cuda:0 True"
    assert run(f"{TWO}print(agrad.cuda.is_available(), agrad.cuda.device_count())") == "True 2"


def test_a_namespace_makes_its_arrays_on_its_gpu():
    code = """
xp = agrad.ones(2, device="cuda:1").__array_namespace__()
zeros = xp.zeros(3)
print(xp.__name__, zeros.device, zeros.data.device.id, xp.arange(2, device="cuda:0").device, xp.rand(2).device)
"""
    assert run(TWO + code) == "agrad:cuda:1 cuda:1 1 cuda:0 cuda:1"


def test_an_index_out_of_range_is_not_looked_for():
    code = """
from agrad.nn import functional as F
device = agrad.Device("cuda")
print(device.backend.waits(device.native))
print(F.cross_entropy(agrad.zeros((1, 2), device=device), agrad.asarray([-1], device=device)).item())
"""
    assert run(TWO + code) == "True\nnan"


def test_training_on_the_second_gpu():
    code = """
agrad.manual_seed(0)
x = agrad.randn(8, 2, device="cuda:1")
y = agrad.randint(3, (8,), device="cuda:1")
model = nn.Sequential(nn.Linear(2, 5), nn.ReLU(), nn.Linear(5, 3)).to("cuda:1")
optimizer = optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
losses = []
for _ in range(20):
    optimizer.zero_grad()
    loss = nn.CrossEntropyLoss()(model(x), y)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
places = {p.device.name for p in model.parameters()} | {p.data.device.id for p in model.parameters()}
print(losses[-1] < 0.7 * losses[0], sorted(map(str, places)))
"""
    assert run(TWO + code) == "True ['1', 'cuda:1']"


def test_gradients_flow_between_gpus():
    code = """
x = agrad.tensor([1.0, 2.0], device="cuda:1", requires_grad=True)
with agrad.Device("cuda:0"):
    y = (x.to("cuda:0") ** 2).sum()
    y.backward()
print(y.device, x.grad.device, x.grad.tolist(), x.grad.data.device.id)
"""
    assert run(TWO + code) == "cuda:0 cuda:1 [2.0, 4.0] 1"


def test_the_process_wide_gpu_holds_in_other_threads():
    code = """
import threading
agrad.set_device("cuda:1")
def work():
    x = agrad.ones(3, requires_grad=True)
    (x[0] * x.sum()).backward()
    print(x.device, x.data.device.id, x.grad.tolist())
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""
    assert run(TWO + code) == "cuda:1 1 [4.0, 1.0, 1.0]"


def test_functions_are_bound_to_their_gpu_and_types_are_not():
    code = """
one = agrad.Device("cuda:1")
zero = agrad.Device("cuda:0")
for device in (one, zero, one):
    xp = device.xp
    made = [xp.zeros(2), xp.asarray([1.0]), xp.linalg.inv(xp.eye(2)), xp.fft.fft(xp.ones(2))]
    print({x.device.id for x in made}, xp.float32 is np.float32)
"""
    assert run(TWO + code).splitlines() == ["{1} True", "{0} True", "{1} True"]


def test_memory_and_waiting():
    code = """
agrad.cuda.synchronize()
agrad.Device("cuda:1").synchronize()
agrad.cuda.empty_cache()
print(agrad.cuda.memory_allocated("cuda:1"), agrad.cuda.memory_reserved(), agrad.cuda.mem_get_info())
try:
    agrad.cuda.memory_allocated("cpu")
except ValueError as error:
    print(error)
"""
    answer = run(TWO + code).splitlines()
    assert answer == ["1000 2000 (3000, 4000)", "agrad.cuda takes CUDA devices such as 'cuda:0', not 'cpu'"]


def test_numpy_arrays_are_not_read_in_passing():
    code = """
x = agrad.ones(2, device="cuda")
print((x + np.ones(2, dtype=np.float32)).device, (np.ones(2, dtype=np.float32) * x).device, x.cpu().device)
print(agrad.asarray([x[0], x[1]], device="cuda").tolist())
try:
    np.asarray(x)
except TypeError as error:
    print(error)
"""
    answer = run(TWO + code).splitlines()
    assert answer[:2] == ["cuda:0 cuda:0 cpu", "[1.0, 1.0]"]
    assert "x.numpy()" in answer[2]


FILES = [
    "tests/backends/test_oracle.py", "tests/random/test_random.py", "tests/optim/test_formulas.py",
    "tests/optim/test_lbfgs.py", "tests/data/test_transforms.py", "tests/nn/test_on_devices.py",
]  # fmt: skip


@pytest.mark.parametrize("files", FILES)
def test_the_other_tests_pass_on_the_stand_in(files):
    answer = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-p", "tests.backends.fake_cupy", "-p", "no:cacheprovider", "-q", files,
            "-k", "cuda", "--device", "cuda:1",
        ],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stdout[-3000:]
    assert " passed" in answer.stdout


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
    _, native = BACKEND.find("0")
    draws.floats(ctypes.c_ulonglong(2**40 + 7), ctypes.c_ulonglong(1), ctypes.c_ulonglong(n), *pointers)
    found = BACKEND.uniform(BACKEND.generator(2**40 + 7, native), (n,), BACKEND.xp.float32, native)
    np.testing.assert_array_equal(BACKEND.to_numpy(found), uniform)
    found = BACKEND.normal(BACKEND.generator(2**40 + 7, native), (n,), BACKEND.xp.float32, native)
    np.testing.assert_allclose(BACKEND.to_numpy(found), normal, rtol=1e-4, atol=1e-5)

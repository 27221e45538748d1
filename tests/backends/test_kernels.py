"""NVIDIA's compiler takes every kernel that agrad defines, for old and new GPUs; the emulator shows it the sources."""

import pkgutil
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import agrad
from agrad.backends.sliding_windows import Windows
from tests.cupy_on_cpu import nvrtc
from tests.cupy_on_cpu.trace import Trace, is_emulated

pytestmark = pytest.mark.cuda
ARCHITECTURES = ["sm_75", "sm_90", "sm_120"]
HALF, SINGLE, DOUBLE, COMPLEX = "float16", "float32", "float64", "complex64"


def softmax_nll(x):
    logits, target = x.reshape(1, 3), x[:1].astype("int64")
    _, (saved, _) = kernels("cross_entropy").losses(logits, target, "mean", None, None, 0.0)
    kernels("cross_entropy").gradient(x[0], logits, target, "mean", None, None, 0.0, saved)


def wide(x):
    return SINGLE if x.dtype == HALF else x.dtype


def master(x):
    return x.astype(SINGLE) if x.dtype == HALF else None


def sgd(x):
    kernels("optimizers").update_many("sgd", [(x, x, master(x), x.astype(wide(x)))], (0.1, 0.9, 1.0, 0.1, True, False))


def adam(x):
    kernels("optimizers").update_many("adam", [(x, x, master(x), *[x.astype(wide(x))] * 3)], (*[0.5] * 9, True, False))


def softmax(x):
    kernels("softmax").gradient(x, kernels("softmax").softmax(x, True), True)


def bias_relu(x):
    kernels("bias_relu").gradients(x.reshape(1, 3), x.reshape(1, 3), 1)


def standardize(x):
    out, deviation = kernels("standardize").standardize(x, (0,), 0.1, (1, 1, 3))
    kernels("standardize").moments(x, (0,), (1, 1, 3))
    kernels("standardize").gradient(x, out, deviation, (1, 1, 3))


def convolution(x):
    signal = x.reshape(1, 1, 3)
    columns = kernels("windows").im2col(signal, PAIRS)
    kernels("windows").col2im(columns, signal, PAIRS)


def pooling(x):
    largest, numbers = kernels("windows").window_max(x, PAIRS)
    kernels("windows").add_to_windows(largest, numbers, (3,), PAIRS)
    kernels("windows").gather_from_windows(x, numbers, PAIRS)
    kernels("windows").window_sum(x, PAIRS)


def kernels(module):
    return import_module(f"agrad.backends.cuda.{module}")


PAIRS = Windows((2,), (1,), ((0, 0),), (1,))

# Typed kernels: the types, and a function that launches them on an array of one of these.
TYPED = {
    "cross_entropy.losses_kernel": ([SINGLE, DOUBLE], softmax_nll),
    "cross_entropy.gradient_kernel": ([SINGLE, DOUBLE], softmax_nll),
    "softmax.softmax_kernel": ([SINGLE, DOUBLE], softmax),
    "softmax.gradient_kernel": ([SINGLE, DOUBLE], softmax),
    "bias_relu.gradients_kernel": ([HALF, SINGLE, DOUBLE], bias_relu),
    "standardize.standardize_kernel": ([SINGLE, DOUBLE], standardize),
    "standardize.moments_kernel": ([SINGLE, DOUBLE], standardize),
    "standardize.gradient_kernel": ([SINGLE, DOUBLE], standardize),
    "windows.im2col_kernel": ([HALF, SINGLE, DOUBLE, COMPLEX], convolution),
    "windows.col2im_kernel": ([HALF, SINGLE, DOUBLE, COMPLEX], convolution),
    "windows.window_max_kernel": ([HALF, SINGLE, DOUBLE, "int64"], pooling),
    "windows.window_sum_kernel": ([HALF, SINGLE, DOUBLE, "int64"], pooling),
    "windows.add_to_windows_kernel": ([HALF, SINGLE, DOUBLE, "int64"], pooling),
    "windows.gather_from_windows_kernel": ([HALF, SINGLE, DOUBLE, "int64"], pooling),
    "optimizers.sgd_kernel": ([HALF, SINGLE, DOUBLE], sgd),
    "optimizers.adam_kernel": ([HALF, SINGLE, DOUBLE], adam),
}
# The others: their types and, for an array of one of them, its other arguments.
CALLS = {
    "kernels.add_product": ([HALF, SINGLE, DOUBLE, COMPLEX], lambda x: (x, x, 0.5, x)),
    "kernels.add_quotient": ([HALF, SINGLE, DOUBLE, COMPLEX], lambda x: (x, x, 0.5, x)),
    "kernels.add_scaled": ([HALF, SINGLE, DOUBLE, COMPLEX], lambda x: (x, 0.5, x)),
    "kernels.real_sign": ([HALF, SINGLE, DOUBLE], lambda x: (x,)),
    "bias_relu.rectified_sum": ([HALF, SINGLE, DOUBLE], lambda x: (x, x)),
    "bessel.i0e": ([HALF, SINGLE, DOUBLE], lambda x: (x,)),
    "bessel.i1e": ([HALF, SINGLE, DOUBLE], lambda x: (x,)),
    "random.uniform": ([SINGLE, DOUBLE], lambda x: (np.uint64(1), np.uint64(1), x)),
    "random.normal": ([SINGLE, DOUBLE], lambda x: (np.uint64(1), np.uint64(1), x)),
    "kernels.interpolate": ([HALF, SINGLE, DOUBLE, COMPLEX], lambda x: (x, 0.5, x)),
    "kernels.where_nonzero": ([HALF, SINGLE, DOUBLE], lambda x: (x, x)),
    "random.dropout_mask": ([HALF, SINGLE, DOUBLE], lambda x: (np.uint64(1), np.uint64(1), 0.5, x)),
    "random.integers": (["int64"], lambda x: (np.uint64(1), np.uint64(1), 0, np.uint64(9), x)),
}


@pytest.fixture(autouse=True)
def emulated():
    with agrad.Device("cuda"):
        if not is_emulated():
            pytest.skip('the emulator shows the sources: nox -s "tests(cuda-on-cpu)"')
        yield


def defined():
    """Return all kernels of agrad's by their names."""
    import cupy

    from agrad.backends import cuda
    from agrad.backends.cuda.typed_kernel import TypedKernel

    kinds = (cupy.ElementwiseKernel, cupy.RawKernel, cupy.RawModule, cupy.ReductionKernel, TypedKernel)
    modules = {info.name: import_module(f"{cuda.__name__}.{info.name}") for info in pkgutil.iter_modules(cuda.__path__)}
    return {
        f"{module}.{name}": value
        for module, contents in modules.items()
        for name, value in vars(contents).items()
        if isinstance(value, kinds) and name in contents.__all__
    }


def test_the_table_is_complete():
    assert defined().keys() == CALLS.keys() | TYPED.keys()


@pytest.mark.parametrize("name", [*CALLS, *TYPED])
def test_nvidias_compiler_takes_it(name):
    if reason := nvrtc.missing():
        pytest.skip(reason)
    kernel = defined()[name]
    types, run = TYPED.get(name) or (CALLS[name][0], lambda x: kernel(*CALLS[name][1](x)))
    with Trace() as trace:
        for dtype in types:
            run(agrad.zeros(3, dtype=dtype).data)
    launched = zip(trace.kernels, trace.sources, strict=True)
    sources = {source for own, source in launched if own == getattr(kernel, "__name__", kernel.name)}
    assert len(sources) == len(types)
    for source in map(Path, sources):
        options = source.with_suffix(".options").read_text().splitlines()
        for architecture in ARCHITECTURES:
            assert nvrtc.compile_for(architecture, source.read_text(), options).startswith(b"\x7fELF")


@pytest.mark.parametrize("name", TYPED)
def test_nvidias_compiler_takes_indices_of_64_bits(name, monkeypatch):
    kernel = defined()[name]
    if "Index" not in kernel.types:
        pytest.skip("it has no indices of 32 bits")
    if reason := nvrtc.missing():
        pytest.skip(reason)
    monkeypatch.setattr(kernels(name.partition(".")[0]), "index_type", lambda count: np.int64)
    with Trace() as trace:
        TYPED[name][1](agrad.zeros(3).data)
    source = Path(trace.sources[trace.kernels.index(kernel.name)])
    text, options = source.read_text(), source.with_suffix(".options").read_text().splitlines()
    assert "typedef long long Index;" in text
    assert nvrtc.compile_for("sm_90", text, options).startswith(b"\x7fELF")


def test_a_mistake_in_a_kernel_is_an_error():
    if reason := nvrtc.missing():
        pytest.skip(reason)
    with pytest.raises(ValueError, match='identifier "y" is undefined'):
        nvrtc.compile_for("sm_90", "__global__ void f(float* x) { *x = y; }", [])

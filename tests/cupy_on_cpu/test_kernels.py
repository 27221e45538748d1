"""Kernels whose threads work together: what the emulator makes of them is what a GPU does."""

import numpy as np
import pytest

import agrad

pytestmark = pytest.mark.cuda

BLOCK_SUM = """
extern "C" __global__ void block_sum(const float* x, float* out) {
    __shared__ float sums[128];
    int i = threadIdx.x;
    sums[i] = x[blockIdx.x * blockDim.x + i];
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        __syncthreads();
        if (i < half) sums[i] += sums[i + half];
    }
    if (i == 0) out[blockIdx.x] = sums[0];
}
"""
REVERSE = """
extern "C" __global__ void reverse(float* x, int n) {
    extern __shared__ float copy[];
    copy[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    x[threadIdx.x] = copy[n - 1 - threadIdx.x];
}
"""
WARP_SUM = """
extern "C" __global__ void warp_sum(const int* x, int* out) {
    int sum = x[threadIdx.x];
    for (int distance = 16; distance > 0; distance /= 2)
        sum += __shfl_down_sync(0xffffffff, sum, distance);
    if (threadIdx.x % 32 == 0) out[threadIdx.x / 32] = sum;
}
"""
COUNT = """
extern "C" __global__ void count(const int* x, int* counts) {
    atomicAdd(&counts[x[blockIdx.x * blockDim.x + threadIdx.x]], 1);
}
"""
SCALE = """
template <typename T>
__global__ void scale(T* x) {
    x[threadIdx.x] *= FACTOR;
}
"""


@pytest.fixture
def cupy():
    import cupy

    with agrad.Device("cuda"):
        yield cupy


def test_blocks_that_wait_at_barriers(cupy):
    x, out = cupy.arange(256, dtype="float32"), cupy.empty(2, dtype="float32")
    cupy.RawKernel(BLOCK_SUM, "block_sum")((2,), (128,), (x, out))
    assert out.tolist() == [8128.0, 24512.0]


def test_shared_memory_of_a_size_given_at_the_launch(cupy):
    x = cupy.arange(48, dtype="float32")
    cupy.RawKernel(REVERSE, "reverse")((1,), (48,), (x, np.int32(48)), shared_mem=4 * 48)
    assert x.tolist() == list(range(47, -1, -1))


def test_warps_that_shuffle(cupy):
    x, out = cupy.arange(64, dtype="int32"), cupy.empty(2, dtype="int32")
    cupy.RawKernel(WARP_SUM, "warp_sum")((1,), (64,), (x, out))
    assert out.tolist() == [496, 1520]


def test_atomics(cupy):
    x, counts = cupy.arange(96, dtype="int32") % 3, cupy.zeros(3, dtype="int32")
    cupy.RawKernel(COUNT, "count")((3,), (32,), (x, counts))
    assert counts.tolist() == [32, 32, 32]


def test_templates_and_macros(cupy):
    module = cupy.RawModule(code=SCALE, options=("-DFACTOR=3",), name_expressions=["scale<float>", "scale<int>"])
    for dtype, name in (("float32", "scale<float>"), ("int32", "scale<int>")):
        x = cupy.arange(4, dtype=dtype)
        module.get_function(name)((1,), (4,), (x,))
        assert x.tolist() == [0, 3, 6, 9]


def test_a_kernel_that_does_not_compile_is_an_error(cupy):
    with pytest.raises(cupy.cuda.compiler.CompileException, match="nothing"):
        cupy.RawKernel('extern "C" __global__ void f(float* x) { *x = nothing; }', "f")((1,), (1,), (cupy.zeros(1),))

"""Cross entropy of class indices as one kernel, its gradient as another; see `agrad.backends.cross_entropy`."""

from __future__ import annotations

from typing import Any

import cupy
import numpy as np

from .last_block import LAST_BLOCK, counters
from .rows import ROWS, block_of, grid_of
from .typed_kernel import THREADS, TypedKernel, blocks, flat, index_type

__all__ = ["gradient", "gradient_kernel", "losses", "losses_kernel"]

_LARGEST_GRID = 1024  # blocks of the forward, whose partial sums the last one adds up
_NULL = np.intp(0)
_REDUCTIONS = {"sum": 0, "mean": 1, "none": 2}

losses_kernel = TypedKernel(
    "agrad_softmax_nll",
    "T",
    ROWS
    + LAST_BLOCK
    + """
// A row of threads for each sample: blockDim is (threads of a sample, samples of a block). Each block writes the sum of
// its losses and that of its weights to `partial`; the last block to finish adds these up, always in the same order.

// The sum of the values of all threads of a block, returned to its first thread.
__device__ T in_block(T value) {
    __shared__ T values[256];
    const int number = threadIdx.y * blockDim.x + threadIdx.x;
    __syncthreads();
    values[number] = value;
    for (int half = 128; half > 0; half /= 2) {
        __syncthreads();
        if (number < half) values[number] += values[number + half];
    }
    return values[0];
}

extern "C" __global__ void agrad_softmax_nll(
    const T* logits, const long long* target, const T* weight, long long samples, long long classes, bool ignores,
    long long ignored, T smoothing, int reduction, T* saved, T* out, volatile T* partial, unsigned* arrived
) {
    T loss_sum = 0, weight_sum = 0;
    const long long step = (long long)gridDim.x * blockDim.y;
    for (long long first = (long long)blockIdx.x * blockDim.y; first < samples; first += step) {
        const long long sample = first + threadIdx.y;
        const bool exists = sample < samples;
        const T* row = logits + (exists ? sample : 0) * classes;
        const long long chosen = exists ? target[sample] : 0;
        T largest = -CUDART_INF_F;
        for (long long c = threadIdx.x; c < classes; c += blockDim.x)
            if (row[c] > largest) largest = row[c];
        largest = in_row(largest, true);
        T rest = 0, spread = 0;  // the other classes' exponentials; the losses of all classes, without the logarithm
        for (long long c = threadIdx.x; c < classes; c += blockDim.x) {
            const T below = row[c] - largest;
            if (c != chosen) rest += exp(below);
            if (smoothing != 0) spread -= (weight ? weight[c] : (T)1) * below;
        }
        rest = in_row(rest);
        T all_weights = classes;
        if (smoothing != 0) {
            spread = in_row(spread);
            if (weight) {
                all_weights = 0;
                for (long long c = threadIdx.x; c < classes; c += blockDim.x) all_weights += weight[c];
                all_weights = in_row(all_weights);
            }
        }
        if (!exists || threadIdx.x != 0) continue;
        const bool valid = chosen >= 0 && chosen < classes, counts = !ignores || chosen != ignored;
        const T below = valid ? row[chosen] - largest : 0, total = rest + (valid ? exp(below) : (T)0);
        // log(1 + rest) would round off a small rest
        const T log_total = below == 0 ? log1p(rest) : log(total);
        const T own = weight && valid ? weight[chosen] : (T)1;
        T loss = (1 - smoothing) * own * (log_total - below);
        if (smoothing != 0) loss += smoothing / classes * (spread + all_weights * log_total);
        if (!valid) loss = CUDART_NAN_F;
        if (!counts) loss = 0;
        if (sample == 0) saved[3 * samples + 1] = all_weights;
        saved[3 * sample] = largest;
        saved[3 * sample + 1] = total;
        saved[3 * sample + 2] = rest;
        if (reduction == 2) out[sample] = loss;
        loss_sum += loss;
        weight_sum += counts ? own : (T)0;
    }
    if (reduction == 2) return;

    loss_sum = in_block(loss_sum);
    weight_sum = in_block(weight_sum);
    if (threadIdx.x == 0 && threadIdx.y == 0) {
        partial[2 * blockIdx.x] = loss_sum;
        partial[2 * blockIdx.x + 1] = weight_sum;
    }
    if (!comes_last(arrived, gridDim.x)) return;
    loss_sum = weight_sum = 0;
    for (int i = threadIdx.y * blockDim.x + threadIdx.x; i < gridDim.x; i += 256) {
        loss_sum += partial[2 * i];
        weight_sum += partial[2 * i + 1];
    }
    loss_sum = in_block(loss_sum);
    weight_sum = in_block(weight_sum);
    if (threadIdx.x == 0 && threadIdx.y == 0) {
        out[0] = reduction == 1 ? loss_sum / weight_sum : loss_sum;
        saved[3 * samples] = weight_sum;
    }
}
""",
)

gradient_kernel = TypedKernel(
    "agrad_softmax_nll_input",
    "T Index",
    """
extern "C" __global__ void agrad_softmax_nll_input(
    const T* g, const T* logits, const long long* target, const T* weight, Index samples, Index classes, bool ignores,
    long long ignored, T smoothing, int reduction, const T* saved, T* out
) {
    FOR_EACH(i, samples * classes) {
        const Index sample = i / classes, c = i - sample * classes;
        const long long chosen = target[sample];
        if (chosen < 0 || chosen >= classes || (ignores && chosen == ignored)) {
            out[i] = 0;
            continue;
        }
        const T largest = saved[3 * sample], total = saved[3 * sample + 1], rest = saved[3 * sample + 2];
        const T probability = exp(logits[i] - largest) / total, own = weight ? weight[chosen] : (T)1;
        // for the target class: probability - 1 would cancel
        T slope = (1 - smoothing) * own * (c == chosen ? -rest / total : probability);
        if (smoothing != 0) {
            slope += smoothing / classes * (probability * saved[3 * samples + 1] - (weight ? weight[c] : (T)1));
        }
        const T scale = reduction == 2 ? g[sample] : reduction == 1 ? g[0] / saved[3 * samples] : g[0];
        out[i] = slope * scale;
    }
}
""",
)


def losses(
    input: Any, target: Any, reduction: str, weight: Any, ignore_index: int | None, label_smoothing: float
) -> tuple[Any, tuple[Any, Any]]:
    """Return the reduced losses, and for the gradient three sums of each sample and two of the weights."""
    samples, classes = input.shape
    dtype = input.dtype
    block = block_of(classes)
    grid = grid_of(samples, block, _LARGEST_GRID)
    out = cupy.empty((samples,) if reduction == "none" else (), dtype)
    saved, partial = cupy.empty(3 * samples + 2, dtype), cupy.empty(2 * grid[0], dtype)
    losses_kernel(
        (dtype,), grid, block, flat(input), flat(target, np.int64), _or_null(weight, dtype),
        *map(np.int64, (samples, classes)), *_ignored(ignore_index), dtype.type(label_smoothing),
        np.int32(_REDUCTIONS[reduction]), saved, out, partial, counters(),
    )  # fmt: skip
    return out, (saved, saved)


def gradient(
    g: Any,
    input: Any,
    target: Any,
    reduction: str,
    weight: Any,
    ignore_index: int | None,
    label_smoothing: float,
    saved: Any,
) -> Any:
    """Return the gradient with respect to the logits."""
    samples, classes = input.shape
    dtype, index = input.dtype, index_type(input.size)
    out = cupy.empty((samples, classes), dtype)
    gradient_kernel(
        (dtype, index), blocks(input.size), (THREADS,), flat(g, dtype), flat(input), flat(target, np.int64),
        _or_null(weight, dtype), index(samples), index(classes), *_ignored(ignore_index),
        dtype.type(label_smoothing), np.int32(_REDUCTIONS[reduction]), saved, out,
    )  # fmt: skip
    return out


def _or_null(weight: Any, dtype: Any) -> Any:
    return _NULL if weight is None else flat(weight, dtype)


def _ignored(ignore_index: int | None) -> tuple[Any, Any]:
    return np.bool_(ignore_index is not None), np.int64(ignore_index or 0)

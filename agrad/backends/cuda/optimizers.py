"""Optimizers: one kernel for all parameters of a group.

The addresses of the arrays travel with the launch, as arguments of the kernel: nothing is copied to the GPU before, and
gradients may lie elsewhere at each step. So do the settings, except where they are arrays: in the memory of the GPU
they can change between the launches of a graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import cupy
import numpy as np

from .typed_kernel import THREADS, TypedKernel, flat

__all__ = ["FORMULAS", "adam_kernel", "can_update", "sgd_kernel", "update_many"]

_ROWS: Final = 64  # parameters of a launch, so that its arguments fit into the 4 KB that every GPU has for them
_COLUMNS: Final = 6
_MOST_BLOCKS: Final = 1024  # for each parameter; the threads then take several elements each

_TABLE: Final = np.dtype([("size", np.int64, _ROWS), ("address", np.uintp, (_COLUMNS, _ROWS))])
_SETTING: Final = np.dtype([("address", np.uintp), ("value", np.float64)])
_SOURCE: Final = f"""
// Of each parameter its size, and the addresses of it, its gradient, its master weights and its state.
struct Table {{
    long long size[{_ROWS}];
    void* address[{_COLUMNS}][{_ROWS}];

    // That of the parameter which this row of blocks updates.
    template <typename Of>
    __device__ Of* column(int number) const {{ return (Of*)address[number][blockIdx.y]; }}
}};

// A number, or where it is.
struct Setting {{
    const double* address;
    double value;

    __device__ operator T() const {{ return (T)(address ? *address : value); }}
}};

// Parameters of 16 bits, of type Stored, are rounded master weights, unless they were written to since.
__device__ T before(const Stored* x, const T* master, long long i) {{
    return master && (T)(Stored)master[i] == (T)x[i] ? master[i] : (T)x[i];
}}
__device__ void update(Stored* x, T* master, long long i, T value) {{
    if (master) master[i] = value;
    x[i] = (Stored)value;
}}

// For each element of the parameter that this row of blocks updates.
#define FOR_EACH_OF_ROW(i) \\
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < table.size[blockIdx.y]; \\
         i += (long long)blockDim.x * gridDim.x)
"""

sgd_kernel = TypedKernel(
    "agrad_sgd",
    "Stored T",
    _SOURCE
    + """
extern "C" __global__ void agrad_sgd(
    Table table, Setting lr_, Setting momentum_, Setting new_part_, Setting weight_decay_, bool nesterov, bool maximize
) {
    const T lr = lr_, momentum = momentum_, new_part = new_part_, weight_decay = weight_decay_;
    Stored *x = table.column<Stored>(0), *gradient = table.column<Stored>(1);
    T *master = table.column<T>(2), *buffer = table.column<T>(3);
    FOR_EACH_OF_ROW(i) {
        const T value = before(x, master, i);
        T g = maximize ? -(T)gradient[i] : (T)gradient[i];
        if (weight_decay != 0) g += weight_decay * value;
        if (momentum != 0) {
            const T step = buffer[i] = momentum * buffer[i] + new_part * g;
            g = nesterov ? g + momentum * step : step;
        }
        update(x, master, i, value - lr * g);
    }
}
""",
)

adam_kernel = TypedKernel(
    "agrad_adam",
    "Stored T",
    _SOURCE
    + """
extern "C" __global__ void agrad_adam(
    Table table, Setting lr_, Setting beta1_, Setting new_part1_, Setting beta2_, Setting new_part2_,
    Setting root_scale_, Setting eps_, Setting shrink_, Setting weight_decay_, bool amsgrad, bool maximize
) {
    const T lr = lr_, beta1 = beta1_, new_part1 = new_part1_, beta2 = beta2_, new_part2 = new_part2_;
    const T root_scale = root_scale_, eps = eps_, shrink = shrink_, weight_decay = weight_decay_;
    Stored *x = table.column<Stored>(0), *gradient = table.column<Stored>(1);
    T *master = table.column<T>(2), *mean = table.column<T>(3), *square = table.column<T>(4);
    T* largest = table.column<T>(5);
    FOR_EACH_OF_ROW(i) {
        const T value = shrink * before(x, master, i);
        T g = maximize ? -(T)gradient[i] : (T)gradient[i];
        if (weight_decay != 0) g += weight_decay * value;
        const T step = mean[i] = beta1 * mean[i] + new_part1 * g;
        T size = square[i] = beta2 * square[i] + new_part2 * g * g;
        if (amsgrad) {
            if (!(size <= largest[i])) largest[i] = size;  // or it is NaN
            size = largest[i];
        }
        update(x, master, i, value - lr * step / (sqrt(size) / root_scale + eps));
    }
}
""",
)

FORMULAS: Final = {"sgd": sgd_kernel, "adam": adam_kernel}


def update_many(formula: str, rows: Sequence[Sequence[Any]], settings: Sequence[Any]) -> None:
    """Update parameters by a formula, which `can_update` says to support them.

    A row holds a parameter, its gradient, its master weights or None, and its state, whose order is that of the kernel;
    as is that of the settings: booleans, which stay what they are, numbers, and float64 arrays without axes.
    """
    chosen: dict[Any, list[Sequence[Any]]] = {}
    for row in rows:
        chosen.setdefault(row[0].dtype, []).append(row)
    given = [np.bool_(x) if isinstance(x, bool) else _setting(x) for x in settings]
    for dtype, members in chosen.items():
        wide = np.dtype(np.float32) if dtype == np.float16 else dtype
        for start in range(0, len(members), _ROWS):
            _launch(FORMULAS[formula], (dtype, wide), members[start : start + _ROWS], given)


def _setting(x: Any) -> Any:
    is_array = isinstance(x, cupy.ndarray)
    return np.asarray((x.data.ptr, 0.0) if is_array else (0, float(x)), _SETTING)


def can_update(x: Any, g: Any, master: Any, *state: Any) -> bool:
    """Return whether the kernels support a parameter: with its state it lies in memory without gaps."""
    own = [*state] if master is None else [master, *state]
    wide = "f" if x.dtype.char == "e" else x.dtype.char
    if (x.dtype.char, master is None) not in {("e", False), ("f", True), ("d", True)} or g.dtype != x.dtype:
        return False
    alike = all(array.shape == x.shape for array in (g, *own)) and all(array.dtype.char == wide for array in own)
    return alike and all(array.flags.c_contiguous for array in (x, *own))


def _launch(kernel: TypedKernel, types: Any, rows: Sequence[Sequence[Any]], numbers: Sequence[Any]) -> None:
    gradients = [flat(row[1]) for row in rows]
    table = np.zeros((), _TABLE)
    table["size"][: len(rows)] = [row[0].size for row in rows]
    columns = [(x, g, *others) for (x, _, *others), g in zip(rows, gradients, strict=True)]
    for column, arrays in enumerate(zip(*columns, strict=True)):
        table["address"][column, : len(rows)] = [0 if array is None else array.data.ptr for array in arrays]
    longest = -(-max(row[0].size for row in rows) // THREADS)
    grid = (min(max(1, longest), _MOST_BLOCKS), len(rows))
    kernel(types, grid, (THREADS,), table, *numbers)

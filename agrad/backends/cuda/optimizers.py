"""Optimizers: one kernel for all parameters of a group.

The addresses of the arrays are arguments of the kernel: nothing has to be copied to the GPU first, and gradients may be
new arrays at each step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from .typed_kernel import THREADS, TypedKernel, flat

__all__ = ["FORMULAS", "adam_kernel", "sgd_kernel", "update_many"]

_ROWS: Final = 64  # parameters per launch, so that the kernel's arguments fit into 4 KB, the limit of every GPU
_COLUMNS: Final = 6
_MOST_BLOCKS: Final = 1024  # per parameter; the threads of larger ones take several elements each

_TABLE: Final = np.dtype([("size", np.int64, _ROWS), ("address", np.uintp, (_COLUMNS, _ROWS))])
_SOURCE: Final = f"""
// For each parameter: its size, and the addresses of the parameter, its gradient, its master weights and its state.
struct Table {{
    long long size[{_ROWS}];
    void* address[{_COLUMNS}][{_ROWS}];

    // The address for the parameter that this row of blocks updates.
    template <typename Of>
    __device__ Of* column(int number) const {{ return (Of*)address[number][blockIdx.y]; }}
}};

// 16-bit parameters, of type Stored, are rounded master weights, unless the user has written to them since.
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
    Table table, T lr, T momentum, T new_part, T weight_decay, bool nesterov, bool maximize
) {
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
    Table table, T lr, T beta1, T new_part1, T beta2, T new_part2, T root_scale, T eps, T shrink, T weight_decay,
    bool amsgrad, bool maximize
) {
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


def update_many(formula: str, rows: Sequence[Sequence[Any]], settings: Sequence[float]) -> list[int]:
    """Update parameters by a formula, and return the indices of the rows that its kernel does not support.

    A row holds a parameter, its gradient, its master weights or None, and its state. State and settings are in the
    order of the kernel's arguments.
    """
    chosen: dict[Any, list[int]] = {}
    left: list[int] = []
    for i, row in enumerate(rows):
        (chosen.setdefault(row[0].dtype, []) if _fits(*row) else left).append(i)
    for dtype, members in chosen.items():
        wide = np.dtype(np.float32) if dtype == np.float16 else dtype
        numbers = [np.bool_(x) if isinstance(x, bool) else wide.type(x) for x in settings]
        for start in range(0, len(members), _ROWS):
            some = [rows[i] for i in members[start : start + _ROWS]]
            _launch(FORMULAS[formula], (dtype, wide), some, numbers)
    return left


def _fits(x: Any, g: Any, master: Any, *state: Any) -> bool:
    """Return whether the kernels support a parameter: real floating, with a state, and contiguous arrays."""
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

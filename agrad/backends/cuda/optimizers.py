"""Optimizers: one kernel for all parameters of a group.

The addresses of the arrays travel with the launch, as arguments of the kernel: nothing is copied to the GPU before, and
gradients may lie elsewhere at each step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from .typed_kernel import THREADS, TypedKernel, flat

__all__ = ["FORMULAS", "adam_kernel", "sgd_kernel", "update_many"]

_ROWS: Final = 80  # arrays of a launch, so that its arguments fit into the 4 KB that every GPU has for them
_COLUMNS: Final = 5
_MOST_BLOCKS: Final = 1024  # for each parameter; the threads then take several elements each

_TABLE: Final = np.dtype([("size", np.int64, _ROWS), ("address", np.uintp, (_COLUMNS, _ROWS))])
_SOURCE: Final = f"""
// Of each parameter its size, and the addresses of it, its gradient and its state.
struct Table {{
    long long size[{_ROWS}];
    T* address[{_COLUMNS}][{_ROWS}];
}};

// For each element of the parameter that this row of blocks updates.
#define FOR_EACH_OF_ROW(i) \\
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < table.size[blockIdx.y]; \\
         i += (long long)blockDim.x * gridDim.x)
"""

sgd_kernel = TypedKernel(
    "agrad_sgd",
    "T",
    _SOURCE
    + """
extern "C" __global__ void agrad_sgd(
    Table table, T lr, T momentum, T new_part, T weight_decay, bool nesterov, bool maximize
) {
    T *x = table.address[0][blockIdx.y], *buffer = table.address[2][blockIdx.y];
    const T* gradient = table.address[1][blockIdx.y];
    FOR_EACH_OF_ROW(i) {
        T g = maximize ? -gradient[i] : gradient[i];
        if (weight_decay != 0) g += weight_decay * x[i];
        if (momentum != 0) {
            const T step = buffer[i] = momentum * buffer[i] + new_part * g;
            g = nesterov ? g + momentum * step : step;
        }
        x[i] -= lr * g;
    }
}
""",
)

adam_kernel = TypedKernel(
    "agrad_adam",
    "T",
    _SOURCE
    + """
extern "C" __global__ void agrad_adam(
    Table table, T lr, T beta1, T new_part1, T beta2, T new_part2, T root_scale, T eps, T shrink, T weight_decay,
    bool amsgrad, bool maximize
) {
    T *x = table.address[0][blockIdx.y], *mean = table.address[2][blockIdx.y];
    T *square = table.address[3][blockIdx.y], *largest = table.address[4][blockIdx.y];
    const T* gradient = table.address[1][blockIdx.y];
    FOR_EACH_OF_ROW(i) {
        T value = shrink * x[i], g = maximize ? -gradient[i] : gradient[i];
        if (weight_decay != 0) g += weight_decay * value;
        const T step = mean[i] = beta1 * mean[i] + new_part1 * g;
        T size = square[i] = beta2 * square[i] + new_part2 * g * g;
        if (amsgrad) {
            if (!(size <= largest[i])) largest[i] = size;  // or it is NaN
            size = largest[i];
        }
        x[i] = value - lr * step / (sqrt(size) / root_scale + eps);
    }
}
""",
)

FORMULAS: Final = {"sgd": sgd_kernel, "adam": adam_kernel}


def update_many(formula: str, rows: Sequence[Sequence[Any]], settings: Sequence[float]) -> list[int]:
    """Update parameters by a formula, and return the numbers of those that its kernel does not support.

    A row holds a parameter, its gradient and its state, whose order is that of the kernel; as the settings, of which
    booleans stay what they are.
    """
    chosen: dict[Any, list[int]] = {}
    left: list[int] = []
    for i, row in enumerate(rows):
        (chosen.setdefault(row[0].dtype, []) if _fits(row) else left).append(i)
    for dtype, members in chosen.items():
        numbers = [np.bool_(x) if isinstance(x, bool) else dtype.type(x) for x in settings]
        for start in range(0, len(members), _ROWS):
            _launch(FORMULAS[formula], dtype, [rows[i] for i in members[start : start + _ROWS]], numbers)
    return left


def _fits(row: Sequence[Any]) -> bool:
    """Return whether the kernel supports a parameter: with its state it lies in memory without gaps."""
    x, g, *state = row
    alike = all(array.dtype == x.dtype and array.shape == x.shape for array in (g, *state))
    return alike and x.dtype.char in "fd" and all(array.flags.c_contiguous for array in (x, *state))


def _launch(kernel: TypedKernel, dtype: Any, rows: Sequence[Sequence[Any]], numbers: Sequence[Any]) -> None:
    gradients = [flat(row[1]) for row in rows]
    table = np.zeros((), _TABLE)
    table["size"][: len(rows)] = [row[0].size for row in rows]
    columns = [(x, g, *state) for (x, _, *state), g in zip(rows, gradients, strict=True)]
    for column, arrays in enumerate(zip(*columns, strict=True)):
        table["address"][column, : len(rows)] = [array.data.ptr for array in arrays]
    longest = -(-max(row[0].size for row in rows) // THREADS)
    grid = (min(max(1, longest), _MOST_BLOCKS), len(rows))
    kernel((dtype,), grid, (THREADS,), table, *numbers)

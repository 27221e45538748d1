"""Define ops of your own: a numerically stable formula, integer arguments, a SciPy function.

    python examples/define_an_op.py --plot ops.png

Most functions are composed of agrad's ops, each of which has a gradient rule, so their gradients need no extra code.
Define an op of your own where the composition is inaccurate, or impossible. Here are three such cases.

`log1mexp` is log(1 - exp(-x)). Computed like that in single precision, it is wrong at both ends: for a small x,
1 - exp(-x) is rounded to 0, and for a large one to 1, whose logarithm is 0. The forward uses one formula for each end,
and the gradient rule is the derivative simplified by hand, 1 / (exp(x) - 1), which is accurate everywhere.

`segment_sum` sums rows by the segment that each belongs to. Integers have no gradient: the argument `segments` has no
rule, and the keyword `n` is not an array.

`lambert_w` is the W for which W exp(W) = x. SciPy computes it, or on a GPU a CUDA kernel; agrad can differentiate
neither. It does not need to: the gradient rule computes the derivative from the result.

Each rule is array API code, so it can be differentiated again: second derivatives are checked against finite
differences, and Newton's method uses them to find a minimum.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from common import BLUE, GREEN, ORANGE, RED, arguments, at_least_one, parser, pyplot, save

import agrad
from agrad import ArrayLike, Tensor
from agrad.testing import check_grads

# A numerically stable formula

MIDDLE = math.log(2)


@agrad.primitive
def log1mexp(xp: Any, x: ArrayLike, /) -> Tensor:
    small, large = xp.minimum(x, MIDDLE), xp.maximum(x, MIDDLE)  # so that neither formula leaves its domain
    return xp.where(x < MIDDLE, xp.log(-xp.expm1(-small)), xp.log1p(-xp.exp(-large)))


log1mexp.vjp(x=lambda g, x, xp: g / xp.expm1(x))


def naive(x: Tensor) -> Tensor:
    return agrad.log(1 - agrad.exp(-x))


# An op with integer arguments


@agrad.primitive
def segment_sum(xp: Any, values: ArrayLike, segments: ArrayLike, /, *, n: int) -> Tensor:
    own = xp.arange(n, dtype=segments.dtype, device=agrad.backends.device_of(segments))[:, None] == segments[None, :]
    return xp.astype(own, values.dtype) @ values


segment_sum.vjp(values=lambda g, segments, xp: xp.take(g, segments, axis=0))


# A SciPy function, and a CUDA kernel

KERNEL = """
extern "C" __global__ void lambert_w(const double* x, double* w, int n) {
    int i = blockDim.x * blockIdx.x + threadIdx.x;
    if (i >= n) return;
    double v = log1p(x[i]);
    for (int step = 0; step < 30; ++step) {  // Halley's method
        double e = exp(v), f = v * e - x[i];
        v -= f / (e * (v + 1) - (v + 2) * f / (2 * v + 2));
    }
    w[i] = v;
}
"""


@agrad.primitive
def lambert_w(xp: Any, x: ArrayLike, /) -> Tensor:
    return by_kernel(x) if agrad.Device.of(x).kind == "cuda" else by_scipy(xp, x)


lambert_w.vjp(x=lambda g, out, xp: g * xp.exp(-out) / (1 + out))


def by_scipy(xp: Any, x: Any) -> Any:
    try:
        from scipy.special import lambertw
    except ImportError:
        raise SystemExit('this example needs SciPy; install it with: pip install "agrad[examples]"') from None
    found = lambertw(agrad.asarray(x).numpy()).real
    return xp.asarray(found, dtype=x.dtype, device=agrad.backends.device_of(x))


def by_kernel(x: Any) -> Any:
    import cupy

    x64 = cupy.ascontiguousarray(x, dtype=cupy.float64)
    found = cupy.empty_like(x64)
    cupy.RawKernel(KERNEL, "lambert_w")(((x.size + 255) // 256,), (256,), (x64, found, cupy.int32(x.size)))
    return found.astype(x.dtype)


# What they compute


class Results(NamedTuple):
    """The results of the parts of the example."""

    naive: float
    stable: float
    totals: list[float]
    omega: float
    minimum: float


def stability() -> tuple[float, float]:
    x = agrad.asarray(1e-7)
    found = [agrad.grad(f)(x).item() for f in (naive, log1mexp)]
    print(f"d/dx log(1 - exp(-x)) at 1e-7 is 1e+07; composed {found[0]:.4g}, as an op {found[1]:.4g}")
    return found[0], found[1]


def segments() -> list[float]:
    values, owners = agrad.asarray([1.0, 2.0, 3.0, 4.0]), agrad.asarray([0, 1, 0, 2])
    totals = segment_sum(values, owners, n=3)
    slope = agrad.grad(lambda v: (segment_sum(v, owners, n=3) ** 2).sum())(values)
    print(f"sums of the segments {owners.tolist()} of {values.tolist()}: {totals.tolist()}")
    print(f"and the gradient of their squares: {slope.tolist()}")
    return totals.tolist()


def minimize(steps: int) -> float:
    """Find the minimum of W(x) + 1/x by Newton's method: x = 2.1331."""
    loss = lambda x: lambert_w(x) + 1 / x
    slope, bend = agrad.grad(loss), agrad.grad(agrad.grad(loss))
    x = agrad.asarray(1.0)
    for _ in range(steps):
        x = x - slope(x) / bend(x)
    print(f"W(x) + 1/x is least at x = {x.item():.4f}")
    return x.item()


def check(seed: int) -> None:
    """Compare all gradient rules with finite differences, to the second order, in forward and reverse mode."""
    x, owners = agrad.asarray([[0.1, 0.5], [2.0, 8.0], [1.0, 0.7]]), agrad.asarray([1, 0, 1])
    check_grads(log1mexp, [x], seed=seed)
    check_grads(lambda x: segment_sum(x, owners, n=2), [x], seed=seed)
    check_grads(lambert_w, [x], seed=seed)
    print("all rules agree with finite differences, to the second order")


def draw(file: Path) -> None:
    """Plot the error of the unstable and of the stable gradient, and Lambert's W with its derivatives."""
    figure, (left, right) = pyplot().subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    x = 10 ** agrad.linspace(-7, 1.5, 400)
    for f, colour, label in ((naive, ORANGE, "composed"), (log1mexp, BLUE, "as an op")):
        error = agrad.elementwise_grad(f)(x) * agrad.expm1(x) - 1
        left.plot(x.tolist(), agrad.abs(error).tolist(), ".", color=colour, markersize=5, label=label)
    left.set(xscale="log", xlabel="x", ylabel="relative error", title="d/dx log(1 − exp(−x)), float32")
    left.set_yscale("symlog", linthresh=1e-8)  # a logarithm that is linear near 0, where many errors are
    left.set_ylim(-5e-9, 2)
    left.set_yticks([0, 1e-7, 1e-5, 1e-3, 1e-1], ["0", "1e-7", "1e-5", "0.001", "0.1"])
    left.legend()
    x, f = agrad.linspace(0, 4, 200), lambert_w
    for name, colour in (("W", BLUE), ("W′", GREEN), ("W″", RED)):
        right.plot(x.tolist(), f(x).tolist(), color=colour, label=name)
        f = agrad.elementwise_grad(f)
    right.set(xlabel="x", title="Lambert's W and its derivatives")
    right.legend()
    save(figure, file)


def main(argv: Sequence[str] | None = None) -> Results:
    made = parser(__doc__)
    made.add_argument("--steps", type=at_least_one, default=8, help="of Newton's method (default: 8)")
    args = arguments(made, argv)
    with args.device:
        composed, stable = stability()
        totals = segments()
        omega = lambert_w(agrad.asarray(1.0)).item()
        print(f"W(1) = {omega:.6f}, the number that is its own exp(-W)")
        least = minimize(args.steps)
        if args.device.backend.supports_float64:
            check(args.seed)
        if args.plot:
            draw(args.plot)
    return Results(composed, stable, totals, omega, least)


if __name__ == "__main__":
    main()

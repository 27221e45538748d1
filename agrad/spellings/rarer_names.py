"""PyTorch's rarer names, in tables as those of `names`; `np` is NumPy, whose functions run agrad's own."""

from __future__ import annotations

from typing import Final

__all__ = ["FUNCTIONAL", "FUNCTIONS", "LAYERS", "LINALG", "METHODS", "SPECIAL"]

# Functions of NumPy's that PyTorch has as functions, and some as methods too.
_NUMPY: Final = {
    "corrcoef": ("x", "np.corrcoef(x)"),
    "fmax": ("x, y", "np.fmax(x, y)"),
    "fmin": ("x, y", "np.fmin(x, y)"),
    "gcd": ("n, k", "np.gcd(n, k)"),
    "heaviside": ("x, y", "np.heaviside(x, y)"),
    "ldexp": ("x, n", "np.ldexp(x, n)"),
    "lcm": ("n, k", "np.lcm(n, k)"),
    "logaddexp2": ("x, y", "np.logaddexp2(x, y)"),
    "nanquantile": ("x, 0.3", "np.nanquantile(x, 0.3)"),
    "quantile": ("x, 0.3", "np.quantile(x, 0.3)"),
    "rot90": ("x", "np.rot90(x)"),
}
# Others that are functions and methods.
_BOTH: Final = {
    "addr": ("m, v, w", "m + agrad.linalg.outer(v, w)"),
    "bincount": ("rows", "np.bincount(rows)"),
    "cholesky_inverse": ("m", "agrad.linalg.inv(agrad.tril(m) @ agrad.tril(m).T)"),
    "diag_embed": ("v", "np.diag(v)"),
    "diagflat": ("v", "np.diag(v)"),
    "histc": ("v, 3", "np.histogram(v, 3)[0]"),
    "hsplit": ("x, (1,)", "[x[:, :1], x[:, 1:]]"),
    "igamma": ("x, y", "agrad.special.gammainc(x, y)"),
    "igammac": ("x, y", "agrad.special.gammaincc(x, y)"),
    "index_add": ("x, 0, rows, y", "agrad.at(x)[rows].add(y)"),
    "isneginf": ("x", "x == -agrad.inf"),
    "isposinf": ("x", "x == agrad.inf"),
    "kthvalue": ("x, 2", "(agrad.sort(x)[..., 1], agrad.argsort(x)[..., 1])"),
    "median": ("x", "agrad.sort(x.flatten())[(x.size - 1) // 2]"),
    "multinomial": ("v, 2, True", "agrad.searchsorted(agrad.cumulative_sum(v / v.sum()), agrad.rand(2))"),
    "nanmedian": ("x", "agrad.sort(x[~agrad.isnan(x)])[(int(agrad.sum(~agrad.isnan(x))) - 1) // 2]"),
    "scatter_add": ("x, 1, i, y", "agrad.at(x)[agrad.arange(2)[:, None], i].add(y)"),
    "sinc": ("x", "agrad.sinc(x)"),
    "vsplit": ("x, (1,)", "[x[:1], x[1:]]"),
}


def _method(name: str, operands: str) -> str:
    x, _, others = operands.partition(", ")
    return f"{x}.{name}({others})"


METHODS: Final = {
    **{_method(name, operands): line for name, (operands, line) in (_NUMPY | _BOTH).items()},
    "x.addmm_(x, m)": "x += x @ m",
    "x.cov()": "agrad.cov(x)",
    "x.cummax(0).values": "np.maximum.accumulate(x, axis=0)",
    "x.cummin(0).values": "np.minimum.accumulate(x, axis=0)",
    "x.exponential_()": "x[...] = -agrad.log(1.0 - agrad.rand(*x.shape))",
    "x.grad_fn": "repr(x)",
    "x.index_add_(0, rows, y)": "x[...] = agrad.at(x)[rows].add(y)",
    "x.index_copy(0, rows, y)": "x[rows] = y",
    "x.index_copy_(0, rows, y)": "x[rows] = y",
    "x.index_put((rows,), y)": "x[rows] = y",
    "x.index_put_((rows,), y)": "x[rows] = y",
    "x.is_contiguous()": "True",
    "x.log_normal_()": "x[...] = agrad.exp(agrad.randn(*x.shape))",
    "x.masked_scatter(mask, y)": "x[mask] = y.flatten()[: int(agrad.sum(mask))]",
    "x.masked_scatter_(mask, y)": "x[mask] = y.flatten()[: int(agrad.sum(mask))]",
    "x.nanmean()": "agrad.nanmean(x)",
    "x.nansum()": "agrad.nansum(x)",
    "x.scatter(1, i, y)": "x[agrad.arange(2)[:, None], i] = y",
    "x.scatter_(1, i, y)": "x[agrad.arange(2)[:, None], i] = y",
    "x.scatter_add_(1, i, y)": "x[...] = agrad.at(x)[agrad.arange(2)[:, None], i].add(y)",
    "x.sum_to_size(1, 3)": "x.sum(axis=0, keepdims=True)",
    "x.unfold(1, 2, 1)": "agrad.stack([x[:, 0:2], x[:, 1:3]], axis=1)",
}
FUNCTIONS: Final = {
    **{f"torch.{name}({operands})": line for name, (operands, line) in (_NUMPY | _BOTH).items()},
    # Creation
    "torch.atleast_1d(s)": "np.atleast_1d(s)",
    "torch.atleast_2d(v)": "np.atleast_2d(v)",
    "torch.block_diag(x, m)": "np.block([[x, agrad.zeros((2, 3))], [agrad.zeros((3, 3)), m]])",
    "torch.cartesian_prod(v, w)": (
        'agrad.stack([x.flatten() for x in agrad.meshgrid(v, w, indexing="ij")], axis=1)'
    ),
    "torch.hamming_window(3)": "0.54 - 0.46 * agrad.cos(2 * agrad.pi * agrad.arange(3) / 3)",
    "torch.hann_window(3)": "0.5 - 0.5 * agrad.cos(2 * agrad.pi * agrad.arange(3) / 3)",
    "torch.polar(x, y)": "x * agrad.exp(1j * y)",
    "torch.range(0, 3)": "agrad.arange(0.0, 4.0)",
    "torch.row_stack([x, y])": "agrad.concat([x, y], axis=0)",
    "torch.Size([2, 3])": "(2, 3)",
    "torch.ByteTensor([1])": "agrad.tensor([1], dtype=agrad.uint8)",
    "torch.HalfTensor([1.0])": "agrad.tensor([1.0], dtype=agrad.float16)",
    "torch.tril_indices(3, 3)": "agrad.stack(agrad.nonzero(agrad.tril(agrad.ones((3, 3)))))",
    "torch.triu_indices(3, 3)": "agrad.stack(agrad.nonzero(agrad.triu(agrad.ones((3, 3)))))",
    "torch.view_as_complex(m_)": "m_[..., 0] + 1j * m_[..., 1]",
    # Order and statistics
    "torch.cumulative_trapezoid(x)": "agrad.cumulative_sum((x[:, 1:] + x[:, :-1]) / 2, axis=1)",
    "torch.cummax(x, 0).values": "np.maximum.accumulate(x, axis=0)",
    "torch.cummin(x, 0).values": "np.minimum.accumulate(x, axis=0)",
    "torch.frexp(x)": "np.frexp(x)",
    "torch.gradient(x)": "np.gradient(x)",
    "torch.histogram(v, 3)": "np.histogram(v, 3)",
    "torch.index_copy(x, 0, rows, y)": "agrad.at(x)[rows].set(y)",
    "torch.masked_scatter(x, mask, y)": "agrad.at(x)[mask].set(y.flatten()[: int(agrad.sum(mask))])",
    "torch.polygamma(1, x)": "agrad.special.polygamma(1, x)",
    "torch.scatter(x, 1, i, y)": "agrad.at(x)[agrad.arange(2)[:, None], i].set(y)",
    "torch.trapezoid(x)": "np.trapezoid(x)",
    "torch.trapz(x)": "np.trapezoid(x)",
    "torch.unravel_index(n, (4, 4))": "np.unravel_index(n, (4, 4))",
    "torch.vander(v)": "np.vander(v)",
    # Linear algebra
    "torch.addbmm(m[:2, :2], b, c)": "m[:2, :2] + agrad.sum(b @ c, axis=0)",
    "torch.cholesky_solve(x.T, m)": "agrad.linalg.solve(agrad.tril(m) @ agrad.tril(m).T, x.T)",
    "torch.triangular_solve(x.T, m).solution": "agrad.linalg.solve_triangular(m, x.T, upper=True)",
    # Layers
    **{
        f"torch.{name}({operands})": f"agrad.nn.functional.{name}({operands})"
        for name, operands in {
            "avg_pool1d": "b, 2", "conv1d": "b, m_", "conv2d": "b[None], b[None]", "conv_transpose1d": "b, m_",
            "conv_transpose2d": "b[None], b[:, None]", "cosine_similarity": "x, y", "group_norm": "b, 2",
            "max_pool1d": "b, 2", "max_pool2d": "b[None], 2", "pairwise_distance": "x, y",
        }.items()
    },
    "torch.celu(x)": "agrad.nn.functional.elu(x)",
    "torch.selu(x)": "1.0507009873554805 * agrad.nn.functional.elu(x, 1.6732632423543772)",
    "torch.threshold(x, 0.5, 0.0)": "agrad.where(x > 0.5, x, 0.0)",
    # Types, random numbers and text
    "torch.dtype": "agrad.DType",
    "torch.Generator()": "agrad.random.fork_rng()",
    "torch.get_rng_state()": "agrad.random.get_state()",
    "torch.set_rng_state(state)": "agrad.random.set_state(state)",
    "torch.seed()": "agrad.manual_seed(0)",
    "torch.set_printoptions(precision=2)": "np.set_printoptions(precision=2)",
}  # fmt: skip
LINALG: Final = {
    "torch.linalg.cholesky_ex(m).L": "agrad.linalg.cholesky(m)",
    "torch.linalg.inv_ex(m).inverse": "agrad.linalg.inv(m)",
    "torch.linalg.solve_ex(m, v).result": "agrad.linalg.solve(m, v)",
    "torch.linalg.vander(v)": "np.vander(v, increasing=True)",
}
SPECIAL: Final = {
    "torch.special.bessel_j0(x)": "agrad.special.j0(x)",
    "torch.special.bessel_j1(x)": "agrad.special.j1(x)",
    "torch.special.modified_bessel_i0(x)": "agrad.special.i0(x)",
    "torch.special.modified_bessel_i1(x)": "agrad.special.i1(x)",
}
# Functions of torch.nn.functional that are layers, too, and losses: the arguments, the layer's settings, and the line.
_ACTIVATIONS: Final = {
    "CELU": ("celu", "x", "F.elu(x)"),
    "GLU": ("glu", "c", "c[..., :1] * F.sigmoid(c[..., 1:])"),
    "Hardshrink": ("hardshrink", "x", "agrad.where(agrad.abs(x) > 0.5, x, 0.0)"),
    "SELU": ("selu", "x", "1.0507009873554805 * F.elu(x, 1.6732632423543772)"),
    "Softshrink": ("softshrink", "x", "agrad.sign(x) * F.relu(agrad.abs(x) - 0.5)"),
    "GaussianNLLLoss": ("gaussian_nll_loss", "x, y, x", "0.5 * agrad.mean(agrad.log(x) + (x - y) ** 2 / x)"),
    "MarginRankingLoss": ("margin_ranking_loss", "v, w, v", "agrad.mean(F.relu(-v * (v - w)))"),
    "PoissonNLLLoss": ("poisson_nll_loss", "x, y", "agrad.mean(agrad.exp(x) - y * x)"),
    "SoftMarginLoss": ("soft_margin_loss", "x, y", "agrad.mean(F.softplus(-y * x))"),
}  # fmt: skip
FUNCTIONAL: Final = {
    **{f"F.{name}({operands})": line for name, operands, line in _ACTIVATIONS.values()},
    "F.adaptive_avg_pool1d(b, 1)": "agrad.mean(b, axis=-1, keepdims=True)",
    "F.adaptive_max_pool2d(b, 1)": "agrad.max(b, axis=(-2, -1), keepdims=True)",
    "F.elu_(x)": "x[...] = F.elu(x)",
    "F.gumbel_softmax(x)": "F.softmax(x - agrad.log(-agrad.log(agrad.rand(*x.shape))), dim=-1)",
    "F.leaky_relu_(x)": "x[...] = F.leaky_relu(x)",
    "F.upsample(b[None], scale_factor=2)": "F.interpolate(b[None], scale_factor=2)",
}
LAYERS: Final = {
    **{f"nn.{layer}()({operands})": line for layer, (_, operands, line) in _ACTIVATIONS.items()},
    "nn.AdaptiveAvgPool1d(1)(b)": "agrad.mean(b, axis=-1, keepdims=True)",
    "nn.AdaptiveMaxPool2d(1)(b)": "agrad.max(b, axis=(-2, -1), keepdims=True)",
    "nn.Hardsigmoid()(x)": "agrad.clip(x / 6 + 0.5, 0.0, 1.0)",
    "nn.Hardswish()(x)": "x * agrad.clip(x / 6 + 0.5, 0.0, 1.0)",
    "nn.LazyLinear(2)": "nn.Linear(3, 2)",
    "nn.LogSigmoid()(x)": "-F.softplus(-x)",
    "nn.Mish()(x)": "x * agrad.tanh(F.softplus(x))",
    "nn.Softmin(1)(x)": "F.softmax(-x, dim=1)",
    "nn.Softsign()(x)": "x / (1 + agrad.abs(x))",
    "nn.SyncBatchNorm(2)": "agrad.distributed.SyncBatchNorm(2)",
    "nn.Tanhshrink()(x)": "x - agrad.tanh(x)",
    "nn.Threshold(0.5, 0.0)(x)": "agrad.where(x > 0.5, x, 0.0)",
    "nn.UpsamplingBilinear2d(scale_factor=2)(b[None])": (
        'nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)(b[None])'
    ),
    "nn.UpsamplingNearest2d(scale_factor=2)(b[None])": "nn.Upsample(scale_factor=2)(b[None])",
}

"""What becomes of a Tensor in each public function of numpy, numpy.linalg and numpy.fft: one row per name.

A row reads ``differentiates("cumsum nancumsum", real(2, 3), axis=1)``: the names in numpy, and what they are called
with. `tests/interop/test_numpy_functions.py` runs each row; ``python -m tests.interop.numpy_table`` writes the table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.cases import Maker, distinct, exactly, nonzero, positive, real, regular, truth, unit, whole


@dataclass(frozen=True)
class Row:
    """A function of NumPy's.

    Attributes
    ----------
    status : str
        ``"differentiates"``: the value is NumPy's, and the gradient that of finite differences. ``"constant"``: the
        value is NumPy's, and does not change with the argument or has no gradient. ``"host"``: NumPy's own function
        runs of what is not tracked; for tracked Tensors it is an error that says what to write. ``"reads"``: it makes
        an array of NumPy's of anything, as `np.asarray`; a tracked Tensor refuses. ``"no array"``: it takes none.
    name : str
        In numpy, with the module in front for linalg and fft.
    args : list
        Makers of arrays, lists of them, and settings that are passed on as they are.
    settings : dict
    call : callable, optional
        Calls the function in another way.
    tolerance : float
        Of the gradient, relative and absolute.
    """

    status: str
    name: str
    args: list[Any] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    call: Callable[..., Any] | None = None
    tolerance: float = 1e-6

    @property
    def function(self) -> Any:
        found: Any = np
        for part in self.name.split("."):
            found = getattr(found, part, None)
        return found

    def run(self, args: list[Any]) -> Any:
        function = self.function
        return self.call(function, *args, **self.settings) if self.call else function(*args, **self.settings)

    def __str__(self) -> str:
        return self.name


def _rows(status: str) -> Callable[..., list[Row]]:
    def rows(names: str, *args: Any, **settings: Any) -> list[Row]:
        own = {name: settings.pop(name) for name in ("call", "tolerance") if name in settings}
        return [Row(status, name, list(args), settings, **own) for name in names.split()]

    return rows


differentiates, constant, host = _rows("differentiates"), _rows("constant"), _rows("host")
reads, no_array = _rows("reads"), _rows("no array")


def imaginary(*shape: int) -> Maker:
    return lambda random: random.uniform(0.2, 1.0, shape) + 1j * random.uniform(0.2, 1.0, shape)


def with_nan(*shape: int) -> Maker:
    """Distinct numbers of which the first is NaN."""

    def make(random: np.random.Generator) -> Any:
        array = distinct(*shape)(random)
        array.flat[0] = np.nan
        return array

    return make


def ascending(n: int) -> Maker:
    return lambda random: np.cumsum(random.uniform(0.3, 1.0, n))


def spread(*shape: int) -> Maker:
    """Well conditioned, with singular values apart."""
    return lambda random: np.eye(*shape[-2:]) * np.arange(1.0, 1.0 + shape[-1]) + 0.3 * random.uniform(size=shape)


def symmetric(n: int) -> Maker:
    def make(random: np.random.Generator) -> Any:
        x = random.uniform(size=(n, n))
        return x + x.T + np.diag(np.arange(1.0, n + 1.0) * 3.0)

    return make


def of_symmetric(f: Any, x: Any, *args: Any, **settings: Any) -> Any:
    return f((x + x.T) / 2, *args, **settings)


def squared(f: Any, *args: Any, **settings: Any) -> Any:
    """Call what determines vectors up to a sign."""
    return [np.square(np.abs(part)) for part in f(*args, **settings)]


def symmetric_squared(f: Any, x: Any) -> Any:
    return squared(f, (x + x.T) / 2)


def of_list(f: Any, *args: Any, **settings: Any) -> Any:
    return f(list(args), **settings)


def written(f: Any, x: Any, *args: Any, **settings: Any) -> Any:
    """Call what writes to its first argument, and return that."""
    x = x * 1.0
    f(x, *args, **settings)
    return x


def only_values(f: Any, *args: Any) -> Any:
    return f(*args).values


def zeros_around(f: Any, x: Any) -> Any:
    """Keep what is 0 at 0, so that differences do not move the ends."""
    return f(x * np.array([0.0, 1.0, 1.0, 0.0]))


A, B, SQUARE, BATCH = real(3, 4), real(4, 5), real(3, 3), real(2, 3, 4)
SEVERAL = distinct(3, 4)

UFUNCS = [
    *differentiates(
        "abs absolute fabs square negative positive reciprocal sign cbrt conj conjugate sinh cosh tanh arctan atan "
        "arcsinh asinh",
        nonzero(2, 3),
    ),
    *differentiates("sin cos tan exp exp2 expm1 deg2rad rad2deg degrees radians", unit(2, 3)),
    *differentiates("sqrt log log2 log10 log1p", positive(2, 3)),
    *differentiates("arcsin arccos asin acos arctanh atanh", unit(2, 3)),
    *differentiates("arccosh acosh", real(2, 3, low=1.5, high=3.0)),
    *differentiates("add subtract multiply maximum minimum fmax fmin hypot arctan2 atan2", nonzero(2, 3), positive(3)),
    *differentiates("logaddexp logaddexp2", real(2, 3), real(3)),
    *differentiates("divide true_divide", real(2, 3), positive(3)),
    *differentiates("power pow float_power", positive(2, 3), real(3)),
    *differentiates("fmod mod remainder divmod", exactly([7.3, -7.3, 2.1, -2.1]), exactly([2.0, 2.0, 3.0, -3.5])),
    *differentiates("nextafter copysign", nonzero(2, 3), nonzero(3)),
    *differentiates("heaviside", exactly(-1, 0, 2, dtype="int64"), positive(3)),
    *differentiates("ldexp", real(3), whole(3)),
    *differentiates("modf", distinct(5)),
    *differentiates("matmul", A, B),
    *differentiates("matvec", A, real(4)),
    *differentiates("vecmat", real(3), A),
    *differentiates("vecdot", BATCH, real(4)),
    *constant("ceil floor rint trunc signbit isfinite isinf isnan logical_not spacing", distinct(2, 3)),
    *constant(
        "equal not_equal less less_equal greater greater_equal floor_divide logical_and logical_or "
        "logical_xor",
        distinct(2, 3), positive(3),
    ),
    *constant("bitwise_and bitwise_or bitwise_xor", whole(5), whole(5)),
    *constant("bitwise_left_shift left_shift bitwise_right_shift right_shift", whole(5), whole(5)),
    *constant("bitwise_invert bitwise_not invert", whole(5)),
    *host("bitwise_count", whole(5)),
    *host("gcd lcm", whole(5, low=1), whole(5, low=1)),
    *host("frexp", positive(5)),
    *host("isnat", call=lambda f, *_: f(np.array(["NaT"], dtype="datetime64[s]"))),
]  # fmt: skip

REDUCTIONS = [
    *differentiates("sum mean prod std var max min amax amin ptp median nanmedian", SEVERAL, axis=1),
    *differentiates("nansum nanmean nanprod nanstd nanvar nanmax nanmin", with_nan(3, 4), axis=1),
    *differentiates("quantile nanquantile", SEVERAL, exactly([0.13, 0.4]), axis=1),
    *differentiates("percentile nanpercentile", SEVERAL, exactly([13.0, 40.0]), axis=0),
    *differentiates("average", A, axis=1, weights=[1.0, 2.0, 3.0, 4.0]),
    *differentiates("cumsum cumprod cumulative_sum cumulative_prod", positive(2, 3), axis=1),
    *differentiates("nancumsum nancumprod", with_nan(2, 3), axis=1),
    *constant("all any count_nonzero argmax argmin", SEVERAL, axis=1),
    *constant("nanargmax nanargmin", with_nan(3, 4), axis=1),
]

SHAPES = [
    *differentiates("reshape resize", A, (2, 6)),
    *differentiates("ravel transpose permute_dims matrix_transpose flip fliplr flipud rot90 squeeze copy", A),
    *differentiates("atleast_1d atleast_2d atleast_3d", real(3)),
    *differentiates("swapaxes moveaxis rollaxis", BATCH, 2, 0),
    *differentiates("expand_dims", A, 1),
    *differentiates("broadcast_to", real(4), (3, 4)),
    *differentiates("broadcast_arrays", A, real(4)),
    *differentiates("roll", A, 2, 1),
    *differentiates("tile", A, (2, 1)),
    *differentiates("repeat", A, 2, 0),
    *differentiates("pad", A, ((1, 2), (0, 1))),
    *differentiates("trim_zeros", exactly([0.0, 1.0, 2.0, 0.0]), call=zeros_around),
    *differentiates("astype", A, np.float64),
    *constant("ndim shape size", A),
    *constant("tril_indices_from triu_indices_from diag_indices_from", SQUARE),
]  # fmt: skip

JOINING = [
    *differentiates("concatenate concat stack vstack hstack dstack column_stack", A, real(3, 4), call=of_list),
    *differentiates("block", A, real(3, 4), call=lambda f, a, b: f([[a, b], [b, a]])),
    *differentiates("append", A, real(3, 4)),
    *differentiates("split array_split hsplit vsplit", real(4, 4), 2),
    *differentiates("dsplit", BATCH, 2),
    *differentiates("unstack", A),
    *differentiates("insert", real(5), [1, 3], positive(2)),
    *differentiates("delete", real(5), [1, 3]),
]

PRODUCTS = [
    *differentiates("dot inner", real(3), real(3)),
    *differentiates("vdot outer", A, real(3, 4)),
    *differentiates("tensordot", A, B, axes=1),
    *differentiates("einsum", "ij,jk->ik", A, B),
    *differentiates("kron", real(2, 2), real(2, 3)),
    *differentiates("cross", real(2, 3), real(2, 3)),
    *differentiates("trace diagonal tril triu", real(3, 4)),
    *differentiates("diag diagflat", real(3)),
    *differentiates("vander", positive(4), 3),
    *host("einsum_path", "ij,jk->ik", A, B),
]

LINALG = [
    *differentiates("linalg.matmul", A, B),
    *differentiates("linalg.multi_dot", A, B, call=of_list),
    *differentiates("linalg.vecdot", A, real(3, 4)),
    *differentiates("linalg.outer", real(3), real(4)),
    *differentiates("linalg.cross", real(2, 3), real(2, 3)),
    *differentiates("linalg.tensordot", A, B, axes=1),
    *differentiates("linalg.matrix_transpose linalg.diagonal linalg.trace linalg.norm linalg.matrix_norm", A),
    *differentiates("linalg.vector_norm", A, axis=1),
    *differentiates("linalg.det linalg.inv linalg.pinv linalg.slogdet linalg.svdvals linalg.cond", regular(3, 3)),
    *differentiates("linalg.matrix_power", SQUARE, 3),
    *differentiates("linalg.cholesky", symmetric(3), call=of_symmetric),
    *differentiates("linalg.qr", regular(3, 3)),
    *differentiates("linalg.svd", spread(3, 3), call=squared),
    *differentiates("linalg.eigh", symmetric(3), call=symmetric_squared),
    *differentiates("linalg.eigvalsh", symmetric(3), call=of_symmetric),
    *differentiates("linalg.eig", symmetric(3), call=squared),
    *differentiates("linalg.eigvals", symmetric(3), call=lambda f, x: np.abs(f(x))),
    *differentiates("linalg.solve", regular(3, 3), real(3, 2)),
    *differentiates("linalg.lstsq", spread(5, 3), real(5)),
    *differentiates("linalg.tensorinv", regular(4, 4), call=lambda f, x: f(np.reshape(x, (4, 2, 2)), ind=1)),
    *differentiates("linalg.tensorsolve", regular(4, 4), real(2, 2),
                    call=lambda f, x, y: f(np.reshape(x, (2, 2, 4)), y)),
    *constant("linalg.matrix_rank", SQUARE),
]  # fmt: skip
FFT = [
    *differentiates("fft.fft fft.ifft fft.rfft fft.ihfft fft.fftshift fft.ifftshift", real(8)),
    *differentiates("fft.fft2 fft.ifft2 fft.fftn fft.ifftn fft.rfft2 fft.rfftn", real(4, 6)),
    *differentiates("fft.irfft fft.hfft", imaginary(5)),
    *differentiates("fft.irfft2 fft.irfftn", imaginary(4, 5)),
    *no_array("fft.fftfreq fft.rfftfreq"),
]

CALCULUS = [
    *differentiates("diff trapezoid", real(3, 5), axis=1),
    *differentiates("ediff1d", real(5)),
    *differentiates("gradient", real(6), ascending(6)),
    *differentiates("unwrap", exactly([0.1, 3.0, -3.0, -1.0, 3.1])),
    *differentiates("convolve correlate", real(6), real(3)),
    *differentiates("interp", exactly([0.4, 1.3, 2.2]), ascending(6), real(6)),
    *differentiates("clip", distinct(2, 4), -0.9, 1.1),
    *differentiates("sinc i0 real nan_to_num real_if_close", real(2, 3)),
    *differentiates("imag angle", imaginary(2, 3)),
    *differentiates("cov corrcoef", real(3, 5)),
    *constant("round around fix", distinct(2, 3)),
]

CHOOSING = [
    *differentiates("where", truth(2, 3), real(2, 3), real(3)),
    *differentiates("select", distinct(6), call=lambda f, x: f([x < 0, x < 1], [x * x, np.sin(x)], 3.0)),
    *differentiates("piecewise", distinct(6), call=lambda f, x: f(x, [x < 0, x >= 0], [np.negative, np.square])),
    *differentiates("choose", whole(4, high=2), real(4), real(4), call=lambda f, i, a, b: f(i, [a, b])),
    *differentiates("compress", [True, False, True], A, axis=0),
    *differentiates("extract", truth(2, 3), real(2, 3)),
    *differentiates("take", A, [2, 0], axis=0),
    *differentiates("take_along_axis", A, whole(3, 2), axis=1),
    *differentiates("apply_along_axis", np.cumsum, 1, A),
    *differentiates("apply_over_axes", np.sum, BATCH, (0, 2)),
    *differentiates("sort", SEVERAL, axis=1),
    *differentiates("partition", SEVERAL, 2, call=lambda f, x, k: np.sort(f(x, k))),
    *differentiates("unique unique_values", distinct(5)),
    *differentiates("intersect1d setdiff1d union1d setxor1d", distinct(5), exactly([0.13, 7.0, 8.5])),
    *differentiates("unique_all unique_counts unique_inverse", distinct(5), call=only_values),
    *differentiates("bincount", whole(6), positive(6)),
    *differentiates("copyto", real(4), real(4), call=written),
    *differentiates("putmask place", real(4), exactly([True, False, True, False], dtype="bool"), real(2), call=written),
    *differentiates("put", real(4), [0, 2], real(2), call=written),
    *differentiates("put_along_axis", A, whole(3, 1), real(3, 1), 1, call=written),
    *differentiates("fill_diagonal", SQUARE, real(3), call=written),
    *constant("argsort", SEVERAL, axis=1),
    *constant("argpartition", SEVERAL, 2, call=lambda f, x, k: np.sort(f(x, k))),
    *constant("argwhere flatnonzero nonzero", distinct(5)),
    *constant("lexsort", real(2, 5)),
    *constant("searchsorted", ascending(5), real(4)),
    *constant("digitize", real(4), ascending(5)),
    *constant("isin", distinct(5), exactly([0.13, 7.0])),
    *host("histogram histogram_bin_edges", real(9)),
    *host("histogram2d", real(9), real(9)),
    *host("histogramdd", real(9, 2)),
    *host("sort_complex", real(4)),
    *host("packbits unpackbits", lambda random: random.integers(0, 2, 8, dtype=np.uint8)),
    *host("ravel_multi_index", whole(2, 3), (5, 5), call=lambda f, x, n: f(tuple(x), n)),
    *host("unravel_index", whole(3), (5, 5)),
]
POLYNOMIALS = [
    *differentiates("polyval", real(4), real(3)),
    *differentiates("polyadd polysub polymul", real(4), real(3)),
    *differentiates("polydiv", positive(5), positive(3)),
    *differentiates("polyder polyint poly", real(4)),
    *differentiates("polyfit", ascending(7), real(7), 2, tolerance=1e-5),
    *differentiates(
        "roots", exactly([1.0, -6.0, 11.0, -6.0]), call=lambda f, p: np.sort(np.real(f(p))), tolerance=1e-5
    ),
]

NEW = [
    *differentiates("linspace", positive(3), real(3), 5),
    *differentiates("logspace", unit(3), unit(3), 4),
    *differentiates("geomspace", positive(3), positive(3), 4),
    *differentiates("meshgrid", real(3), real(4)),
    *differentiates("full_like", real(3), 2.0, call=lambda f, x, y: f(x * 0.0, x[0] * y)),
    *constant("ix_", whole(3), whole(2)),
    *constant("zeros_like ones_like", A),
    *constant("empty_like", A, call=lambda f, x: np.shape(f(x))),
    *constant("isclose allclose array_equal array_equiv", A, real(4)),
    *constant("iscomplex isreal iscomplexobj isrealobj isneginf isposinf", A),
    *constant("can_cast", np.float32, np.float64),
    *constant("result_type", A, call=lambda f, x: str(f(x, x)).removeprefix("agrad.")),
    *host("min_scalar_type common_type", A),
    *host("shares_memory may_share_memory", A, A),
    *constant("array_repr array_str array2string", A, call=lambda f, x: "[" in f(x)),
    *host("save savez savez_compressed savetxt", A, call=lambda f, x: f("/dev/null", x)),
]
READS = [
    *reads("asarray asanyarray ascontiguousarray asfortranarray asarray_chkfinite asmatrix array require", A),
    *reads("bmat", A, call=lambda f, x: f([[x, x]])),
    *reads("isfortran", A, call=lambda f, x: f(np.asarray(x))),
    *reads("from_dlpack", A),
    *reads("nested_iters", A, [[0], [1]], call=lambda f, x, axes: len(f(x, axes))),
]

NO_ARRAY = no_array(
    "arange bartlett base_repr binary_repr blackman broadcast_shapes busday_count busday_offset datetime_as_string "
    "datetime_data diag_indices empty eye format_float_positional format_float_scientific frombuffer fromfile "
    "fromiter fromfunction frompyfunc fromregex fromstring full genfromtxt get_include get_printoptions getbufsize "
    "geterr geterrcall hamming hanning identity indices info is_busday isdtype isscalar issubdtype iterable kaiser "
    "load loadtxt mask_indices mintypecode ones printoptions promote_types set_printoptions setbufsize seterr "
    "seterrcall show_config show_runtime test tri tril_indices triu_indices typename zeros "
)

ROWS = [
    *UFUNCS, *REDUCTIONS, *SHAPES, *JOINING, *PRODUCTS, *LINALG, *FFT, *CALCULUS, *CHOOSING, *POLYNOMIALS, *NEW,
    *READS, *NO_ARRAY, *differentiates("row_stack", A, real(3, 4), call=of_list),
]  # fmt: skip

"""SciPy 1.17 with SCIPY_ARRAY_API=1, but for scipy.special and scipy.stats."""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import array_namespace

from tests.cases import Maker, distinct, exactly, positive, real
from tests.ecosystem.rows import each_of, find, fixed, refuses, works

# signal: by FFT, and filters in closed form

PAIR = [positive(16), positive(5)]
ZEROS_AND_POLES = [positive(2), real(3, low=0.2, high=0.8)]
POLYNOMIALS = [positive(3), positive(3)]


def in_order(tf2zpk: Any, b: Any, a: Any) -> Any:
    xp = array_namespace(b)
    return [xp.sort(xp.real(part)) for part in tf2zpk(b, a)[:2]]


SIGNAL = [
    *each_of(works, "scipy.signal", "fftconvolve oaconvolve", PAIR),
    *each_of(works, "scipy.signal", "convolve correlate", PAIR, note="by FFT", method="fft"),
    *each_of(refuses, "scipy.signal", "convolve correlate", PAIR, note="direct", method="direct"),
    *each_of(works, "scipy.signal", "hilbert", [real(16)]),
    works("scipy.signal.hilbert2", [real(6, 8)]),
    works("scipy.signal.envelope", [real(16)], bp_in=(1, None)),
    works("scipy.signal.resample", [real(16), 10]),
    works("scipy.signal.freqz", POLYNOMIALS, worN=8),
    works("scipy.signal.freqz_zpk", [*ZEROS_AND_POLES, 1.2], worN=8),
    works("scipy.signal.freqs", [*POLYNOMIALS, fixed(exactly(0.1, 0.5, 1.0))]),
    works("scipy.signal.freqs_zpk", [*ZEROS_AND_POLES, 1.2, fixed(exactly(0.1, 0.5, 1.0))]),
    works("scipy.signal.vectorstrength", [positive(9), 1.3]),
    works("scipy.signal.tf2zpk", [exactly(1.0, -3.0, 2.0), exactly(1.0, -0.5, 0.06)], call=in_order, tolerance=1e-4),
    refuses("scipy.signal.lfilter_zi", [positive(3), exactly(1.0, -0.5, 0.06)]),
    works("scipy.signal.bilinear_zpk", [*ZEROS_AND_POLES, 1.3, 2.0]),
    works("scipy.signal.lp2lp_zpk", [*ZEROS_AND_POLES, 1.3, 2.0]),
    works("scipy.signal.lp2hp_zpk", [*ZEROS_AND_POLES, 1.3, 2.0]),
    works("scipy.signal.lp2bp_zpk", [*ZEROS_AND_POLES, 1.3, 2.0, 0.5]),
    works("scipy.signal.lp2bs_zpk", [*ZEROS_AND_POLES, 1.3, 2.0, 0.5]),
    *each_of(works, "scipy.signal", "lp2lp lp2hp lp2bp lp2bs normalize", POLYNOMIALS),
    *each_of(refuses, "scipy.signal", "bilinear", POLYNOMIALS),
    refuses("scipy.signal.group_delay", POLYNOMIALS, error="too many values to unpack"),
    refuses("scipy.signal.deconvolve", POLYNOMIALS, error="could not convert b, a, and x to a common type"),
    *each_of(refuses, "scipy.signal", "detrend welch periodogram stft spectrogram czt cspline1d", [real(16)]),
    *each_of(refuses, "scipy.signal", "find_peaks sawtooth square", [real(16)]),
    *each_of(refuses, "scipy.signal", "lfilter filtfilt", [positive(2), positive(2), real(16)]),
    refuses("scipy.signal.sosfilt", [positive(1, 6), real(16)]),
    refuses("scipy.signal.savgol_filter", [real(16), 5, 2]),
    *each_of(refuses, "scipy.signal", "medfilt wiener", [real(16), 3]),
    refuses("scipy.signal.resample_poly", [real(16), 2, 3]),
    refuses("scipy.signal.decimate", [real(16), 2]),
    refuses("scipy.signal.upfirdn", [positive(3), real(16)]),
    refuses("scipy.signal.convolve2d", [real(5, 5), real(2, 2)]),
    refuses("scipy.signal.zpk2tf", [*ZEROS_AND_POLES, 1.2]),
    refuses("scipy.signal.lombscargle", [positive(9), positive(9), positive(4)]),
    works("scipy.signal.gausspulse", [real(9)], fc=1.0),
]  # fmt: skip

# fft


def imaginary(*shape: int) -> Maker:
    """Complex numbers with both parts between 0 and 1."""
    return lambda random: random.uniform(size=shape) + 1j * random.uniform(size=shape)


FFT = [
    *each_of(works, "scipy.fft", "fft ifft rfft ihfft fftshift ifftshift", [real(8)]),
    *each_of(works, "scipy.fft", "fft2 ifft2 fftn ifftn rfft2 rfftn", [real(4, 6)]),
    *each_of(works, "scipy.fft", "irfft hfft", [imaginary(8)]),
    *each_of(works, "scipy.fft", "irfft2 irfftn", [imaginary(4, 5)]),
    *each_of(works, "scipy.fft", "fht ifht", [positive(8)], dln=0.1, mu=0.5),
    *each_of(refuses, "scipy.fft", "dct idct dst idst", [real(8)]),
    *each_of(refuses, "scipy.fft", "dctn idctn dstn idstn", [real(4, 4)]),
    *each_of(works, "scipy.fft", "hfft2 hfftn", [imaginary(4, 5)]),
    *each_of(works, "scipy.fft", "ihfft2 ihfftn", [real(4, 6)]),
]  # fmt: skip

# integrate


def decay(x: Any, c: Any) -> Any:
    return array_namespace(x, c).exp(-c * x)


def two_dimensional(points: Any, c: Any) -> Any:
    return array_namespace(points, c).exp(-c * points[:, 0] ** 2 - points[:, 1])


INTEGRATE = [
    works("scipy.integrate.trapezoid", [real(7), distinct(7)]),
    works("scipy.integrate.cumulative_trapezoid", [real(7), distinct(7)]),
    works("scipy.integrate.cumulative_simpson", [real(7)], dx=0.3),
    works("scipy.integrate.romb", [real(9)]),
    works("scipy.integrate.tanhsinh", [exactly(0.5), exactly(2.0), exactly(1.3)],
          strict=False,
          call=lambda f, a, b, c: f(decay, a, b, args=(c,)).integral),
    works("scipy.integrate.cubature", [fixed(exactly([0.0, 0.0])), fixed(exactly([1.0, 1.0])), exactly(1.3)],
          call=lambda f, a, b, c: f(two_dimensional, a, b, args=(c,)).estimate),
    works("scipy.integrate.nsum", [fixed(exactly(1.0)), fixed(exactly(30.0)), exactly(2.5)],
          strict=False,
          call=lambda f, a, b, c: f(lambda k, c: k**-c, a, b, args=(c,)).sum),
    refuses("scipy.integrate.simpson", [real(7)], dx=0.3),
    refuses("scipy.integrate.quad_vec", [exactly(1.3)], call=lambda f, c: f(lambda x: decay(x, c), 0.0, 1.0)),
    refuses("scipy.integrate.solve_ivp", [positive(2)], call=lambda f, y: f(lambda t, y: -y, (0.0, 1.0), y)),
    refuses("scipy.integrate.odeint", [positive(2)], call=lambda f, y: f(lambda y, t: -y, y, [0.0, 1.0])),
]  # fmt: skip

# optimize and differentiate


def cubic(x: Any, c: Any) -> Any:
    return x**3 - c


def valley(x: Any, c: Any) -> Any:
    return (x - c) ** 4 + (x - c) ** 2


def rosen(x: Any) -> Any:
    return find("scipy.optimize.rosen")(x)


BRACKET = [fixed(exactly(0.0)), fixed(exactly(3.0))]
TRIPLE = [fixed(exactly(-1.0)), fixed(exactly(0.5)), fixed(exactly(5.0))]

OPTIMIZE = [
    *each_of(works, "scipy.optimize", "rosen rosen_der rosen_hess", [positive(5)]),
    works("scipy.optimize.rosen_hess_prod", [positive(5), positive(5)]),
    works("scipy.optimize.elementwise.find_root", [*BRACKET, exactly(1.7)],
          call=lambda f, a, b, c: f(cubic, (a, b), args=(c,)).x),
    works("scipy.optimize.elementwise.find_minimum", [*TRIPLE, exactly(1.7)],
          call=lambda f, a, b, c, d: f(valley, (a, b, c), args=(d,)).x),
    works("scipy.optimize.elementwise.bracket_root", [*BRACKET, exactly(1.7)],
          call=lambda f, a, b, c: f(cubic, a, b, args=(c,)).f_bracket),
    works("scipy.optimize.elementwise.bracket_minimum", [fixed(exactly(0.1)), exactly(1.7)],
          call=lambda f, a, c: f(valley, a, args=(c,)).f_bracket),
    works("scipy.differentiate.derivative", [exactly(0.7), exactly(1.3)],
          call=lambda f, x, c: f(decay, x, args=(c,)).df),
    works("scipy.differentiate.jacobian", [positive(3)], call=lambda f, x: f(rosen, x).df, tolerance=1e-4),
    works("scipy.differentiate.hessian", [positive(3)], call=lambda f, x: f(rosen, x).ddf, tolerance=1e-4),
    refuses("scipy.optimize.minimize", [positive(3)], call=lambda f, x: f(rosen, x)),
    refuses("scipy.optimize.root", [positive(2)], call=lambda f, x: f(lambda x: x**2 - 1, x)),
    refuses("scipy.optimize.least_squares", [positive(2)], call=lambda f, x: f(lambda x: x**2 - 1, x)),
    refuses("scipy.optimize.linear_sum_assignment", [positive(3, 3)]),
    refuses("scipy.optimize.nnls", [positive(4, 3), positive(4)]),
    refuses("scipy.optimize.lsq_linear", [positive(4, 3), positive(4)]),
]  # fmt: skip

# linalg, cluster, spatial, interpolate, ndimage, constants

LINALG = [
    works("scipy.linalg.block_diag", [real(2, 3), real(2, 2)]),
    works("scipy.linalg.fiedler", [distinct(5)]),
    works("scipy.linalg.orthogonal_procrustes", [real(5, 3), real(5, 3)]),
    *each_of(refuses, "scipy.linalg", "toeplitz hankel circulant companion", [positive(4)]),
    *each_of(
        refuses, "scipy.linalg",
        "det inv pinv expm logm sqrtm sinm norm svd svdvals qr lu lu_factor eig eigh eigvals schur hessenberg polar "
        "orth null_space cholesky",
        [lambda random: np.eye(3) * 4 + random.uniform(size=(3, 3))],
    ),
    *each_of(refuses, "scipy.linalg", "solve lstsq", [positive(3, 3), positive(3)]),
]  # fmt: skip

CLUSTER = [
    works("scipy.cluster.vq.whiten", [positive(5, 3)]),
    refuses("scipy.cluster.vq.vq", [positive(5, 3), positive(2, 3)]),
    *each_of(refuses, "scipy.cluster.vq", "kmeans kmeans2", [positive(5, 3), 2]),
    refuses("scipy.cluster.hierarchy.linkage", [positive(5, 3)]),
]


def turned(name: str, *args: Any) -> Any:
    """Return a call that makes a rotation of vectors and asks it for something."""
    return lambda Rotation, r: getattr(Rotation.from_rotvec(r), name)(*args)


def rotation(r: Any) -> Any:
    return find("scipy.spatial.transform.Rotation").from_rotvec(r)


ROTVECS = [real(4, 3, low=-1.0, high=1.0)]
R, T = "scipy.spatial.transform.Rotation", "scipy.spatial.transform.RigidTransform"

SPATIAL = [
    works(f"{R}.from_rotvec", ROTVECS, call=lambda f, r: f(r).as_matrix()),
    works(f"{R}.from_euler", ROTVECS, call=lambda f, r: f("xyz", r).as_matrix()),
    works(f"{R}.from_quat", [positive(4, 4)], call=lambda f, q: f(q).as_matrix()),
    works(f"{R}.from_mrp", ROTVECS, call=lambda f, r: f(r).as_matrix()),
    works(f"{R}.from_matrix", ROTVECS, call=lambda f, r: f(rotation(r).as_matrix()).as_quat()),
    works(f"{R}.from_davenport", [fixed(exactly(1.0, 0.0, 0.0)), exactly(0.3)],
          call=lambda f, axis, angle: f(axis, "extrinsic", angle).as_matrix()),
    *[works(f"{R}.{name}", ROTVECS, call=lambda f, r: f(rotation(r)))
      for name in ("as_matrix", "as_quat", "as_mrp", "magnitude")],
    works(f"{R}.as_rotvec", [positive(4, 4)], call=lambda f, q: f(find(R).from_quat(q))),
    works(f"{R}.as_euler", ROTVECS, call=lambda f, r: f(rotation(r), "xyz")),
    works(f"{R}.apply", [*ROTVECS, real(4, 3)], call=lambda f, r, v: f(rotation(r), v)),
    works(f"{R}.inv", ROTVECS, call=lambda f, r: f(rotation(r)).as_matrix()),
    works(f"{R}.mean", ROTVECS, call=lambda f, r: f(rotation(r)).as_matrix()),
    works(f"{R}.reduce", ROTVECS, call=lambda f, r: f(rotation(r)).as_matrix()),
    works(f"{R}.__mul__", ROTVECS, call=lambda f, r: f(rotation(r), rotation(2 * r)).as_matrix()),
    works(f"{R}.__pow__", ROTVECS, call=lambda f, r: f(rotation(r), 0.5).as_matrix()),
    works(f"{R}.align_vectors", [real(4, 3), real(4, 3)], call=lambda f, a, b: f(a, b)[0].as_matrix()),
    works("scipy.spatial.transform.Slerp", ROTVECS,
          call=lambda f, r: f([0.0, 1.0, 2.0, 3.0], rotation(r))([0.5, 1.5]).as_matrix()),
    works(f"{T}.from_components", [real(4, 3), *ROTVECS], call=lambda f, t, r: f(t, rotation(r)).as_matrix()),
    works(f"{T}.from_exp_coords", [positive(6)], call=lambda f, x: f(x).as_matrix()),
    works(f"{T}.as_exp_coords", [positive(6)], call=lambda f, x: f(find(T).from_exp_coords(x).inv())),
    works(f"{T}.apply", [positive(6), real(5, 3)], call=lambda f, x, v: f(find(T).from_exp_coords(x), v)),
    refuses("scipy.spatial.transform.RotationSpline", ROTVECS, error="has no attribute 'copy'",
            call=lambda f, r: f([0.0, 1.0, 2.0, 3.0], rotation(r))),
    *each_of(refuses, "scipy.spatial.distance", "cdist", [real(4, 3), real(5, 3)]),
    *each_of(refuses, "scipy.spatial.distance", "pdist", [real(4, 3)]),
    *each_of(refuses, "scipy.spatial.distance", "euclidean cosine", [real(4), real(4)]),
    *each_of(refuses, "scipy.spatial", "KDTree ConvexHull Delaunay", [real(6, 2)]),
    refuses("scipy.spatial.procrustes", [real(4, 3), real(4, 3)]),
]  # fmt: skip

PLACES = exactly(0.0, 1.0, 2.0, 3.0)

OTHERS = [
    *each_of(refuses, "scipy.interpolate", "CubicSpline PchipInterpolator", [fixed(PLACES), real(4)]),
    refuses("scipy.interpolate.make_interp_spline", [fixed(PLACES), real(4)]),
    refuses("scipy.interpolate.RBFInterpolator", [real(6, 2), real(6)], error="has no attribute 'view'"),
    refuses("scipy.ndimage.gaussian_filter", [real(5, 5), 1.0]),
    refuses("scipy.ndimage.uniform_filter", [real(5, 5), 3]),
    refuses("scipy.ndimage.map_coordinates", [real(5, 5), fixed(positive(2, 4))]),
    refuses("scipy.ndimage.zoom", [real(5, 5), 2]),
    works("scipy.constants.convert_temperature", [positive(4), "Celsius", "Fahrenheit"]),
    *each_of(works, "scipy.constants", "lambda2nu nu2lambda", [positive(4)]),
]  # fmt: skip

ROWS = [*SIGNAL, *FFT, *INTEGRATE, *OPTIMIZE, *LINALG, *CLUSTER, *SPATIAL, *OTHERS]

"""Untracked Tensors in libraries that compute with NumPy, and agrad's derivatives in SciPy's solvers."""

from __future__ import annotations

from typing import Any

import numpy as np

import agrad
from tests.cases import exactly, positive, real
from tests.ecosystem.rows import Row, each_of, takes

# SciPy's solvers, with derivatives of functions that are written in NumPy's names

START = exactly(-0.5, 0.8)


def valley(x: Any) -> Any:
    return np.sum(10.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def residuals(x: Any) -> Any:
    return np.stack([10.0 * (x[1] - x[0] ** 2), 1.0 - x[0]])


def product(x: Any, v: Any) -> Any:
    return agrad.hvp(valley, [x], [v])[0]


def minimized(method: str, second: bool = False, **settings: Any) -> Any:
    def call(minimize: Any, x: Any) -> Any:
        derivatives = {"jac": agrad.grad(valley)} | ({"hess": agrad.hessian(valley)} if second else {})
        return minimize(valley, x, method=method, **derivatives, **settings).x

    return call


def constrained(make: Any) -> Any:
    """Return the call of a class of constraints, by which `make` makes one: it is minimized under that."""

    def call(cls: Any, x: Any) -> Any:
        from scipy.optimize import minimize

        return minimize(valley, x, method="trust-constr", jac=agrad.grad(valley), constraints=[make(cls)]).x

    return call


def on_a_line(cls: Any) -> Any:
    return cls(agrad.tensor([[1.0, 1.0]]), 1.0, 1.0)


def in_a_circle(cls: Any) -> Any:
    def square(x: Any) -> Any:
        return np.sum(np.square(x))

    return cls(square, 0.0, 1.0, jac=agrad.grad(square), hess=lambda x, v: v[0] * agrad.hessian(square)(x))


def at_least(minimize_scalar: Any, a: Any, b: Any) -> Any:
    return minimize_scalar(lambda x: (agrad.asarray(x) - 2.0) ** 2, bounds=(a, b), method="bounded").x


def cubic(x: Any) -> Any:
    return x**3 - 2.0


def decay(t: Any, a: Any, b: Any) -> Any:
    return a * np.exp(-b * t)


def fitted(curve_fit: Any, t: Any, y: Any, p: Any) -> Any:
    def jacobian(t: Any, *p: Any) -> Any:
        return agrad.jacobian(lambda p: decay(t, p[0], p[1]))(np.array(p))

    return curve_fit(decay, t, y, p0=p, jac=jacobian)[0]


def recorded(x: Any) -> Any:
    """A function that returns a Tensor whatever it is given."""
    return np.cos(agrad.asarray(x)) - x


TIMES = np.linspace(0.0, 1.0, 9)
ONES = {"expected": [1.0, 1.0], "tolerance": 1e-3}
ROOT = {"expected": 2.0 ** (1.0 / 3.0), "tolerance": 1e-6}

SOLVERS = [
    *[takes("scipy.optimize.minimize", [START], method, call=minimized(method), **ONES)
      for method in ("CG", "BFGS", "L-BFGS-B", "TNC", "SLSQP")],
    *[takes("scipy.optimize.minimize", [START], method, call=minimized(method, second=True), **ONES)
      for method in ("Newton-CG", "trust-ncg", "trust-krylov", "trust-exact", "trust-constr")],
    takes("scipy.optimize.minimize", [START], "hessp=agrad.hvp", call=minimized("trust-ncg", hessp=product), **ONES),
    takes("scipy.optimize.minimize", [START], "jac=True",
          call=lambda f, x: f(agrad.value_and_grad(valley), x, jac=True).x, **ONES),
    takes("scipy.optimize.LinearConstraint", [START], call=constrained(on_a_line), tolerance=1e-3),
    takes("scipy.optimize.NonlinearConstraint", [START], call=constrained(in_a_circle), tolerance=1e-3),
    *[takes("scipy.optimize.least_squares", [START], method,
            call=lambda f, x, method=method: f(residuals, x, jac=agrad.jacobian(residuals), method=method).x, **ONES)
      for method in ("trf", "dogbox", "lm")],
    *[takes("scipy.optimize.root", [START], method,
            call=lambda f, x, method=method: f(residuals, x, jac=agrad.jacobian(residuals), method=method).x, **ONES)
      for method in ("hybr", "lm")],
    takes("scipy.optimize.fsolve", [START],
          call=lambda f, x: f(residuals, x, fprime=agrad.jacobian(residuals)), **ONES),
    takes("scipy.optimize.newton", [exactly(1.0)], call=lambda f, x: f(cubic, x, fprime=agrad.grad(cubic)), **ROOT),
    takes("scipy.optimize.newton", [exactly(1.0)], "Halley",
          call=lambda f, x: f(cubic, x, fprime=agrad.grad(cubic), fprime2=agrad.grad(agrad.grad(cubic))), **ROOT),
    takes("scipy.optimize.brentq", [exactly(0.0), exactly(1.0)], call=lambda f, a, b: f(recorded, a, b),
          expected=0.7390851332151607),
    takes("scipy.optimize.minimize_scalar", [exactly(0.1), exactly(4.0)], call=at_least, tolerance=1e-5, expected=2.0),
    takes("scipy.optimize.curve_fit", [exactly(*TIMES), exactly(*decay(TIMES, 2.0, 1.3)), exactly(1.0, 1.0)],
          call=fitted, expected=[2.0, 1.3]),
]  # fmt: skip


def undispatched(cls: Any, x: Any) -> Any:
    from sklearn import config_context

    with config_context(array_api_dispatch=False):
        return cls().fit_transform(x)


def predicted(cls: Any, x: Any, y: Any) -> Any:
    from sklearn import config_context

    with config_context(array_api_dispatch=False):
        return cls().fit(x, y).predict(x)


LEARNING = [
    *each_of(takes, "sklearn.preprocessing", "StandardScaler RobustScaler PowerTransformer SplineTransformer",
             [positive(10, 3)], call=undispatched, note="without dispatch"),
    *each_of(takes, "sklearn.decomposition", "PCA", [positive(10, 3)], call=undispatched, note="without dispatch"),
    *each_of(takes, "sklearn.linear_model", "LinearRegression BayesianRidge HuberRegressor",
             [positive(10, 3), real(10)], call=predicted, note="without dispatch"),
    *each_of(takes, "sklearn.ensemble", "HistGradientBoostingRegressor", [positive(10, 3), real(10)], call=predicted,
             note="without dispatch"),
]  # fmt: skip

# matplotlib: what was drawn, read from the artists


def drawn(read: Any) -> Any:
    def call(name: Any, *args: Any) -> Any:
        import matplotlib.pyplot as plt

        figure, axes = plt.subplots()
        try:
            return read(axes, *args)
        finally:
            plt.close(figure)

    return call


def plotted(method: str, read: Any, *args: Any, **settings: Any) -> Row:
    call = drawn(lambda axes, *args: read(getattr(axes, method)(*args, **settings)))
    return takes(f"matplotlib.axes.Axes.{method}", list(args), call=call)


def pieces(bars: Any) -> Any:
    return [[bar.get_x(), bar.get_y(), bar.get_width(), bar.get_height()] for bar in bars]


X, Y = exactly(1.0, 2.0, 4.0), positive(3)

PLOTS = [
    plotted("bar", pieces, X, Y),
    plotted("barh", pieces, X, Y),
    plotted("plot", lambda lines: [line.get_xydata() for line in lines], X, Y),
    plotted("stem", lambda stem: stem.markerline.get_xydata(), X, Y),
    plotted("scatter", lambda points: points.get_offsets(), X, Y),
    plotted("errorbar", lambda bars: bars[0].get_xydata(), X, Y, positive(3)),
    plotted("fill_between", lambda area: area.get_paths()[0].vertices, X, Y),
    plotted("stackplot", lambda areas: [area.get_paths()[0].vertices for area in areas], X, Y, positive(3)),
    plotted("hist", lambda found: found[0], real(20)),
    plotted("hist2d", lambda found: found[0], real(20), real(20)),
    plotted("imshow", lambda image: image.get_array(), positive(3, 4)),
    plotted("contour", lambda lines: lines.levels, positive(3, 4)),
    plotted("quiver", lambda arrows: np.stack([arrows.U, arrows.V]), X, Y, positive(3), positive(3)),
    plotted("set_xlim", lambda ends: ends, exactly(1.0), exactly(4.0)),
    plotted("axhline", lambda line: line.get_ydata(), exactly(1.0)),
]  # fmt: skip

ROWS = [*SOLVERS, *LEARNING, *PLOTS]

"""Why the libraries may differ: the reasons that rows of `opinfo_table.py` give, each checked to hold still."""

import agrad
from tests.peers.opinfo_calls import But


def of(*dtypes):
    return lambda x, *args, **settings: x.dtype.name in dtypes


def without_axes(x, *args, **settings):
    return x.ndim == 0


# What is refused here, or asked for

NO_AXIS = But("an array without axes has no axis 0; PyTorch takes it for one of length 1", without_axes)
NUMBERS = But("the standard's function takes no booleans", of("bool"))
REAL = But("of real numbers only", of("complex128"))
FLOATS = But("of floats only", of("int64"))
IMAGINARY_PART = But("a cast does not drop imaginary parts", of("complex128"))
NEGATIVE_POWERS = But("NumPy has no negative powers of integers", of("int64"))
ONE_ROW = But("there is one row to search in; PyTorch has one for each", lambda row, x, **settings: row.ndim > 1)
WHOLE = But("distinct elements are of the whole array", lambda *args, dim=None, **settings: dim is not None)
LEGACY_EMPTY = But("shapes must fit; PyTorch passes over an array of shape (0,)", lambda xs, dim=0: xs[0].shape == (0,))
EMPTY_INDEX = But(
    "an index has the axes of the array; PyTorch takes any without elements", lambda x, dim, y: y.size == 0
)
ACCUMULATE = But("what is written twice does not add up", lambda x, key, y, accumulate=False: accumulate)
SCATTER = But("what is written twice does not add up", lambda x, dim, index, y, reduce=None: reduce is not None)
BROADCAST_SUM = But("summed axes agree; PyTorch broadcasts those of length 1", lambda x, y, dims: x.shape == (1, 1, 1))
NO_CHANNELS = But("a batch has channels", lambda x, *args, **settings: x.ndim == 1)
CLASSES = But("the number of classes is not read off the data", lambda x, num_classes: num_classes == -1)
ATOL = But("there is no absolute tolerance", lambda x, atol=None, rtol=None: atol is not None)
EPS = But("what is added to a variance is 0 or more", lambda *args, eps=0.0, **settings: eps < 0)
SHARE = But("a record takes a share from 0 to 1", lambda *args, momentum=0.1, **settings: not 0 <= momentum <= 1)

# What is rounded otherwise, or drawn

FACTORS = But(
    "a factor stays a float; PyTorch casts it",
    lambda x, *args, beta=1, **settings: x.dtype.name in ("int64", "bool") and beta != 1,
)
BOUNDS = But("a bound stays a float; PyTorch rounds it to an integer", of("int64"))
ARANGE = But(
    "NumPy counts before it rounds, PyTorch rounds before it counts",
    lambda *args, dtype=None, **named: (
        dtype == agrad.int64 and any(isinstance(n, float) for n in (*args, *named.values()))
    ),
)
LINSPACE = But("NumPy rounds down, PyTorch towards 0", lambda *args, dtype=None: dtype == agrad.int64)
TIES = But(
    "an unstable order of equal elements is each library's own",
    lambda x, *args, stable=False, **settings: x.dtype.name == "bool" and not stable,
)
RANDOM = But("random", lambda x, p=0.5, training=True: training and 0 < p < 1)
RANDOM_ATTENTION = But("random", lambda *args, dropout_p=0.0, **settings: dropout_p > 0)

# What PyTorch lacks

CANCELS = But("PyTorch's single precision cancels", of("float32"), "second order")
WEIGHTS = But(
    "PyTorch's weights add up to 1 only roughly where numbers are large",
    lambda x, *args, **settings: bool(agrad.any(agrad.abs(x) > 1e5)),
    "second order",
)
NO_ORDER = But("PyTorch has none for its kernel on the CPU", lambda q, *args, **settings: q.ndim == 4, "second order")
OF_SCORES = But(
    "PyTorch's gradient is that of the scores whose log_softmax is given", lambda *args, **settings: True, "gradients"
)
EMPTY_NORM = But(
    "the gradient of the norm of nothing is empty; PyTorch has NaN for that of its cotangent",
    lambda x, *args, **settings: x.size == 0,
    "second order",
)

# What is chosen otherwise where there is no derivative: docs/corners.md

NORM_AT_ZERO = But(
    "where a norm is 0, the gradient is a constant here; PyTorch has NaN or infinity for the second derivative",
    lambda x, *args, **settings: bool(agrad.any(x == 0)),
    "second order",
)

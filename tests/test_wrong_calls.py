"""Wrong calls: what each raises, and that it shows what came, what was expected and what to write."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest

import agrad
from agrad import nn, optim
from agrad.nn import functional as F
from agrad.optim import lr_scheduler
from agrad.testing import assert_close


def ones(*shape):
    return agrad.ones(shape)


def tracked(number=2.0):
    return agrad.tensor(number, requires_grad=True)


def sgd(**settings):
    return optim.SGD([nn.Parameter(agrad.ones(2))], **{"lr": 0.1, **settings})


def masked():
    return np.ma.masked_array([1.0, 2.0], [True, False])


class Hidden(nn.Module):
    """Layers that no optimizer finds."""

    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(2, 2)]


ARRAYS = {
    "transpose of a matrix": (lambda: ones(2, 3).transpose(0, 1), ValueError, r"NumPy.*PyTorch.*write x\.T"),
    "transpose of a matrix, from behind": (lambda: ones(2, 3).transpose(-2, -1), ValueError, r"write x\.T"),
    "transpose of three axes": (lambda: ones(2, 3, 4).transpose(0, 1), ValueError, r"agrad\.moveaxis\(x, \(0, 1\)"),
    "roll": (lambda: agrad.roll(ones(3), 1.5), TypeError, "shift must be an integer, not 1.5"),
    "roll along two axes": (lambda: agrad.roll(ones(3, 3), (1, 0.5), axis=(0, 1)), TypeError, "not 0.5"),
    "where of a float condition": (lambda: agrad.where(ones(3), 1.0, 2.0), TypeError, "boolean, not float32; write"),
    "where of a number": (lambda: agrad.where(1, ones(3), ones(3)), TypeError, "boolean, not int"),
    "masked array": (lambda: agrad.asarray(masked()), TypeError, r"no mask.*write x\.filled\(0\.0\)"),
    "masked array in arithmetic": (lambda: ones(2) + masked(), TypeError, r"x\.filled"),
    "masked array in an assignment": (lambda: ones(2).__setitem__(0, masked()[1:]), TypeError, r"x\.filled"),
    "einsum without labels": (lambda: agrad.einsum(3, ones(2)), TypeError, "'ij,jk->ik'.*got 3, float32 of shape"),
    "einsum with a number for labels": (lambda: agrad.einsum(ones(2), 3), TypeError, "list after each array"),
    "arange of steps of 0": (lambda: agrad.arange(0, 1, 0), ValueError, r"a step that is not 0.*\[0, 1, 0\]"),
    "arange to NaN": (lambda: agrad.arange(math.nan), ValueError, "no NaN"),
    "arange of text": (lambda: agrad.arange("3"), TypeError, "needs numbers, not '3'"),
    "arange of a tracked Tensor": (lambda: agrad.arange(tracked()), RuntimeError, r"step \* agrad\.arange\(n\)"),
    "linspace of text": (lambda: agrad.linspace("0", 1, 2), TypeError, "needs numbers, not '0'"),
    "linspace of 1.5 numbers": (lambda: agrad.linspace(0, 1, 1.5), TypeError, "num must be an integer, not 1.5"),
    "linspace of -1 numbers": (lambda: agrad.linspace(0, 1, -1), ValueError, "num must be 0 or more, not -1"),
    "full of a vector": (lambda: agrad.full(3, ones(2)), (TypeError, ValueError), "one element|size 1"),
    "an integer of 100 bits": (lambda: agrad.tensor(10**30), OverflowError, r"100 bits.*float\(x\)"),
    "a large integer in lists": (lambda: agrad.tensor([[1], [-(10**30)]]), OverflowError, "100 bits"),
    "None on the right": (lambda: ones(2) + None, TypeError, "add got None for x2"),
    "None on the left": (lambda: None * ones(2), TypeError, "multiply got None for x"),
    "None in a function": (lambda: agrad.exp(None), TypeError, "exp got None for x; it takes a Tensor"),
    "a shape of text": (lambda: agrad.zeros("3"), TypeError, r"a tuple of integers, as \(2, 3\), not '3'"),
    "a shape of floats": (lambda: agrad.ones((2, 1.5)), TypeError, r"not \(2, 1.5\)"),
    "a negative shape": (lambda: agrad.empty(-1), ValueError, "0 or more"),
    "matrix_power": (lambda: agrad.linalg.matrix_power(ones(2, 2), 1.5), TypeError, "n must be an integer, not 1.5"),
    "an index": (lambda: ones(3)[5], IndexError, r"key 5 does not fit a Tensor of shape \(3,\): [Ii]ndex 5"),
    "two indices": (lambda: ones(3, 2)[5, 0], IndexError, r"key \[5, 0\] does not fit.*: [Ii]ndex 5"),
    "real of booleans": (lambda: agrad.real(agrad.asarray([True])), TypeError, r"not booleans; write x\.astype"),
    "sigmoid of booleans": (lambda: agrad.sigmoid(agrad.asarray([True])), TypeError, "sigmoid.*not booleans"),
    "searchsorted in a matrix": (lambda: agrad.searchsorted(ones(2, 2), 1.0), ValueError, r"shape \(n,\), not"),
    "a negative number of classes": (lambda: agrad.one_hot(agrad.asarray([0]), -1), ValueError, "0 or more, not -1"),
    "negative differences": (lambda: agrad.diff(ones(3), n=-1), ValueError, "n must be 0 or more, not -1"),
    "negative repeats": (lambda: agrad.repeat(ones(3), -1), ValueError, "repeats must be 0 or more, not -1"),
    "a vector_norm of NaN": (lambda: agrad.linalg.vector_norm(ones(2), ord=math.nan), ValueError, "ord must be"),
    "a seed": (lambda: agrad.manual_seed("a"), TypeError, "seed must be an integer, not 'a'"),
    "a large seed": (lambda: agrad.manual_seed(2**64), ValueError, r"from 0 to 2\*\*64 - 1"),
}
NOT_INTEGERS = {
    "repeat": (lambda v: agrad.repeat(ones(3), v), "repeats must be an integer, not"),
    "repeat along an axis": (lambda v: agrad.repeat(ones(3), 2, axis=v if v else 1.5), "axis must be an integer"),
    "repeats in an array": (lambda v: agrad.repeat(ones(2), agrad.asarray([1.0, 2.0])), "repeats must be integers"),
    "tile": (lambda v: agrad.tile(ones(3), (v,)), "repetitions must be an integer or"),
    "pad": (lambda v: agrad.pad(ones(3), v), "pad_width must be an integer, not"),
    "pad of one side": (lambda v: agrad.pad(ones(3), [(0, v)]), "pad_width must be an integer, not"),
    "reshape": (lambda v: ones(3).reshape(3, v), "reshape"),
    "tril": (lambda v: agrad.tril(ones(3, 3), k=v), "k must be an integer, not"),
    "triu": (lambda v: agrad.triu(ones(3, 3), k=v), "k must be an integer, not"),
    "eye": (lambda v: agrad.eye(3, k=v), "k must be an integer, not"),
    "one_hot": (lambda v: agrad.one_hot(agrad.asarray([0]), v), "num_classes must be an integer, not"),
    "diagonal": (lambda v: agrad.linalg.diagonal(ones(3, 3), offset=v), "offset must be an integer, not"),
    "trace": (lambda v: agrad.linalg.trace(ones(3, 3), offset=v), "offset must be an integer, not"),
    "diff": (lambda v: agrad.diff(ones(3), n=v), "n must be an integer, not"),
    "fftfreq": (lambda v: agrad.fft.fftfreq(v), "n must be an integer, not"),
    "rfftfreq": (lambda v: agrad.fft.rfftfreq(v), "n must be an integer, not"),
    "rand": (lambda v: agrad.rand(2, v), r"a tuple of integers, as \(2, 3\), not \(2, "),
    "randint": (lambda v: agrad.randint(v, (2,)), "high must be an integer, not"),
    "randperm": (lambda v: agrad.randperm(v), "n must be an integer, not"),
    "flatten": (lambda v: ones(2, 2).flatten(v), "axis must be an integer, not"),
    "vector_norm": (lambda v: agrad.linalg.vector_norm(ones(2, 2), axis=v if v else 0.5), "axis must be an integer"),
}
DIFFERENTIATION = {
    "grad of a number": (lambda: agrad.grad(3), TypeError, r"takes a function, not 3; write agrad\.gradients\(y, x\)"),
    "hessian of a Tensor": (lambda: agrad.hessian(ones(2)), TypeError, r"takes a function, not a Tensor of shape \(2,"),
    "jacobian of None": (lambda: agrad.jacobian(None), TypeError, "takes a function, not None"),
    "vjp of a number": (lambda: agrad.vjp(3, ones(2)), TypeError, "takes a function, not 3"),
    "jvp of a number": (lambda: agrad.jvp(3, (ones(2),), (ones(2),)), TypeError, "takes a function, not 3"),
    "gradients for a constant": (
        lambda: agrad.gradients(tracked() * 2, ones(2)),
        RuntimeError,
        r"inputs\[0\], of shape \(2,\).*write x\.requires_grad_\(\)",
    ),
    "gradients for the second": (
        lambda: agrad.gradients((x := tracked()) * 2, [x, ones(3)]),
        RuntimeError,
        r"inputs\[1\], of shape \(3,\)",
    ),
}
LAYERS = {
    "MaxPool2d of 0": (lambda: nn.MaxPool2d(0), ValueError, "kernel_size must be one integer or 2, each 1 or more"),
    "AvgPool1d of text": (lambda: nn.AvgPool1d("a"), (TypeError, ValueError), "kernel_size.*'a'"),
    "a stride of 0": (lambda: nn.AvgPool2d(2, stride=0), ValueError, "stride"),
    "max_pool2d of 0": (lambda: F.max_pool2d(ones(1, 1, 4, 4), 0), ValueError, "kernel_size"),
    "adaptive_avg_pool2d": (lambda: F.adaptive_avg_pool2d(ones(1, 1, 4, 4), ()), ValueError, r"two, .*not \(\)"),
    "AdaptiveAvgPool2d of 0": (lambda: nn.AdaptiveAvgPool2d(0), ValueError, "output_size"),
    "padding_idx": (
        lambda: F.embedding(agrad.asarray([0]), ones(3, 4), padding_idx=3),
        IndexError,
        "padding_idx=3.*the table has 3 rows",
    ),
    "Embedding of a list": (lambda: nn.Embedding(3, 4)([5]), IndexError, "index 5 is out of range: the table has 3"),
    "Embedding of -1": (lambda: nn.Embedding(3, 4)(agrad.asarray([-1])), IndexError, "index -1.*0 to 2"),
    "Embedding of floats": (lambda: nn.Embedding(3, 4)(ones(2)), TypeError, "indices must be integers, not agrad.f"),
    "linear with a stack of weights": (
        lambda: F.linear(ones(4, 3), ones(2, 3, 3)),
        ValueError,
        r"weight must have shape \(outputs, inputs\), not \(2, 3, 3\)",
    ),
    "Dropout of text": (lambda: nn.Dropout("a"), TypeError, "p must be a number, not 'a'"),
    "Sequential of a list": (lambda: nn.Sequential([nn.ReLU()]), TypeError, r"nn\.Sequential\(\*layers\)"),
    "a layer without an input": (lambda: nn.Linear(2, 2)(), TypeError, "Linear.*missing.*'input'"),
    "a layer with two inputs": (lambda: nn.Linear(2, 2)(ones(2), ones(2)), TypeError, "Linear.*2 positional"),
    "a layer without its sizes": (lambda: nn.Linear(), TypeError, "Linear.*'in_features' and 'out_features'"),
    "a layer that has no settings": (
        lambda: nn.ReLU(3),
        TypeError,
        r"ReLU\(\) takes no arguments, not 3; write ReLU",
    ),
    "Upsample of nothing": (lambda: nn.Upsample(), ValueError, "write exactly one of size and scale_factor"),
    "Upsample of text": (lambda: nn.Upsample("a"), TypeError, "size must be an integer, not 'a'"),
    "padding of two numbers": (lambda: nn.ZeroPad2d((1, 2)), ValueError, r"padding must be one integer or 4.*\(1, 2\)"),
    "a padding in floats": (lambda: F.pad(ones(3), (1.5, 0)), TypeError, "pad must be an integer, not 1.5"),
    "a cell of a sequence": (lambda: nn.LSTMCell(3, 2)(ones(5, 2, 3)), ValueError, r"\(batch, 3\).*it has \(5, 2, 3\)"),
    "a cell with one state": (lambda: nn.LSTMCell(3, 2)(ones(3), ones(2)), TypeError, r"write \(h, c\)"),
    "InstanceNorm2d of a matrix": (lambda: nn.InstanceNorm2d(3)(ones(2, 3)), ValueError, r"\(batch, 3, n, n\)"),
    "lengths out of order": (
        lambda: nn.utils.rnn.pack_padded_sequence(ones(5, 2, 3), [2, 5]),
        ValueError,
        "longest first.*write enforce_sorted=False",
    ),
    "a stack of no layer": (lambda: nn.TransformerEncoder(3, 2), TypeError, "takes a layer to copy, not 3"),
    "labels in floats": (
        lambda: F.ctc_loss(ones(4, 2, 3), ones(2, 2), [4, 4], [1, 1]),
        TypeError,
        r"targets must be integers, not agrad.float32; write targets\.astype\(int\)",
    ),
    "a loss of text": (lambda: nn.MSELoss(reduction="avg"), ValueError, "'avg'"),
    "a wrong layer in a row": (
        lambda: nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(4, 1))(ones(1, 2)),
        ValueError,
        r"layer 2 of Sequential, Linear\(in_features=4.*input must have shape",
    ),
    "a wrong layer in a row in a row": (
        lambda: nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.ReLU(), nn.Linear(4, 1)))(ones(1, 2)),
        ValueError,
        r"layer 1\.1 of Sequential, Linear\(in_features=4.*input must have shape",
    ),
}
TRAINING = {
    "StepLR": (
        lambda: lr_scheduler.StepLR(sgd(), 1, gamma=math.nan),
        ValueError,
        "gamma must be finite",
    ),
    "ExponentialLR": (lambda: lr_scheduler.ExponentialLR(sgd(), math.inf), ValueError, "gamma must be finite"),
    "a lambda of NaN": (lambda: lr_scheduler.LambdaLR(sgd(), lambda _: math.nan), ValueError, "lr_lambda.*not nan"),
    "a lambda of text": (lambda: lr_scheduler.LambdaLR(sgd(), lambda _: "a"), TypeError, "lr_lambda.*not 'a'"),
    "ReduceLROnPlateau": (lambda: lr_scheduler.ReduceLROnPlateau(sgd()).step("a"), TypeError, r"write step\(loss\)"),
    "warm restarts after 0 steps": (
        lambda: lr_scheduler.CosineAnnealingWarmRestarts(sgd(), 0),
        ValueError,
        "T_0 must be 1 or more, not 0",
    ),
    "a power below 0": (lambda: lr_scheduler.PolynomialLR(sgd(), power=-1.0), ValueError, "power must be 0 or more"),
    "an infinite lr": (lambda: sgd(lr=math.inf), ValueError, "lr must be finite and 0 or more, not inf"),
    "an lr of True": (lambda: sgd(lr=True), TypeError, "lr must be a number, not True"),
    "an lr of text, later": (lambda: step_with("lr", "a"), TypeError, "lr must be a number, not 'a'"),
    "an lr of NaN, later": (lambda: step_with("lr", math.nan), ValueError, "lr must be finite"),
    "a momentum below 0, later": (lambda: step_with("momentum", -1.0), ValueError, "momentum must be 0 or more"),
    "hidden layers": (lambda: optim.SGD(Hidden().parameters(), lr=0.1), ValueError, r"nn\.ModuleList\(layers\)"),
    "a closure of None": (
        lambda: optim.LBFGS([nn.Parameter(agrad.ones(2))]).step(lambda: None),
        TypeError,
        "must return the loss, not None; end it with `return loss`",
    ),
}
OUT_OF_RANGE = [LAYERS[name][0] for name in ("Embedding of a list", "Embedding of -1")]
CALLS = ARRAYS | DIFFERENTIATION | LAYERS | TRAINING


def step_with(name, value):
    optimizer = sgd()
    optimizer.step()
    optimizer.param_groups[0][name] = value
    optimizer.step()


@pytest.mark.parametrize(("call", "error", "message"), CALLS.values(), ids=CALLS)
def test_it_raises_and_says_what_to_write(device, call, error, message):
    if error is IndexError and call in OUT_OF_RANGE and device.backend.waits_on_read(device.native):
        pytest.skip("looking would mean to wait for the device")
    if device.kind == "mlx" and message.endswith("not booleans"):
        pytest.skip("MLX raises ValueError, in words of its own")
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("value", [1.5, math.nan, "a", None])
@pytest.mark.parametrize(("call", "message"), NOT_INTEGERS.values(), ids=NOT_INTEGERS)
def test_integers_of_the_wrong_kind_are_refused(device, call, message, value):
    with pytest.raises((TypeError, ValueError), match=message):
        call(value)


def test_correct_calls_raise_nothing(device):
    x = agrad.asarray([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    assert x.transpose(1, 0).shape == x.transpose((1, 0)).shape == x.transpose(-1, -2).shape == (3, 2)
    assert x.transpose((0, 1)).shape == (2, 3)
    assert agrad.argmax(agrad.asarray(3.0), axis=0).item() == 0
    clipped = agrad.clip(agrad.asarray([1, 5]), agrad.asarray(2, dtype="int32"), agrad.asarray(3, dtype="int8"))
    assert (clipped.dtype, clipped.tolist()) == (agrad.int64, [2, 3])


def test_to_takes_the_place_and_the_type_of_a_tensor(device):
    x, y = agrad.ones(2), agrad.ones(3, dtype=agrad.float64)
    assert (x.to(y).dtype, x.to(y).device) == (agrad.float64, device)
    with pytest.raises(TypeError, match=r"one dtype, not float64 of shape \(3,\), agrad.float32"):
        x.to(y, agrad.float32)


def test_no_differences_leave_an_array_as_it_is(device):
    assert agrad.diff(agrad.asarray([1, 2]), n=0, prepend=agrad.asarray([5])).tolist() == [1, 2]


def test_settings_may_change_between_steps(device):
    p = nn.Parameter([1.0])
    optimizer = optim.SGD([p], lr=0.5)
    p.grad = agrad.ones(1)
    optimizer.step()
    optimizer.param_groups[0]["lr"] = 0.25
    optimizer.step()
    assert p.tolist() == [0.25]


def test_arrays_of_bfloat16_are_of_numpys_no_own_type(device):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    x = np.asarray([1.0, 2.5], dtype=ml_dtypes.bfloat16)
    assert_close(agrad.asarray(x, dtype=agrad.float32), agrad.asarray([1.0, 2.5]))
    if device.kind == "jax":
        assert agrad.asarray(x).dtype.name == "bfloat16"
        return
    for call in (agrad.asarray, agrad.tensor, lambda x: agrad.ones(2) + x):
        with pytest.raises(TypeError, match=r"no bfloat16.*write x\.astype\('float32'\)"):
            call(x)


# Results that are infinite or NaN

QUIET = """
import sys, warnings
import agrad
from agrad.nn import functional as F

warnings.simplefilter("error")  # after `import agrad`, so that its own filter is overruled
x = agrad.tensor([0.0, -1.0, 1.0, 1e38, float("inf"), float("nan")], requires_grad=True)
for f in (agrad.log, agrad.sqrt, agrad.exp, agrad.acosh, agrad.reciprocal, agrad.special.gammaln, F.gelu,
          agrad.cumulative_sum, agrad.cumulative_prod, agrad.mean, agrad.var, agrad.std,
          lambda x: F.softmax(x, 0), agrad.square,
          lambda x: x / 0.0, lambda x: x % 0.0, lambda x: x ** 0.3, lambda x: x - x[4]):
    try:
        y = f(x)
    except RuntimeWarning as warning:
        sys.exit(f"{f}: {warning}")
    y.sum().backward()
agrad.linalg.inv(agrad.asarray([[1e-30, 0.0], [0.0, 1.0]]))
for nothing in (agrad.mean(agrad.ones(0)), agrad.var(agrad.ones(1), correction=1), agrad.var(agrad.ones((0, 2)))):
    assert agrad.isnan(nothing)
with agrad.profile():
    agrad.log(x)
"""


def test_infinite_results_do_not_warn():
    shown = subprocess.run([sys.executable, "-c", QUIET], capture_output=True, text=True, check=False)
    assert (shown.returncode, shown.stderr) == (0, "")


def test_numpys_own_warnings_stay():
    code = "import agrad, numpy as np; np.log(np.zeros(1))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "divide by zero" in shown.stderr

"""What is refused and not guessed: numbers that do not fit, booleans as numbers, words as booleans, NaN settings."""

from __future__ import annotations

import math

import numpy as np
import pytest

import agrad
from agrad import data, nn, optim
from agrad.nn import functional as F


def bools():
    return agrad.asarray([True, False])


def bytes_of(*values):
    return agrad.asarray(list(values), dtype="uint8")


NUMBERS = {
    "tensor": (lambda: agrad.tensor([300], dtype="uint8"), OverflowError, r"300 does not fit into agrad\.uint8.*255"),
    "asarray": (lambda: agrad.asarray([1, 70000], dtype="int16"), OverflowError, r"from 1 to 70000 do not fit"),
    "a negative number": (lambda: agrad.asarray(-1, dtype="uint8"), OverflowError, "-1 does not fit"),
    "a large float": (lambda: agrad.tensor([1e30], dtype="int64"), OverflowError, r"agrad\.int64"),
    "64 bits": (lambda: agrad.tensor([2**63], dtype="int64"), OverflowError, "9223372036854775808 does not fit"),
    "NaN": (lambda: agrad.tensor([1.0, math.nan], dtype="int64"), ValueError, "NaN and infinity"),
    "infinity": (lambda: agrad.full(2, math.inf, dtype="int32"), ValueError, "NaN and infinity"),
    "beside a Tensor": (lambda: agrad.asarray([agrad.asarray(1), 300], dtype="uint8"), OverflowError, "300"),
    "arange": (lambda: agrad.arange(300, dtype="uint8"), OverflowError, "from 0 to 299"),
    "arange from below 0": (lambda: agrad.arange(-3, 3, dtype="uint8"), OverflowError, "from -3 to 2"),
    "linspace": (lambda: agrad.linspace(0, 1000, 3, dtype="uint8"), OverflowError, "from 0 to 1000"),
    "full": (lambda: agrad.full(2, 300, dtype="uint8"), OverflowError, "300"),
    "full_like": (lambda: agrad.full_like(bytes_of(1), 300), OverflowError, "300"),
    "written": (lambda: bytes_of(1, 2).__setitem__(slice(0, 2), [300, 1]), OverflowError, "from 1 to 300"),
    "complex to real": (lambda: agrad.tensor([1j], dtype="float32"), TypeError, r"write z\.real"),
    "complex steps": (lambda: agrad.arange(0, 3, 1j), TypeError, "real numbers"),
    "too many": (lambda: agrad.arange(0, 1e30), ValueError, r"arange\(0, 1e\+30, 1\) would have 1e\+30 elements"),
    "without end": (lambda: agrad.arange(math.inf), ValueError, "would have inf elements"),
}


@pytest.mark.parametrize(("call", "error", "message"), NUMBERS.values(), ids=NUMBERS)
def test_numbers_that_do_not_fit(device, call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_chosen_numbers_that_do_not_fit(device):
    if device.kind == "jax":
        pytest.skip("JAX wraps Python integers")
    with pytest.raises((OverflowError, RuntimeError, ValueError)):
        agrad.where(bools(), bytes_of(1, 2), 300)


def test_numbers_that_fit(device):
    assert agrad.tensor([0, 255], dtype="uint8").tolist() == [0, 255]
    assert agrad.tensor([1.7, -1.7], dtype="int32").tolist() == [1, -1]
    assert agrad.arange(255, -1, -127, dtype="uint8").tolist() == [255, 128, 1]
    assert agrad.arange(5, 0, dtype="uint8").shape == (0,)
    assert agrad.tensor([2, 0], dtype=bool).tolist() == [True, False]
    assert agrad.astype(agrad.asarray([257]), "uint8").tolist() == [1]
    assert agrad.where(bools(), bytes_of(1, 2), 255).tolist() == [1, 255]


# Words, which all count as True, where True or False is meant

FLAGS = {
    "requires_grad": lambda v: agrad.tensor(1.0, requires_grad=v),
    "requires_grad of zeros": lambda v: agrad.zeros(2, requires_grad=v),
    "requires_grad of randn": lambda v: agrad.randn(2, requires_grad=v),
    "bias": lambda v: nn.Linear(2, 2, bias=v),
    "affine": lambda v: nn.BatchNorm1d(2, affine=v),
    "batch_first": lambda v: nn.LSTM(2, 2, batch_first=v),
    "ceil_mode": lambda v: nn.MaxPool1d(2, ceil_mode=v),
    "log_target": lambda v: nn.KLDivLoss(log_target=v),
    "training": lambda v: F.dropout(agrad.ones(2), training=v),
    "count_include_pad": lambda v: F.avg_pool1d(agrad.ones((1, 1, 4)), 2, count_include_pad=v),
    "is_causal": lambda v: F.scaled_dot_product_attention(*[agrad.ones((2, 2))] * 3, None, 0.0, v),
    "error_if_nonfinite": lambda v: nn.utils.clip_grad_norm_([nn.Parameter(1.0)], 1.0, error_if_nonfinite=v),
    "maximize": lambda v: optim.SGD([nn.Parameter(1.0)], 0.1, maximize=v),
    "nesterov": lambda v: optim.SGD([nn.Parameter(1.0)], 0.1, momentum=0.9, nesterov=v),
    "amsgrad": lambda v: optim.Adam([nn.Parameter(1.0)], amsgrad=v),
    "centered": lambda v: optim.RMSprop([{"params": [nn.Parameter(1.0)], "centered": v}]),
    "three_phase": lambda v: optim.lr_scheduler.OneCycleLR(
        optim.SGD([nn.Parameter(1.0)], 0.1), 1.0, total_steps=9, cycle_momentum=False, three_phase=v
    ),
    "shuffle": lambda v: data.DataLoader([1, 2], shuffle=v),
    "replacement": lambda v: data.RandomSampler([1, 2], replacement=v),
    "upper": lambda v: agrad.linalg.cholesky(agrad.eye(2), upper=v),
    "full_matrices": lambda v: agrad.linalg.svd(agrad.eye(2), full_matrices=v),
    "descending": lambda v: agrad.sort(agrad.ones(2), descending=v),
    "include_initial": lambda v: agrad.cumulative_sum(agrad.ones(2), include_initial=v),
    "has_aux": lambda v: agrad.grad(agrad.sum, has_aux=v),
}


@pytest.mark.parametrize("value", ["no", None, 1.0])
@pytest.mark.parametrize("name", FLAGS)
def test_words_are_no_booleans(device, name, value):
    with pytest.raises(TypeError, match=rf"{name.split()[0]} must be True or False, not {value!r}"):
        FLAGS[name](value)


@pytest.mark.parametrize("name", sorted(FLAGS.keys() - {"descending", "full_matrices", "has_aux", "upper"}))
def test_numpys_booleans_are_booleans(device, name):
    FLAGS[name](np.False_)


def test_a_flag_is_checked_when_it_changes(device):
    optimizer = optim.SGD([nn.Parameter(1.0)], 0.1)
    optimizer.param_groups[0]["maximize"] = "no"
    with pytest.raises(TypeError, match="maximize must be True or False, not 'no'"):
        optimizer.step()


# Settings of functions


def lr_lambda(value):
    return optim.lr_scheduler.LambdaLR(optim.SGD([nn.Parameter(1.0)], 0.1), lambda _: value)


X, CLASSES = agrad.asarray([[1.0, 2.0, 3.0], [3.0, 1.0, 2.0]]), agrad.asarray([0, 1])
SETTINGS = {
    "negative_slope": lambda v: F.leaky_relu(X, v),
    "alpha": lambda v: F.elu(X, v),
    "beta": lambda v: F.softplus(X, v),
    "threshold": lambda v: F.softplus(X, 1.0, v),
    "min_val": lambda v: F.hardtanh(X, v, 1.0),
    "max_val": lambda v: F.hardtanh(X, 0.0, v),
    "eps of layer_norm": lambda v: F.layer_norm(X, (3,), eps=v),
    "eps of rms_norm": lambda v: F.rms_norm(X, (3,), eps=v),
    "eps of group_norm": lambda v: F.group_norm(X, 3, eps=v),
    "eps of batch_norm": lambda v: F.batch_norm(X, None, None, training=True, eps=v),
    "momentum": lambda v: F.batch_norm(X, None, None, training=True, momentum=v),
    "margin of cosines": lambda v: F.cosine_embedding_loss(X, X, CLASSES, v),
    "margin of triplets": lambda v: F.triplet_margin_loss(X, X, X, v),
    "eps of triplets": lambda v: F.triplet_margin_loss(X, X, X, eps=v),
    "eps of distances": lambda v: F.pairwise_distance(X, X, eps=v),
    "eps of cosines": lambda v: F.cosine_similarity(X, X, eps=v),
    "eps of normalize": lambda v: F.normalize(X, eps=v),
    "scale": lambda v: F.scaled_dot_product_attention(X, X, X, scale=v),
    "dropout_p": lambda v: F.scaled_dot_product_attention(X, X, X, dropout_p=v),
    "ignore_index": lambda v: F.cross_entropy(X, CLASSES, ignore_index=v),
    "ignore_index of nll_loss": lambda v: F.nll_loss(X, CLASSES, ignore_index=v),
    "label_smoothing": lambda v: F.cross_entropy(X, CLASSES, label_smoothing=v),
    "value": lambda v: F.pad(X, (1, 1), value=v),
    "gain": lambda v: nn.init.xavier_uniform_(agrad.zeros((2, 2)), v),
    "gain of orthogonal_": lambda v: nn.init.orthogonal_(agrad.zeros((2, 2)), v),
    "a": lambda v: nn.init.kaiming_normal_(agrad.zeros((2, 2)), v),
    "mean": lambda v: nn.init.normal_(agrad.zeros((2, 2)), v),
    "mean of normal": lambda v: agrad.normal(v, 1.0),
    "std": lambda v: agrad.normal(0.0, v),
    "low": lambda v: agrad.uniform(v, 1.0),
    "high": lambda v: agrad.uniform(0.0, v),
    "lr_lambda": lr_lambda,
}


@pytest.mark.parametrize("value", [math.nan, "a"])
@pytest.mark.parametrize("name", SETTINGS)
def test_settings_of_functions_are_checked(name, value):
    with pytest.raises((TypeError, ValueError), match=rf"{name.split()[0]}\b.* must be .* not {value!r}"):
        SETTINGS[name](value)


@pytest.mark.parametrize(("name", "value"), [("beta", 0), ("eps of layer_norm", -1), ("lr_lambda", -1)])
def test_settings_of_functions_keep_in_range(name, value):
    with pytest.raises(ValueError, match=rf"{name.split()[0]}\b.* must be .* not {value}"):
        SETTINGS[name](value)


@pytest.mark.parametrize("name", ["abs", "ceil", "floor", "positive", "reciprocal", "round", "sign", "trunc"])
def test_functions_of_numbers_refuse_booleans(device, name):
    with pytest.raises(TypeError, match=rf"{name}\(bool of shape \(2,\)\): .*write x\.astype\(agrad\.float32\)"):
        getattr(agrad, name)(bools())


# Errors that show what came and what to write instead, and no library's own words


def vector():
    return agrad.asarray([1.0, 2.0, 3.0])


def matrix():
    return agrad.ones((2, 3))


def whole():
    return agrad.asarray([1, 2])


ERRORS = {
    "and of floats": (lambda: vector() & vector(), TypeError, "integers or booleans, not agrad.float32; write"),
    "not of floats": (lambda: ~vector(), TypeError, "integers or booleans, not agrad.float32"),
    "shift of floats": (lambda: vector() << 1, TypeError, "integers or booleans, not agrad.float32"),
    "or of floats and a boolean": (lambda: vector() | True, TypeError, "integers or booleans, not agrad.float32"),
    "matrix times vector": (
        lambda: matrix() @ agrad.ones(2),
        ValueError,
        "last axis of x1, of length 3, and the only axis of x2, of length 2",
    ),
    "matrix times matrix": (lambda: matrix() @ matrix(), ValueError, "second to last axis of x2, of length 2"),
    "stacks of matrices": (
        lambda: agrad.ones((2, 3, 4)) @ agrad.ones((3, 4, 2)),
        ValueError,
        r"must broadcast, not \(2,\) and \(3,\)",
    ),
    "matrix times number": (lambda: agrad.matmul(3, matrix()), ValueError, r"write x1 \* x2"),
    "vecdot": (lambda: agrad.vecdot(vector(), agrad.ones(2)), ValueError, "equally long in both arrays, not 3 and 2"),
    "solve": (lambda: agrad.linalg.solve(agrad.eye(3), agrad.ones(2)), ValueError, r"\(3,\) or \(..., 3, k\), not"),
    "solve of no square": (lambda: agrad.linalg.solve(matrix(), vector()), ValueError, "square matrices.*not shape"),
    "tensordot": (lambda: agrad.tensordot(vector(), vector(), axes=-1), ValueError, "0 or more, not -1"),
    "einsum of too few": (lambda: agrad.einsum("ij,jk", matrix()), ValueError, "labels for 2 arrays, but 1 arrays"),
    "einsum of an unknown label": (lambda: agrad.einsum("ij->k", matrix()), ValueError, "einsum got 'ij->k'.*'k'"),
    "tile": (lambda: agrad.tile(vector(), "a"), TypeError, "repetitions must be an integer or a tuple.*not 'a'"),
    "var": (lambda: agrad.var(vector(), correction="a"), TypeError, "correction must be a number, not 'a'"),
    "expand_dims": (lambda: agrad.expand_dims(vector(), axis=1.5), TypeError, "axis must be an integer, not 1.5"),
    "squeeze": (lambda: agrad.squeeze(agrad.ones((1, 2)), axis=0.5), TypeError, "axis must be an integer, not 0.5"),
    "diff": (lambda: agrad.diff(vector(), axis=3), ValueError, "axis must be from -1 to 0, not 3"),
    "trace": (lambda: agrad.linalg.trace(vector()), ValueError, "trace takes matrices"),
    "stack": (lambda: agrad.stack(3), TypeError, "stack takes a list of at least one array, not 3"),
    "stack of nothing": (lambda: agrad.stack([]), ValueError, r"list of at least one array, not \[\]"),
    "concat": (lambda: agrad.concat(3), TypeError, "concat takes a list of at least one array, not 3"),
    "a step of 0": (lambda: vector()[::0], ValueError, "key ::0 has a slice with a step of 0"),
    "a step of 0 beside others": (lambda: matrix()[0, ::0], ValueError, r"key \[0, ::0\] has a slice with a step"),
    "None in a list": (lambda: agrad.tensor([1.0, None]), TypeError, "holds numbers, not None"),
    "text in a list": (lambda: agrad.tensor([[1.0], ["a"]]), TypeError, "holds numbers, not str 'a'"),
    "checkpoint": (lambda: agrad.checkpoint(3), TypeError, "takes a function, not 3$"),
    "fixed_point": (lambda: agrad.fixed_point(3, vector()), TypeError, "takes a function, not 3"),
    "root": (lambda: agrad.root(3, vector()), TypeError, "takes a function, not 3"),
    "jvp": (lambda: agrad.jvp(agrad.sum, vector(), vector()), TypeError, r"primals must be a tuple.*as \(x,\)"),
    "hvp": (lambda: agrad.hvp(agrad.sum, (vector(),), vector()), TypeError, "tangents must be a tuple"),
    "argnums": (lambda: agrad.grad(agrad.sum, argnums="a"), TypeError, "argnums must be an integer, not 'a'"),
    "argnums of jacobian": (lambda: agrad.jacobian(agrad.sum, (0, 1.5)), TypeError, "must be an integer, not 1.5"),
    "clip_grad_norm_": (lambda: nn.utils.clip_grad_norm_([nn.Parameter(1.0)], "a"), TypeError, "must be a number"),
    "clip_grad_value_": (lambda: nn.utils.clip_grad_value_([nn.Parameter(1.0)], "a"), TypeError, "must be a number"),
    "ModuleDict": (lambda: nn.ModuleDict([nn.ReLU()]), TypeError, r"pairs of a name and a module, not ReLU\(\)"),  # type: ignore[list-item]
    "random_split": (lambda: data.random_split([1, 2], ["a"]), TypeError, r"lengths\[0\] must be a number, not 'a'"),  # type: ignore[list-item]
    "Subset": (lambda: data.Subset([1, 2], [0, 5]), IndexError, "index 5 is out of range for a data set of 2 items"),
}


@pytest.mark.parametrize(("call", "error", "message"), ERRORS.values(), ids=ERRORS)
def test_errors_say_what_was_expected(device, call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("name", ["inv", "det", "slogdet", "cholesky", "eigh", "eigvalsh", "eig", "eigvals"])
def test_what_needs_square_matrices(device, name):
    with pytest.raises(ValueError, match=r"square matrices, of shape \(..., n, n\), not shape \(2, 3\)"):
        getattr(agrad.linalg, name)(matrix())


@pytest.mark.parametrize("name", ["mean", "var", "std"])
def test_averages_of_what_is_no_float(device, name):
    for x, what in ((bools(), "booleans"), (whole(), "integers")):
        if device.kind in ("cpu", "cuda", "jax", "mlx"):
            assert getattr(agrad, name)(x).dtype.family == "real floating"
        else:
            with pytest.raises(TypeError, match=rf"not {what}; write x\.astype\(agrad\.float32\)"):
                getattr(agrad, name)(x)


def test_a_number_of_repetitions(device):
    assert agrad.tile(whole(), 2).tolist() == [1, 2, 1, 2]
    assert agrad.tile(agrad.asarray([[1, 2]]), 2).tolist() == [[1, 2, 1, 2]]

"""PyTorch's names: each is answered by an error, and what that says to write computes what PyTorch does."""

import inspect
import pickle
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import agrad
from agrad import data, nn, optim, spellings
from agrad.core.device import Device
from agrad.core.dtypes import DType
from agrad.nn import functional, init, utils
from agrad.ops.absent import NUMPY_FUNCTIONS, Absent
from agrad.spellings import SPELLINGS, remedies
from agrad.testing import assert_close

PAGE = Path(agrad.__file__).parents[1] / "docs" / "coming_from_pytorch.md"

CLASSES = {"Tensor": agrad.Tensor, "Module": nn.Module, "Device": Device, "DType": DType}
ROWS = [(place, theirs, ours) for place, (_, lines) in SPELLINGS.items() for theirs, ours in lines.items()]
# What draws random numbers or leaves memory as it is: only shapes and types are compared.
RANDOM = (
    "rand",
    "normal",
    "uniform",
    "bernoulli",
    "dropout",
    "empty",
    "orthogonal",
    "kaiming",
    "xavier",
    "model",
    "exponential",
    "gumbel",
    "multinomial",
)
# What sets something of the process, needs CUDA, or stands for a statement of another kind.
NOT_RUN = {
    "torch.cuda.set_device(0)", "torch.cuda.current_device()", "torch.cuda.manual_seed(0)",
    "torch.cuda.manual_seed_all(0)", "torch.set_default_device('cpu')", "torch.inference_mode()",
    "torch.set_default_tensor_type(torch.FloatTensor)", "torch.autograd.set_detect_anomaly(True)",
    "torch.get_default_device()", "nn.Buffer(x)", "nn.DataParallel(model)", "data.SubsetRandomSampler([0, 1])",
    "data.distributed.DistributedSampler(dataset)",
    "nn.parallel.DistributedDataParallel(model)", "optim.ZeroRedundancyOptimizer(params, optim.Adam, lr=0.1)",
    "torch.utils.data.DataLoader(dataset)", "data.StackDataset(x, y)", "model.bfloat16()", "x.get_device()",
    "x.bfloat16()", "x.pin_memory()", "torch.device('cpu')", "torch.utils.data.TensorDataset(x)",
    "nn.LazyLinear(2)", "torch.Generator()", "torch.get_rng_state()", "torch.set_rng_state(state)", "torch.seed()",
    "torch.set_printoptions(precision=2)", "torch.cuda.amp.autocast()", "torch.cuda.amp.GradScaler()", "x.grad_fn",
    "torch.dtype", "optim.ASGD(params)", "optim.Rprop(params)", "optim.SparseAdam(params)",
    "lr_scheduler.ChainedScheduler([a, b]).step()", "lr_scheduler.CyclicLR(optimizer, 0.1, 0.5, 10)",
}  # fmt: skip


def arrays():
    x = np.asarray([[0.25, 0.5, 0.75], [0.125, 1.0, 0.375]], dtype=np.float32)
    m = np.asarray([[2.0, 0.5, 0.25], [0.5, 3.0, 0.125], [0.25, 0.125, 1.5]], dtype=np.float32)
    return {
        "x": x,
        "y": x[::-1].copy() + np.float32(0.5),
        "m": m,
        "v": np.asarray([0.25, 0.5, 1.5], dtype=np.float32),
        "w": np.asarray([1.0, -2.0, 0.5], dtype=np.float32),
        "b": np.stack([x, 2 * x]),
        "c": np.stack([x.T, 3 * x.T]),
        "m_": np.stack([m[:2, :2]] * 2),
        "b_": np.stack([m, 2 * m]),
        "n": np.asarray([[5, 6, 7], [1, 2, 3]]),
        "k": np.asarray([[1, 2, 1], [3, 1, 2]]),
        "i": np.asarray([[0, 2, 1], [1, 1, 0]]),
        "rows": np.asarray([1, 0]),
        "mask": np.asarray([[True, False, True], [False, False, True]]),
        "z": x + 1j * x[::-1],
        "s": np.asarray(2.0, dtype=np.float32),
        "p": np.asarray(3.0, dtype=np.float32),
    }


def scope(library, **modules):
    """Return what the lines of the table speak of, of PyTorch or of agrad."""
    known = {name: library.tensor(array.copy()) for name, array in arrays().items()}
    known["p"].requires_grad_()
    layers = modules["nn"]
    layer = layers.Linear(3, 2)
    with library.no_grad():
        layer.weight[...] = known["x"]
    layer.weight.grad = 2 * known["y"]
    model = layers.Sequential(layer, layers.BatchNorm1d(2))
    known |= {"layer": layers.Linear(2, 2), "model": model, "params": [layer.weight]}
    return known | modules | {"np": np, "a": arrays()["x"], "f": lambda v: (v * v).sum()}


def result(line, known):
    """Return what a line of code is, or what `x` or `n` is behind a statement."""
    try:
        code = compile(line, line, "eval")
    except SyntaxError:
        exec(line, known)
        return known["n"] if line.startswith("n") else known["x"]
    return eval(code, known)


def plain(value):
    """Return a result in NumPy's and Python's types, so that two libraries' can be compared."""
    if callable(getattr(value, "parameters", None)):  # a layer
        return [plain(parameter) for parameter in value.state_dict().values()]
    if hasattr(value, "detach"):
        value = value.detach()
        return np.asarray(value.resolve_conj() if hasattr(value, "resolve_conj") else value)
    if hasattr(value, "data") and callable(getattr(value, "numpy", None)):
        return value.numpy()
    if isinstance(value, (tuple, list)):
        return [plain(x) for x in value]
    return str(value).rpartition(".")[2] if "dtype" in type(value).__name__.lower() else value


def assert_same(ours, theirs, values):
    if isinstance(theirs, list):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            assert_same(a, b, values)
    elif isinstance(theirs, np.ndarray):
        assert np.shape(ours) == theirs.shape
        if values:
            assert_close(np.asarray(ours), np.asarray(theirs, np.asarray(ours).dtype), rtol=1e-4, atol=1e-5)
    else:
        assert ours == theirs


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("place", "theirs", "ours"), ROWS, ids=[theirs for _, theirs, _ in ROWS])
def test_both_lines_do_the_same(place, theirs, ours):
    torch = pytest.importorskip("torch")
    known = scope(agrad, agrad=agrad, nn=nn, F=functional, init=init, utils=utils, data=data)
    if theirs in NOT_RUN or place == "agrad.distributed":  # these need several processes
        compile(ours, ours, "exec")
        return
    found = result(ours, known)
    names = {"nn": torch.nn, "F": torch.nn.functional, "init": torch.nn.init, "utils": torch.nn.utils}
    expected = result(theirs, scope(torch, torch=torch, data=torch.utils.data, **names))
    assert_same(plain(found), plain(expected), not any(word in theirs for word in RANDOM))


@pytest.mark.parametrize(
    "topk",
    [
        lambda x: agrad.sort(x, descending=True)[..., :2],
        lambda x: x.sort(descending=True)[..., :2],
        lambda x: -np.partition(-x, 1)[..., :2],
    ],
    ids=["the function", "the method", "np.partition"],
)
def test_topk_as_it_is_written_here_has_gradients(device, topk):
    x = agrad.tensor([[1.0, 4.0, 3.0], [6.0, 2.0, 5.0]], requires_grad=True)
    largest = topk(x)
    assert_close(largest.detach(), [[4.0, 3.0], [6.0, 5.0]])
    largest.sum().backward()
    assert_close(x.grad, [[0.0, 1.0, 1.0], [1.0, 0.0, 1.0]])


NAMES = [(place, name) for place in SPELLINGS for name in remedies(place)]


def place_of(place):
    """Return where a name is looked for: an object of a class, or a module."""
    objects = {"Tensor": agrad.ones(2), "Module": nn.ReLU(), "Device": Device("cpu"), "DType": agrad.float32}
    return objects[place] if place in objects else import_module(place)


def is_own(place, name):
    """Whether agrad has a name of PyTorch itself: some rows of the table serve several places."""
    if place in CLASSES:
        return not isinstance(inspect.getattr_static(CLASSES[place], name), Absent)
    return name in import_module(place).__all__


@pytest.mark.parametrize(("place", "name"), [row for row in NAMES if not is_own(*row)], ids=str)
def test_a_name_that_there_is_not_is_answered(place, name):
    where = place_of(place)
    assert not hasattr(where, name)
    assert name not in dir(where)
    with pytest.raises(AttributeError, match=f"no attribute '{name}'; write .* for PyTorch's "):
        getattr(where, name)


def test_there_are_many_of_them():
    assert len([row for row in NAMES if not is_own(*row)]) > 400


def test_unknown_names_have_no_remedy():
    for where in (agrad, nn, agrad.ones(2), nn.ReLU()):
        with pytest.raises(AttributeError, match=r"nobodys_name'$"):
            where.nobodys_name  # noqa: B018


def test_subclasses_may_have_such_attributes():
    class Rectangle(nn.Module):
        def __init__(self):
            super().__init__()
            self.type = "rectangle"

        def half(self):
            return "half"

    shape = Rectangle()
    assert (shape.type, shape.half()) == ("rectangle", "half")
    shape.register_buffer("float", agrad.ones(1))
    assert list(shape.state_dict()) == ["float"]


# What is written with PyTorch's keywords, or by position where the standard has keywords; and what to write instead.
CALLS = {
    "x.sum(dim=1)": "x.sum(axis=1)",
    "x.sum(dim=1, keepdim=True)": "x.sum(axis=1, keepdims=True)",
    "x.mean(dim=1)": "x.mean(axis=1)",
    "x.argmax(dim=1)": "x.argmax(axis=1)",
    "x.std(dim=1, unbiased=False)": "x.std(axis=1, correction=0)",
    "mask.any(dim=0)": "mask.any(axis=0)",
    "x.sort(dim=0)": "lib.sort(x, axis=0)",
    "x.sort(0, True)": "lib.sort(x, axis=0, descending=True)",
    "x.argsort(dim=0)": "lib.argsort(x, axis=0)",
    "x.softmax(dim=0)": "lib.softmax(x, axis=0)",
    "x.log_softmax(dim=0)": "lib.log_softmax(x, axis=0)",
    "x.logsumexp(dim=1)": "lib.logsumexp(x, axis=1)",
    "lib.sum(x, 1)": "lib.sum(x, axis=1)",
    "lib.sum(x, 1, True)": "lib.sum(x, axis=1, keepdims=True)",
    "lib.sum(x, dim=1)": "lib.sum(x, axis=1)",
    "lib.softmax(x, dim=1)": "lib.softmax(x, axis=1)",
    "lib.stack([x, y], dim=1)": "lib.stack([x, y], axis=1)",
    "lib.stack([x, y], 1)": "lib.stack([x, y], axis=1)",
    "lib.flip(x, dims=(0,))": "lib.flip(x, axis=(0,))",
    "lib.roll(x, 1, 0)": "lib.roll(x, 1, axis=0)",
    "lib.tril(m, diagonal=1)": "lib.tril(m, k=1)",
    "lib.triu(m, 1)": "lib.triu(m, k=1)",
    "lib.count_nonzero(x, dim=1)": "lib.count_nonzero(x, axis=1)",
    "lib.tensordot(x, c, dims=([0, 1], [2, 1]))": "lib.tensordot(x, c, axes=([0, 1], [2, 1]))",
    "lib.linalg.vector_norm(x, dim=1)": "lib.linalg.vector_norm(x, axis=1)",
    "lib.fft.fft(z, dim=0)": "lib.fft.fft(z, axis=0)",
}


@pytest.mark.parametrize(("theirs", "ours"), CALLS.items(), ids=CALLS)
def test_keywords_of_pytorch_are_answered(theirs, ours):
    settings = ours[re.search(r"\w+=", ours).start() :]
    with pytest.raises(TypeError, match=f"; write .*{re.escape(settings)}$"):
        eval(theirs, scope(agrad, lib=agrad, nn=nn))


# What is written with PyTorch's keywords, what the error says to write (with the names of parameters for arrays), and
# what that is here.
OTHER_CALLS = [
    ("lib.exp(input=x)", "exp(x)", "lib.exp(x)"),
    ("lib.add(input=x, other=y)", "add(x1, x2)", "lib.add(x, y)"),
    ("lib.add(x, other=y)", "add(x1, x2)", "lib.add(x, y)"),
    ("lib.matmul(input=x, other=m)", "matmul(x1, x2)", "lib.matmul(x, m)"),
    ("lib.pow(x, exponent=2)", "pow(x1, 2)", "lib.pow(x, 2)"),
    ("x.pow(exponent=2)", "pow(x1, 2)", "x.pow(2)"),
    ("lib.where(mask, input=x, other=y)", "where(condition, x1, x2)", "lib.where(mask, x, y)"),
    ("lib.clip(input=x, min=0.5)", "clip(x, min=0.5)", "lib.clip(x, min=0.5)"),
    ("lib.exp(x, out=y)", "out[...] = exp(x)", "lib.exp(x)"),
    ("lib.sum(input=x, dim=1)", "sum(x, axis=1)", "lib.sum(x, axis=1)"),
    ("lib.squeeze(input=x, dim=0)", "squeeze(x, axis=0)", "lib.squeeze(x[:1], axis=0)"),
    ("x.squeeze(dim=0)", "x.squeeze(axis=0)", "x[:1].squeeze(axis=0)"),
    ("x.unsqueeze(dim=0)", "expand_dims(x, axis=0)", "x.unsqueeze(0)"),
    ("lib.flip(input=x, dims=(0,))", "flip(x, axis=(0,))", "lib.flip(x, axis=(0,))"),
    ("lib.roll(x, shifts=1, dims=0)", "roll(x, shift=1, axis=0)", "lib.roll(x, shift=1, axis=0)"),
    ("lib.tile(x, dims=(2, 1))", "tile(x, (2, 1))", "lib.tile(x, (2, 1))"),
    ("lib.broadcast_to(x, size=(2, 2, 3))", "broadcast_to(x, shape=(2, 2, 3))", "lib.broadcast_to(x, (2, 2, 3))"),
    ("lib.reshape(input=x, shape=(3, 2))", "reshape(x, shape=(3, 2))", "lib.reshape(x, (3, 2))"),
    ("lib.moveaxis(x, source=0, destination=1)", "moveaxis(x, 0, 1)", "lib.moveaxis(x, 0, 1)"),
    ("lib.concat(tensors=[x, y], dim=1)", "concat(arrays, axis=1)", "lib.concat([x, y], axis=1)"),
    ("lib.diff(x, dim=0)", "diff(x, axis=0)", "lib.diff(x, axis=0)"),
    ("lib.kron(input=x, other=y)", "kron(a, b)", "lib.kron(x, y)"),
    ("lib.linalg.cross(x, y, dim=1)", "cross(x1, x2, axis=1)", "lib.linalg.cross(x, y, axis=1)"),
    ("lib.fft.fftn(z, dim=(0,))", "fftn(x, axes=(0,))", "lib.fft.fftn(z, axes=(0,))"),
    ("lib.searchsorted(v[:2], x, right=True)", 'searchsorted(x1, x2, side=\'right\')',
     'lib.searchsorted(v[:2], x, side="right")'),
    ("lib.nan_to_num(x, nan=1.0)", "nan_to_num(x, fill_value=1.0)", "lib.nan_to_num(x, fill_value=1.0)"),
    ("lib.zeros(2, 3)", "zeros((2, 3))", "lib.zeros((2, 3))"),
    ("lib.zeros(size=(2, 3))", "zeros(shape=(2, 3))", "lib.zeros(shape=(2, 3))"),
    ("lib.full(size=(2,), fill_value=1.5)", "full(shape=(2,), fill_value=1.5)", "lib.full((2,), 1.5)"),
    ("lib.linspace(0, 1, steps=3)", "linspace(0, 1, num=3)", "lib.linspace(0, 1, num=3)"),
    ("lib.arange(start=1, end=3)", "arange(1, stop=3)", "lib.arange(1, stop=3)"),
    ("lib.eye(n=3)", "eye(3)", "lib.eye(3)"),
    ("lib.tensor([1.5], pin_memory=False)", "tensor([1.5])", "lib.tensor([1.5])"),
    ('x.to("cpu", non_blocking=True)', "x.to('cpu')", 'x.to("cpu")'),
    ('model.to("cpu", non_blocking=True)', "model.to('cpu')", 'model.to("cpu")'),
    ("F.relu(x, inplace=True)", "relu(x)", "F.relu(x)"),
    ("F.dropout(x, p=0.5, training=False, inplace=True)", "dropout(input, p=0.5, training=False)",
     "F.dropout(x, p=0.5, training=False)"),
    ("F.leaky_relu(x, 0.1, inplace=True)", "leaky_relu(input, 0.1)", "F.leaky_relu(x, 0.1)"),
    ("F.mse_loss(x, y, size_average=False)", "mse_loss(input, target, reduction='sum')",
     'F.mse_loss(x, y, reduction="sum")'),
    ("F.embedding(rows, x, sparse=True)", "embedding(input, weight)", "F.embedding(rows, x)"),
    ("nn.ReLU(inplace=True)(x)", "ReLU()", "nn.ReLU()(x)"),
    ("nn.LeakyReLU(0.1, inplace=True)(x)", "LeakyReLU(0.1)", "nn.LeakyReLU(0.1)(x)"),
    ("nn.Dropout(p=0.0, inplace=True)(x)", "Dropout(p=0.0)", "nn.Dropout(p=0.0)(x)"),
    ("nn.MSELoss(reduce=False)(x, y)", "MSELoss(reduction='none')", 'nn.MSELoss(reduction="none")(x, y)'),
    ("nn.L1Loss(size_average=False)(x, y)", "L1Loss(reduction='sum')", 'nn.L1Loss(reduction="sum")(x, y)'),
    ("nn.MaxPool1d(2, return_indices=False)(b)", "MaxPool1d(2)", "nn.MaxPool1d(2)(b)"),
    ("nn.Embedding(2, 3, sparse=True).weight.shape", "Embedding(2, 3)", "nn.Embedding(2, 3).weight.shape"),
    ("optim.Adam(params, lr=0.5, fused=False).defaults['lr']", "Adam(params, lr=0.5)",
     "optim.Adam(params, lr=0.5).defaults['lr']"),
    ("optim.SGD(params, lr=0.5, foreach=True).defaults['lr']", "SGD(params, lr=0.5)",
     "optim.SGD(params, lr=0.5).defaults['lr']"),
    ("nn.MSELoss(size_average=None, reduce=None, reduction='sum')(x, y)", "MSELoss(reduction='sum')",
     "nn.MSELoss(reduction='sum')(x, y)"),
    ("utils.clip_grad_norm_(params, 1.0, foreach=True)", "clip_grad_norm_(parameters, 1.0)",
     "utils.clip_grad_norm_(params, 1.0)"),
]  # fmt: skip


def everything(library):
    if library is agrad:
        found = {"nn": nn, "F": functional, "utils": utils, "optim": optim}
    else:
        found = {"F": library.nn.functional, "utils": library.nn.utils, "optim": library.optim, "nn": library.nn}
    return scope(library, lib=library, **found)


@pytest.mark.parametrize(("theirs", "told", "ours"), OTHER_CALLS, ids=[row[0] for row in OTHER_CALLS])
def test_other_keywords_of_pytorch_are_answered(theirs, told, ours):
    with pytest.raises(TypeError, match=f"write {re.escape(told)}$"):
        eval(theirs, everything(agrad))


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("theirs", "told", "ours"), OTHER_CALLS, ids=[row[0] for row in OTHER_CALLS])
def test_the_advice_of_those_errors_computes_the_same(theirs, told, ours):
    torch = pytest.importorskip("torch")
    theirs = re.sub(r"squeeze\((input=)?x", r"squeeze(\1x[:1]", theirs).replace("x.squeeze", "x[:1].squeeze")
    assert_same(plain(eval(ours, everything(agrad))), plain(eval(theirs, everything(torch))), "model" not in theirs)


@pytest.mark.parametrize(("theirs", "ours"), spellings.CALLS.items(), ids=spellings.CALLS)
def test_calls_that_are_written_otherwise_are_answered(theirs, ours):
    theirs = theirs.replace("utils.checkpoint.", "")
    with pytest.raises(TypeError, match=f"write .*{re.escape(ours)} for "):
        eval(theirs, everything(agrad) | {"torch": agrad})


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("theirs", "ours"), spellings.CALLS.items(), ids=spellings.CALLS)
def test_calls_that_are_written_otherwise_do_the_same(theirs, ours):
    torch = pytest.importorskip("torch")
    if "amp." in theirs or "autocast" in theirs:
        eval(ours)
        return
    expected = plain(eval(theirs, everything(torch) | {"torch": torch}))
    assert_same(plain(eval(ours, everything(agrad) | {"agrad": agrad})), expected, "rand" not in theirs)


def test_arguments_that_are_missing_or_too_many():
    x = agrad.ones((2, 3))
    with pytest.raises(TypeError, match="exp got None for x"):
        agrad.exp()
    with pytest.raises(TypeError, match="add got None for x2"):
        agrad.add(x)
    with pytest.raises(TypeError, match=r"exp\(\) does not take float32 of shape \(2, 3\) by position"):
        agrad.exp(x, x)
    with pytest.raises(TypeError, match=r"reshape\(\) lacks an argument; its arguments are x, shape, copy"):
        agrad.reshape(x)
    with pytest.raises(TypeError, match=r"squeeze\(\) lacks an argument; write x\.squeeze\(\)"):
        agrad.squeeze(x)


def test_an_error_inside_of_a_function_stays_as_it_is():
    def fails():
        raise TypeError("from inside")

    with pytest.raises(TypeError, match=r"^from inside$"):
        agrad.grad(lambda x: fails())(1.0)


def test_functions_that_answer_can_be_pickled():
    for function in (functional.dropout, agrad.zeros, agrad.kron, data.default_collate):
        assert pickle.loads(pickle.dumps(function)) is function


@pytest.mark.peers
@pytest.mark.parametrize(("theirs", "ours"), CALLS.items(), ids=CALLS)
def test_the_advice_computes_the_same(theirs, ours):
    torch = pytest.importorskip("torch")
    found = plain(eval(ours, scope(agrad, lib=agrad, nn=nn)))
    expected = plain(eval(theirs, scope(torch, lib=torch, nn=torch.nn)))
    assert_same(found, expected[0] if isinstance(expected, list) else expected, True)  # of values and indices


def test_unknown_keywords_are_answered_with_the_known_ones():
    x = agrad.ones((2, 3))
    with pytest.raises(TypeError, match="take foo=1; its arguments are x, axis, dtype, keepdims"):
        agrad.sum(x, foo=1)
    with pytest.raises(TypeError, match=r"float32 of shape \(2, 3\) by position; its arguments are arrays, axis"):
        agrad.concat(x, x)
    with pytest.raises(TypeError, match="take dim=0 and 1 by position; its arguments are x, axis, keepdims"):
        agrad.max(x, 1, dim=0)
    with pytest.raises(TypeError, match=r"take True by position; write x.sum\(1, keepdims=True\)"):
        x.sum(1, True)


def test_the_table_in_the_documentation_is_part_of_this_one():
    section = PAGE.read_text(encoding="utf-8").split("## The most common differences")[1].split("##")[0]
    shown = re.findall(r"^\| `(.+)` \| `(.+)` \|$", section, re.MULTILINE)
    assert len(shown) > 30
    assert set(shown) <= {(theirs, ours) for _, theirs, ours in ROWS}


@pytest.mark.parametrize("name", sorted(NUMPY_FUNCTIONS))
def test_a_method_of_numpys_is_answered_by_its_function(name):
    with pytest.raises(AttributeError, match=rf"np\.{name}\(x, \.\.\.\)"):
        getattr(agrad.ones((2, 2)), name)
    assert callable(getattr(np, name))

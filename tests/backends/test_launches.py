"""How many kernels a training step launches on CUDA, and how many products cuBLAS makes, counted on the emulated GPU.

Small networks on a GPU are bound by launches. The numbers are those that were reached: one that grows is a regression.
"""

import pytest

import agrad
from agrad import nn, optim
from tests.cupy_on_cpu.trace import Trace, is_emulated


@pytest.fixture(autouse=True)
def emulated():
    with agrad.Device("cuda"):
        if not is_emulated():
            pytest.skip('counts what the emulator notes: nox -s "tests(cuda-on-cpu)"')
        yield


pytestmark = pytest.mark.cuda


def mlp():
    return nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)), agrad.rand(4, 784)


def lenet():
    """The network of LeCun, Bottou, Bengio and Haffner, with ReLU and max pooling."""
    model = nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip
    return model, agrad.rand(2, 1, 28, 28)


def example():
    """The network of examples/mnist_cnn.py."""
    model = nn.Sequential(
        nn.Conv2d(1, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(512, 128), nn.ReLU(), nn.Linear(128, 10),
    )  # fmt: skip
    return model, agrad.rand(2, 1, 28, 28)


def with_layer(*layers):
    """Return a function that makes a network with these layers, and its input."""
    return lambda: (nn.Sequential(nn.Linear(6, 8), *(make() for make in layers), nn.Linear(8, 10)), agrad.rand(4, 6))


OPTIMIZERS = {
    "SGD": lambda parameters: optim.SGD(parameters, 0.1),
    "momentum": lambda parameters: optim.SGD(parameters, 0.1, momentum=0.9, nesterov=True, weight_decay=1e-4),
    "Adam": lambda parameters: optim.Adam(parameters),
    "AMSGrad": lambda parameters: optim.Adam(parameters, amsgrad=True, weight_decay=1e-4),
    "AdamW": lambda parameters: optim.AdamW(parameters),
}
STEPS = [  # network, kernels and products of a step with any of the optimizers
    (mlp, 7, 5),
    (lenet, 22, 14),
    (example, 21, 11),
]
LAYERS = [  # a layer between two linear ones, and the kernels that it adds to theirs
    (nn.ReLU, 0),
    (lambda: nn.Dropout(0.5), 3),
    (lambda: nn.Softmax(-1), 2),
    (lambda: nn.LogSoftmax(-1), 2),
    (lambda: nn.LayerNorm(8), 8),
    (lambda: nn.BatchNorm1d(8), 12),
]


def step_of(model, x, optimizer, loss=None):
    """Return what a training step launches, once all is set up."""
    y = agrad.randint(10, (x.shape[0],))
    loss = loss or nn.CrossEntropyLoss()
    for _ in range(3):
        with Trace() as trace:
            optimizer.zero_grad()
            loss(model(x), y).backward()
            optimizer.step()
    return trace


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize(("make", "kernels", "products"), STEPS)
def test_training_steps(make, kernels, products, name):
    model, x = make()
    trace = step_of(model, x, OPTIMIZERS[name](model.parameters()))
    assert len(trace.kernels) <= kernels, trace.kernels
    assert len(trace.products) <= products
    assert trace.waits == []


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_training_step_in_16_bits(name):
    model, x = mlp()
    model.to(agrad.float16)
    trace = step_of(model, agrad.astype(x, "float16"), OPTIMIZERS[name](model.parameters()))
    assert len(trace.kernels) <= 11, trace.kernels
    assert len(trace.products) <= 5


@pytest.mark.parametrize(("make", "kernels"), LAYERS)
def test_layers(make, kernels):
    counts = []
    for network in (with_layer(), with_layer(make)):
        model, x = network()
        counts.append(step_of(model, x, OPTIMIZERS["SGD"](model.parameters())).kernels)
    plain, whole = counts
    assert len(whole) - len(plain) <= kernels, whole


@pytest.mark.parametrize(
    "settings", [{"label_smoothing": 0.1}, {"ignore_index": 3}, {"weight": [1.0] * 10, "label_smoothing": 0.1}]
)
def test_the_loss_and_its_gradient_are_one_kernel_each(settings):
    if "weight" in settings:
        settings = settings | {"weight": agrad.asarray(settings["weight"])}
    loss = nn.CrossEntropyLoss(**settings)
    x = agrad.randn(4, 10, requires_grad=True)
    y = agrad.randint(10, (4,))
    for _ in range(2):  # the first pass makes the number that all begin with
        x.grad = None
        with Trace() as trace:
            loss(x, y).backward()
    assert trace.kernels == ["agrad_softmax_nll", "agrad_softmax_nll_input"]


@pytest.mark.parametrize(
    ("make", "shape", "kernels"),
    [
        (lambda: nn.Linear(6, 8), (4, 6), ["bias_relu", "bias_relu_inputs"]),
        (lambda: nn.Linear(6, 8), (2, 4, 6), ["bias_relu", "bias_relu_inputs"]),
        (lambda: nn.Conv2d(3, 4, 2), (2, 3, 5, 5), ["im2col", "bias_relu", "bias_relu_inputs", "col2im", "im2col"]),
    ],
)
def test_a_bias_and_the_relu_after_it_are_one_kernel_each_way(make, shape, kernels):
    model, x = nn.Sequential(make(), nn.ReLU()), agrad.rand(*shape, requires_grad=True)
    weights = agrad.ones_like(model(x).detach())
    with Trace() as trace:
        agrad.gradients(model(x), [x, *model.parameters()], weights)
    assert trace.kernels == [f"agrad_{name}" for name in kernels]
    with Trace() as trace, agrad.profile():
        agrad.gradients(model(x), [x, *model.parameters()], weights)
    assert "agrad_where_nonzero" in trace.kernels  # what is observed runs layer by layer


def test_many_parameters_take_few_kernels():
    parameters = [nn.Parameter(agrad.rand(3)) for _ in range(100)]
    optimizer = optim.Adam(parameters)
    for _ in range(2):
        for p in parameters:
            p.grad = agrad.rand(3)
        with Trace() as trace:
            optimizer.step()
            optimizer.zero_grad()
    assert trace.kernels == ["agrad_adam"] * 2  # whose arguments hold 64 parameters each


def test_products_of_stacks_with_a_matrix_are_one():
    x, w = agrad.rand(3, 4, 5), agrad.rand(6, 5)
    with Trace() as trace:
        agrad.matmul(x, w.T)
    assert (trace.kernels, len(trace.products)) == ([], 1)


def test_gradients_of_windows_are_not_copied():
    layer = nn.Conv2d(2, 3, 2)
    x = agrad.rand(2, 2, 4, 4)
    layer(x).sum().backward()
    layer.zero_grad()
    with Trace() as trace:
        layer(x).sum().backward()
    assert len(trace.kernels) <= 8, trace.kernels

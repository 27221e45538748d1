"""Losses beside PyTorch's."""

import numpy as np
import pytest

import agrad
from agrad.testing import assert_close
from tests.peers.compare import compare, twins

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore:reduction:UserWarning")]
RANDOM = np.random.default_rng(1)


def both(values):
    """The same values as constants of both libraries."""
    return agrad.asarray(values), torch.tensor(values)


def losses(name, **settings):
    """The loss of both libraries, arrays among the settings as their own."""
    made = []
    for library, convert in ((agrad, agrad.asarray), (torch, torch.tensor)):
        own = {key: convert(value) if isinstance(value, np.ndarray) else value for key, value in settings.items()}
        made.append(getattr(library.nn, name)(**own))
    assert list(made[0].state_dict()) == list(made[1].state_dict())
    return made


WEIGHT = np.asarray([0.5, 2.0, 1.5])
CLASSES = [
    {},
    {"weight": WEIGHT},
    {"ignore_index": 1},
    {"ignore_index": 2, "weight": WEIGHT},
    {"label_smoothing": 0.2},
    {"label_smoothing": 0.3, "weight": WEIGHT, "ignore_index": 0},
    {"label_smoothing": 1.0, "ignore_index": -1},
]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("settings", CLASSES, ids=str)
@pytest.mark.parametrize("shape", [(3,), (6, 3), (4, 3, 5)])
def test_cross_entropy(shape, settings, reduction):
    ours, theirs = losses("CrossEntropyLoss", reduction=reduction, **settings)
    x, a = twins(shape)
    classes = RANDOM.integers(0, 3, shape[:1] + shape[2:] if len(shape) > 1 else ())
    if classes.ndim:
        classes[0], classes[-1] = settings.get("ignore_index", -100), 1
    elif classes == settings.get("ignore_index"):
        classes = np.asarray(1)  # where all are ignored the mean is 0 / 0
    mine, other = both(classes)
    compare(ours(x, mine), theirs(a, other), [(x, a)])


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("settings", [{}, {"weight": WEIGHT}, {"label_smoothing": 0.2, "weight": WEIGHT}], ids=str)
def test_cross_entropy_of_probabilities(settings, reduction):
    ours, theirs = losses("CrossEntropyLoss", reduction=reduction, **settings)
    (x, a), (p, q) = twins((4, 3, 2)), twins((4, 3, 2), seed=1)
    compare(ours(x, p), theirs(a, q), [(x, a), (p, q)])


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("settings", CLASSES[:4], ids=str)
def test_nll(settings, reduction):
    ours, theirs = losses("NLLLoss", reduction=reduction, **settings)
    (x, a), (mine, other) = twins((6, 3)), both(np.asarray([0, 1, 2, 2, 1, 0]))
    compare(ours(x, mine), theirs(a, other), [(x, a)])


PAIRS = [
    ("MSELoss", {}),
    ("L1Loss", {}),
    ("SmoothL1Loss", {}),
    ("SmoothL1Loss", {"beta": 0.3}),
    ("SmoothL1Loss", {"beta": 0.0}),
    ("HuberLoss", {"delta": 0.7}),
]


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(("name", "settings"), PAIRS)
def test_of_pairs(name, settings, reduction, precision):
    ours, theirs = losses(name, reduction=reduction, **settings)
    (x, a), (y, b) = twins((4, 3), precision), twins((4, 3), precision, 1)
    compare(ours(x, y), theirs(a, b), [(x, a), (y, b)], precision)


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("settings", [{}, {"weight": np.asarray([[1.0, 0.5, 2.0]])}], ids=str)
def test_binary_cross_entropy(settings, reduction, precision):
    settings = {key: value.astype(precision) for key, value in settings.items()}
    ours, theirs = losses("BCELoss", reduction=reduction, **settings)
    values = RANDOM.random((2, 4, 3)).astype(precision)
    (x, a), (y, b) = [(agrad.asarray(v, requires_grad=True), torch.tensor(v, requires_grad=True)) for v in values]
    compare(ours(x, y), theirs(a, b), [(x, a), (y, b)], precision)


def test_binary_cross_entropy_of_certainties():
    values = [0.0, 0.0, 1.0, 1.0, 1e-30], [0.0, 1.0, 0.0, 1.0, 1.0]
    (x, a), (y, b) = map(both, map(np.asarray, values))
    x.requires_grad_(), a.requires_grad_()
    ours, theirs = (library.nn.BCELoss(reduction="none")(*xs) for library, *xs in ((agrad, x, y), (torch, a, b)))
    compare(ours, theirs)
    ours.sum().backward(), theirs.sum().backward()
    assert_close(x.grad, a.grad.numpy(), rtol=1e-8)  # PyTorch's 1e-12 is a float32


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("settings", [{}, {"pos_weight": WEIGHT}, {"pos_weight": WEIGHT, "weight": WEIGHT}], ids=str)
def test_binary_cross_entropy_with_logits(settings, reduction, precision):
    settings = {key: value.astype(precision) for key, value in settings.items()}
    ours, theirs = losses("BCEWithLogitsLoss", reduction=reduction, **settings)
    (x, a), (y, b) = twins((4, 3), precision), twins((4, 3), precision, 1)
    compare(ours(10 * x, y), theirs(10 * a, b), [(x, a), (y, b)], precision)


@pytest.mark.parametrize("reduction", ["batchmean", "mean", "sum", "none"])
@pytest.mark.parametrize("log_target", [True, False])
def test_kl_divergence(reduction, log_target):
    ours, theirs = losses("KLDivLoss", reduction=reduction, log_target=log_target)
    x, a = twins((4, 3))
    target = RANDOM.random((4, 3))
    target[0, 0] = 0.0
    mine, other = both(np.log(target + 0.1) if log_target else target)
    compare(ours(x, mine), theirs(a, other), [(x, a)])


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("margin", [0.0, 0.3])
def test_cosine_embedding(reduction, margin):
    ours, theirs = losses("CosineEmbeddingLoss", margin=margin, reduction=reduction)
    (x, a), (y, b) = twins((6, 4)), twins((6, 4), seed=1)
    mine, other = both(np.asarray([1, -1, 1, -1, -1, -1]))
    compare(ours(x, y, mine), theirs(a, b, other), [(x, a), (y, b)])


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("settings", [{}, {"p": 3.0, "margin": 0.5}, {"p": float("inf")}, {"swap": True}], ids=str)
def test_triplet_margin(settings, reduction):
    ours, theirs = losses("TripletMarginLoss", reduction=reduction, **settings)
    leaves = [twins((6, 4), seed=i) for i in range(3)]
    compare(ours(*(x for x, _ in leaves)), theirs(*(a for _, a in leaves)), leaves)


LENGTHS = [([12, 7, 9, 3], [4, 2, 0, 4]), ([12] * 4, [3, 4, 1, 2]), ([1, 2, 3, 4], [4] * 4)]


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("settings", [{"zero_infinity": True}, {"blank": 3, "zero_infinity": True}], ids=str)
@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
def test_ctc(lengths, settings, reduction, precision):
    """Of scores: PyTorch's gradient is right for these only, and not for their log_softmax."""
    ours, theirs = losses("CTCLoss", reduction=reduction, **settings)
    x, a = twins((12, 4, 6), precision)
    labels = np.random.default_rng(0).integers(1, 3, (4, 4))
    (mine, other), counts = both(labels), [both(np.asarray(n)) for n in lengths]
    results = (
        loss(library.nn.functional.log_softmax(z, -1), target, *(pair[side] for pair in counts))
        for side, (loss, library, z, target) in enumerate([(ours, agrad, x, mine), (theirs, torch, a, other)])
    )
    compare(*results, [(x, a)], precision)


def test_ctc_of_impossible_targets():
    values = [
        library.nn.functional.ctc_loss(
            library.nn.functional.log_softmax(library.zeros((3, 2, 4)), -1),
            library.asarray([[1, 1, 1], [2, 0, 0]]),
            library.asarray([3, 3]),
            library.asarray([3, 1]),
            reduction="none",
        ).tolist()
        for library in (agrad, torch)
    ]
    np.testing.assert_allclose(*values, rtol=1e-6)


def test_ctc_without_a_batch_and_in_one_row():
    def of_scores(library, scores, *others):
        return library.nn.functional.ctc_loss(library.nn.functional.log_softmax(scores, -1), *others)

    x, a = twins((5, 4))
    labels, steps, count = (both(np.asarray(n)) for n in ([1, 2], 5, 2))
    compare(*map(of_scores, (agrad, torch), (x, a), labels, steps, count), [(x, a)])
    x, a = twins((5, 3, 4))
    labels, steps, count = (both(np.asarray(n)) for n in ([1, 2, 3], [5, 4, 5], [2, 0, 1]))
    compare(*map(of_scores, (agrad, torch), (x, a), labels, steps, count), [(x, a)])

"""vmap beside the other transforms, in every order, against a loop; and what it refuses."""

import contextvars
import gc
import threading

import numpy as np
import pytest

import agrad
from agrad import backends, nn
from agrad.core.device import opened
from agrad.core.primitive import ArrayLike, primitive
from agrad.testing import assert_close
from agrad.transforms import pytrees


def draw(*shape):
    random = np.random.default_rng(sum(shape))
    dtype = "float64" if agrad.get_device().backend.supports_float64 else "float32"
    return agrad.asarray(random.uniform(0.5, 1.5, shape), dtype=dtype)


def loop(f):
    """Return what vmap is to do."""

    def looped(*xs):
        results = [f(*[x[i, ...] for x in xs]) for i in range(xs[0].shape[0])]
        leaves = zip(*[pytrees.flatten(result) for result in results], strict=True)
        return pytrees.unflatten(results[0], [agrad.stack(list(parts)) for parts in leaves])

    return looped


def assert_same(found, expected):
    for a, e in zip(pytrees.flatten(found), pytrees.flatten(expected), strict=True):
        tolerance = 1e-9 if a.dtype.name == "float64" else 1e-4
        assert_close(a.detach(), e.detach(), rtol=tolerance, atol=tolerance)


def wave(x):
    """Return a number that depends on three others, each beside the others."""
    return agrad.sum(agrad.sin(x) * agrad.flip(x) * x[0])


TRANSFORMED = {
    "value": wave,
    "grad": agrad.grad(wave),
    "value_and_grad": agrad.value_and_grad(wave),
    "elementwise_grad": agrad.elementwise_grad(agrad.tanh),
    "grad of grad": agrad.grad(lambda x: agrad.sum(agrad.grad(wave)(x) ** 2)),
    "vjp": lambda x: agrad.vjp(lambda z: z * x, x + 1)[1](x),
    "jvp": lambda x: agrad.jvp(lambda z: agrad.sin(z) * x, [x], [x])[1],
    "jvp of jvp": lambda x: agrad.jvp(lambda x: agrad.jvp(wave, [x], [x * x])[1], [x], [x])[1],
    "jvp of grad": lambda x: agrad.jvp(agrad.grad(wave), [x], [x + 1])[1],
    "jvp of vmap": lambda x: agrad.jvp(agrad.vmap(lambda a: agrad.sin(a) * x[0]), [x], [x])[1],
    "jvp of checkpoint": lambda x: agrad.jvp(agrad.checkpoint(wave), [x], [x])[1],
    "grad of jvp": agrad.grad(lambda x: agrad.jvp(wave, [x], [x * x])[1]),
    "hvp": lambda x: agrad.hvp(wave, [x], [x + 1]),
    "jacobian": agrad.jacobian(lambda x: agrad.sin(x) * x[0]),
    "jacobian of a tall one": agrad.jacobian(lambda x: agrad.concat([x, x * x, x[:1]])),
    "hessian": agrad.hessian(wave),
    "checkpoint": agrad.checkpoint(wave),
    "grad of checkpoint": agrad.grad(agrad.checkpoint(wave)),
    "hessian of checkpoint": agrad.hessian(agrad.checkpoint(wave)),
    "vmap": agrad.vmap(lambda a: a * a),
    "grad of vmap": agrad.grad(lambda x: agrad.sum(agrad.vmap(lambda a: agrad.sin(a) * x[0])(x))),
    "jacobian of vmap": agrad.jacobian(agrad.vmap(lambda a: agrad.sin(a) * a)),
    "hessian of vmap": agrad.hessian(lambda x: agrad.sum(agrad.vmap(lambda a: a * agrad.sum(x))(x) ** 2)),
}


@pytest.mark.parametrize("name", TRANSFORMED)
def test_vmap_of_a_transform_is_a_loop(device, name):
    x = draw(4, 3)
    assert_same(agrad.vmap(TRANSFORMED[name])(x), loop(TRANSFORMED[name])(x))


@pytest.mark.parametrize("name", ["value", "grad", "jvp", "hvp", "checkpoint", "grad of checkpoint", "grad of vmap"])
def test_transforms_of_vmap_are_those_of_a_loop(device, name):
    x, f = draw(4, 3), TRANSFORMED[name]

    def number(each):
        return lambda x: sum(agrad.sum(y * y) for y in pytrees.flatten(each(f)(x)))

    for transform in (agrad.grad, agrad.hessian, agrad.jacobian):
        assert_same(transform(number(agrad.vmap))(x), transform(number(loop))(x))
    assert_same(agrad.jvp(number(agrad.vmap), [x], [x])[1], agrad.jvp(number(loop), [x], [x])[1])


def test_vmap_of_vmap_over_other_axes(device):
    x, y = draw(2, 3), draw(3, 4)
    product = agrad.vmap(agrad.vmap(agrad.vecdot, in_axes=(None, 1)), in_axes=(0, None))
    assert_same(product(x, y), x @ y)
    assert_same(agrad.vmap(agrad.vmap(lambda a: a + 1, out_axes=-1), in_axes=1, out_axes=1)(draw(2, 3)), draw(2, 3) + 1)


def test_pulling_back_a_batch_of_cotangents_through_a_vmap_that_has_ended(device):
    w, cotangents = draw(3), draw(5, 3, 3)
    _, pull = agrad.vjp(lambda w: agrad.vmap(lambda a: agrad.sin(a) * w)(w), w)
    assert_same(agrad.vmap(pull)(cotangents), loop(pull)(cotangents))

    def through(each):
        def number(w):
            jacobian = agrad.jacobian(lambda z: each(lambda a: agrad.sin(a) * w * agrad.sum(a * w))(z))
            return agrad.sum(jacobian(draw(2, 3)) ** 2)

        return agrad.grad(number)(w)

    assert_same(through(agrad.vmap), through(loop))


def jacobian_by_rows(f):
    def jacobian(x):
        y, pull = agrad.vjp(f, x)
        units = agrad.reshape(agrad.eye(y.size, dtype=x.dtype), (y.size, *y.shape))
        return agrad.stack([pull(units[i, ...])[0] for i in range(y.size)])

    return jacobian


SECOND_ORDER = {
    "jacobian": agrad.jacobian,
    "jacobian of grad": lambda jacobian: agrad.jacobian(agrad.grad(lambda x: agrad.sum(jacobian(x) ** 2))),
    "jacobian of jvp": lambda jacobian: agrad.jacobian(lambda x: agrad.jvp(jacobian, [x], [x])[1]),
    "grad of grad": lambda jacobian: agrad.grad(
        lambda x: agrad.sum(agrad.grad(lambda x: agrad.sum(jacobian(x) ** 2))(x) ** 2)
    ),
    "vmap of pull": lambda jacobian: lambda x: agrad.vmap(agrad.vjp(jacobian, x)[1])(draw(6, 5, 5, 2))[0],
}


@pytest.mark.parametrize("name", SECOND_ORDER)
def test_batches_of_cotangents_meet_those_of_a_vmap_that_has_ended(device, name):
    """A second batch of cotangents is pulled back through what the first recorded."""
    row, x = lambda a: agrad.sum(a**3) * a[0], draw(5, 2)
    found = SECOND_ORDER[name](agrad.jacobian(agrad.vmap(row)))(x)
    assert_same(found, SECOND_ORDER[name](jacobian_by_rows(loop(row)))(x))


def test_gradients_per_example_of_closed_over_tensors(device):
    x, w = draw(4, 3), draw(3)
    f = lambda a: agrad.grad(lambda w: agrad.sum(w * a * a))(w)
    assert_same(agrad.vmap(f)(x), loop(f)(x))

    def with_a_leaf(a):
        leaf = agrad.ones(3, dtype=a.dtype).requires_grad_()
        agrad.sum(leaf * a * a).backward()
        return leaf.grad

    assert_same(agrad.vmap(with_a_leaf)(x), loop(with_a_leaf)(x))


def test_gradients_flow_to_closed_over_tensors(device):
    x, found = draw(4, 3), []
    for each in (agrad.vmap, loop):
        w = draw(3).requires_grad_()
        agrad.sum(each(lambda a: agrad.sum(agrad.sin(a * w)))(x) ** 2).backward()  # noqa: B023
        found.append(w.grad)
    assert_same(*found)


def test_backward_inside_adds_up_over_the_batch_as_a_loop_does(device):
    x, found = draw(4, 3), []
    for each in (agrad.vmap, loop):
        w = draw(3).requires_grad_()

        def step(a, w=w):
            loss = agrad.sum(agrad.sin(a * w))
            loss.backward()
            return loss.detach()

        each(step)(x)
        found.append(w.grad)
    assert_same(*found)


def test_gradients_share_no_memory(device):
    """Writing into one would change another, as accumulating into it does."""
    x, y = draw(3).requires_grad_(), draw(3).requires_grad_()
    double = lambda a, b: (a + b) * 2
    (agrad.vmap(lambda a, b: a + b)(x, y) * 2).sum().backward()
    grads = [x.grad, y.grad]
    both = agrad.grad(lambda a, b: double(a, b).sum(), (0, 1))
    grads += [*both(x.detach(), y.detach()), *agrad.vmap(both)(draw(3, 2), draw(3, 2))]
    c = x * 2
    grads += agrad.gradients(double(c, y).sum(), [c, y])
    with agrad.no_grad():
        for i, g in enumerate(grads):
            g *= 0
            for other in grads[i + 1 :]:
                assert agrad.all(other == 2).item()


def test_rules_of_several_outputs_and_of_sequences_for_a_batch_of_cotangents(device):
    x = draw(2, 2)

    def f(x):
        _, r = agrad.linalg.qr(x @ x)  # nothing depends on the other output
        return agrad.concat([agrad.sum(r, axis=0), r[0], agrad.flip(x[1]) / r[1, 1]])

    weights = agrad.eye(6, dtype=x.dtype)
    pull = agrad.vjp(f, x)[1]
    assert_same(agrad.jacobian(f)(x), loop(lambda w: pull(w)[0])(weights))
    assert_same(agrad.hessian(lambda x: agrad.sum(f(x) ** 2))(x), loop_of_hvps(lambda x: agrad.sum(f(x) ** 2), x))


def loop_of_hvps(f, x):
    units = agrad.reshape(agrad.eye(x.size, dtype=x.dtype), (x.size, *x.shape))
    rows = [agrad.hvp(f, [x], [units[i, ...]])[0] for i in range(x.size)]
    return agrad.reshape(agrad.stack(rows), x.shape + x.shape)


def test_gradients_for_a_tensor_from_outside_are_refused(device):
    w = draw(3).requires_grad_()
    with pytest.raises(RuntimeError, match=r"comes from outside of vmap.*in_axes"):
        agrad.vmap(lambda a: agrad.gradients(agrad.sum(a * w), w)[0])(draw(4, 3))


# Axes


def test_axes_of_numpys_integers(device):
    assert_same(agrad.vmap(lambda a: a, np.int64(1), np.int8(-1))(draw(4, 3)), draw(4, 3))


def test_nested_axes_and_unmapped_arguments(device):
    x, w = draw(4, 3), draw(3)
    f = lambda d, n: {"scaled": d["a"] * n, "same": (d["b"],)}
    found = agrad.vmap(f, in_axes=({"a": 1, "b": None}, None), out_axes={"scaled": -1, "same": None})
    assert_same(found({"a": x, "b": w}, 2), {"scaled": 2 * x, "same": (w,)})
    assert_same(agrad.vmap(lambda a, *, b: a + b)(x, b=x), x + x)
    assert_same(agrad.vmap(lambda a: w)(x), agrad.stack([w] * 4))
    assert agrad.vmap(lambda: agrad.zeros(2), axis_size=5)().shape == (5, 2)
    assert agrad.vmap(wave)(draw(0, 3)).shape == (0,)


EMPTY = {
    "a layer": lambda a, w: nn.functional.linear(a, w),
    "a norm": lambda a, w: nn.functional.layer_norm(a, (4,)) * w,
    "a convolution of own weights": lambda a, w: nn.functional.conv1d(a[None, :, :], w[None, :, :2]),
    "a convolution of one": lambda a, w: nn.functional.conv1d(agrad.ones((1, 3, 4), dtype=w.dtype), w[None, :, :2]),
    "an embedding": lambda a, w: nn.functional.embedding(agrad.argsort(a[0]) % 3, w),
    "indices": lambda a, w: a[agrad.argmax(w[:, 0])],
    "a loss": lambda a, w: nn.functional.cross_entropy(a, agrad.argmax(w, axis=1)),
    "a search": lambda a, w: agrad.astype(agrad.searchsorted(a[0], w[0]), "float32") * 1.0,
}


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_batch_gives_what_has_the_shape_of_a_batch(device, name):
    f = EMPTY[name]
    for function in (f, agrad.grad(lambda a, w: agrad.sum(f(a, w)), (0, 1))):
        found, full = [agrad.vmap(function)(draw(size, 3, 4), draw(size, 3, 4)) for size in (0, 2)]
        for x, y in zip(pytrees.flatten(found), pytrees.flatten(full), strict=True):
            assert (x.shape, x.dtype) == ((0, *y.shape[1:]), y.dtype)


@pytest.mark.parametrize("dtype", ["float32", "int32", "bool"])
@pytest.mark.parametrize(
    "make",
    [
        lambda a: agrad.full((2, 3), a[0]),
        lambda a: agrad.full_like(agrad.ones(2), a[1], dtype="int64"),
        lambda a: agrad.linspace(a[0], a[1], 4),
        lambda a: agrad.linspace(1.0, a[:1], 3, endpoint=False, dtype="float32"),
    ],
)
def test_tensors_made_of_numbers_that_differ_over_the_batch(device, make, dtype):
    x = agrad.asarray([[0, 1], [1, 0], [1, 1]]).astype(dtype)
    for found in (agrad.vmap(make)(x), agrad.vmap(agrad.vmap(make))(x[None, ...])[0, ...]):
        expected = loop(make)(x)
        assert found.dtype == expected.dtype
        assert_close(found, expected, rtol=1e-6, atol=1e-6)
    if dtype == "float32" and make(x[0]).dtype.differentiable:
        slope = agrad.grad(lambda a: agrad.sum(agrad.sin(make(a))))
        assert_same(agrad.vmap(slope)(x), loop(slope)(x))


def test_tensors_made_in_f_are_on_the_arguments_device(device):
    def f(a):
        assert a.device is device
        assert agrad.zeros_like(a).device is device
        return agrad.arange(3, dtype=a.dtype, device=a.device) + a

    assert agrad.vmap(f)(draw(2, 3)).device is device


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda x: agrad.vmap(lambda a: a, in_axes=(0, 0))(x), r"in_axes must be .* a tuple of length 1; not \(0, 0\)"),
        (lambda x: agrad.vmap(lambda a: a, in_axes=[{}])(x), "in_axes must be an integer"),
        (lambda x: agrad.vmap(lambda a: a, in_axes=True)(x), "in_axes must be an integer.* not True"),
        (lambda x: agrad.vmap(lambda a: a, in_axes=x[0])(x), "in_axes must be an integer"),
        (
            lambda x: agrad.vmap(lambda a, b: a)(x, x.T),
            "equal length.* 4 from axis 0 of argument 0.* 3 from axis 0 of argument 1",
        ),
        (
            lambda x: agrad.vmap(lambda p, *, b: b)({"a": x, "b": [x.T]}, b=x[:2]),
            r"4 from axis 0 of argument 0\['a'\], .* 3 from axis 0 of argument 0\['b'\]\[0\], .* 2 from .* argument b,",
        ),
        (lambda x: agrad.vmap(lambda a: a, axis_size=3)(x), "3 from axis_size; 4 from axis 0"),
        (lambda x: agrad.vmap(lambda a: a, in_axes=2)(x), r"argument 0 is 2, but its shape is \(4, 3\); write None"),
        (lambda x: agrad.vmap(lambda a: a)(1.0), "axis of argument 0 is 0"),
        (lambda x: agrad.vmap(lambda a, flag: a)(x, flag=True), r"keyword.* functools.partial\(f, flag=...\)"),
        (lambda x: agrad.vmap(lambda a: a, in_axes=None)(x), "axis_size=n"),
        (lambda x: agrad.vmap(lambda a: a, out_axes=None)(x), "differs over the batch"),
        (lambda x: agrad.vmap(lambda a: a, out_axes=2)(x), "out_axes names axis 2"),
        (lambda x: agrad.vmap(lambda a: a, randomness="some"), "'error', 'different' or 'same'"),
        (lambda x: agrad.vmap(lambda a: a, chunk_size=0), "chunk_size"),
    ],
)
def test_wrong_axes_are_refused(device, call, match):
    with pytest.raises(ValueError, match=match):
        call(draw(4, 3))


def test_arguments_on_another_device(device):
    other = agrad.Device("cpu" if device.kind == "strict" else "strict")
    x, y = draw(4, 3), agrad.asarray([1.0, 2.0, 3.0, 4.0], device=other)
    with pytest.raises(ValueError, match=f"vmap.*{device.name}.*{other.name}|vmap.*{other.name}.*{device.name}"):
        agrad.vmap(lambda a, b: a * b.item())(x, y)
    assert_same(agrad.vmap(lambda a, b: a * b[1].item(), in_axes=(0, None))(x, y), 2 * x)


def test_wrong_types_are_refused(device):
    with pytest.raises(TypeError, match=r"agrad.vmap takes a function, not 3; write agrad.vmap\(f\)\(x\)$"):
        agrad.vmap(3)
    with pytest.raises(TypeError, match=r"not a Tensor of shape \(4, 3\); write agrad.vmap\(f\)\(x\)$"):
        agrad.vmap(draw(4, 3))
    with pytest.raises(TypeError, match="not str"):
        agrad.vmap(lambda a: "a")(draw(4, 3))
    with pytest.raises(TypeError, match=r"argument 1\[0\] has no batch axis: .*; write None for it in in_axes"):
        agrad.vmap(lambda a, names: a)(draw(4, 3), ["sum"])
    with pytest.raises(TypeError, match=r"argument by has no batch axis: .* functools.partial\(f, by=...\)"):
        agrad.vmap(lambda a, by: a)(draw(4, 3), by="sum")


# What cannot be


@pytest.mark.parametrize(
    "read",
    [
        lambda a: float(a[0]),
        lambda a: a[0].item(),
        lambda a: a if a[0] > 1 else -a,
        lambda a: a[a > 1],
        lambda a: agrad.nonzero(a)[0],
        lambda a: agrad.unique_values(a),
        lambda a: range(agrad.astype(a[0], "int64")),
        lambda a: a.numpy(),
        lambda a: a.tolist(),
    ],
)
@pytest.mark.filterwarnings("ignore:.*requires gradients")
def test_reading_a_value_names_the_line_and_says_where(device, read):
    with pytest.raises(
        backends.UnknownValueError, match=r"(?s)4 examples; write agrad.where.*test_vmap.py, line \d+: "
    ) as told:
        agrad.vmap(lambda a: agrad.vmap(lambda b: read(a))(a))(draw(4, 3))
    assert str(told.value).count("test_vmap.py") == 1


def test_a_tensor_that_left_its_vmap_says_so(device):
    kept = []
    agrad.vmap(lambda a: kept.append(a * 2) or a)(draw(4, 3))
    with pytest.raises(RuntimeError, match=r"kept from a vmap that has ended.*return it"):
        kept[0].numpy()
    with pytest.raises(ValueError, match="another vmap, which has ended"):
        agrad.vmap(lambda a: a * kept[0])(draw(4, 3))
    with pytest.raises(ValueError, match="another vmap"):
        agrad.vmap(agrad.vmap(lambda a: agrad.grad(wave)(kept[0])))(draw(4, 3))
    for transform in (agrad.grad, agrad.value_and_grad, agrad.jacobian, agrad.hessian):
        with pytest.raises(ValueError, match="under a transform got a Tensor of another vmap, which has ended"):
            transform(lambda x: agrad.sum(x * kept[0]))(draw(3))
    assert "one of 4 under vmap, shape=(3,)" in repr(kept[0])


def test_writing_where_each_example_would_need_memory_of_its_own(device):
    ordinary = draw(3)

    def write(a):
        with agrad.no_grad():
            ordinary[0] = a[0]
        return a

    with pytest.raises(RuntimeError, match="under vmap and no_grad"):
        agrad.vmap(write)(draw(4, 3))

    def update(a):
        with agrad.no_grad():
            ordinary.__iadd__(a)
        return a

    with pytest.raises(RuntimeError, match="under vmap and no_grad"):
        agrad.vmap(update)(draw(4, 3))


def test_writing_in_place(device):
    def f(a, i):
        z = agrad.zeros((3, 2), dtype=a.dtype)
        z[1, 0] = a[0]
        z[:, 1] += a
        z[i, 0] = a[2]
        z[a > 1] = 7.0
        with agrad.no_grad():
            z[0, 0] = 3.0
        return z * a[1]

    x, places = draw(4, 3), agrad.asarray([0, 2, 1, 2])
    assert_same(agrad.vmap(f)(x, places), loop(f)(x, places))
    gradient = agrad.grad(lambda a, i: agrad.sum(f(a, i) ** 2))
    assert_same(agrad.vmap(gradient)(x, places), loop(gradient)(x, places))


@pytest.mark.parametrize("make", [agrad.zeros_like, agrad.empty_like, agrad.ones_like, lambda a: agrad.full_like(a, 2)])
def test_writing_without_recording_into_what_is_made_like_a_batched_tensor(device, make):
    @agrad.no_grad()
    def f(a):
        z = make(a)
        front = z[:2]
        z[...] = a
        z[0] = a[1]
        z *= a
        return (z, z) if device.backend.immutable else (z, front)

    x = draw(4, 3)
    assert_same(agrad.vmap(f)(x), loop(f)(x))
    assert_same(agrad.vmap(agrad.vmap(f))(x[None, ...]), [y[None, ...] for y in loop(f)(x)])
    inside = lambda b: agrad.vmap(lambda a: f(b)[0] * a)(x)
    assert_same(agrad.vmap(inside)(x), loop(inside)(x))


def test_indices_that_differ_over_the_batch(device):
    x, w, places = draw(4, 3, 3), draw(3), agrad.asarray([[0, 2], [1, 1], [-1, 0], [0, 0]])
    for f in (
        lambda a, i: a[i],
        lambda a, i: a[i, i[::-1]],
        lambda a, i: a[:, i],
        lambda a, i: w[i],
        lambda a, i: agrad.take_along_axis(a, agrad.stack([i, i, i]), axis=1),
        lambda a, i: agrad.one_hot(i, 3),
    ):
        assert_same(agrad.vmap(f)(x, places), loop(f)(x, places))
    if not device.backend.waits_on_read(device.native):
        with pytest.raises(IndexError, match="out of range"):
            agrad.vmap(lambda a, i: a[i])(x, places + 2)


def test_dtypes_of_one_number_and_of_a_batch_are_promoted(device):
    if not device.backend.supports_float64:
        pytest.skip("there is one floating dtype")
    x, one = agrad.ones(3, dtype="float32"), agrad.asarray(1 / 3, dtype="float64")
    for f in (lambda a, b: a * b, lambda a, b: b / a, agrad.maximum, lambda a, b: agrad.where(a > 0, b, a)):
        found = agrad.vmap(f, in_axes=(0, None))(x, one)
        assert found.dtype == f(x[0], one).dtype
        assert found[0].item() == f(x[0], one).item()
    slope = agrad.vmap(agrad.grad(lambda b, a: b / a), in_axes=(None, 0))(one, 3 * x)
    assert slope[0].item() == 1 / 3


# Random numbers


def test_random_numbers(device):
    x = agrad.zeros((64, 3))
    with pytest.raises(RuntimeError, match="randomness='different'"):
        agrad.vmap(lambda a: a + agrad.rand(3))(x)
    for numbers in (agrad.rand, agrad.randn, lambda *size: agrad.randint(1000, size), lambda n: agrad.randperm(9)):
        different = agrad.vmap(lambda a: numbers(3), randomness="different")(x)  # noqa: B023
        assert len({tuple(row) for row in different.tolist()}) > 60
        same = agrad.vmap(lambda a: numbers(3), randomness="same", chunk_size=10)(x)  # noqa: B023
        assert len({tuple(row) for row in same.tolist()}) == 1
    assert agrad.vmap(lambda p: agrad.bernoulli(p), randomness="same")(agrad.asarray([0.0, 1.0])).tolist() == [0.0, 1.0]


def test_random_numbers_of_nested_vmaps(device):
    x = agrad.zeros((5, 4))
    draws = lambda a: agrad.randint(10**6)
    outer = agrad.vmap(agrad.vmap(draws, randomness="same"), randomness="different")(x).tolist()
    assert all(len(set(row)) == 1 for row in outer)
    assert len({row[0] for row in outer}) == 5
    inner = agrad.vmap(agrad.vmap(draws, randomness="different"), randomness="same")(x).tolist()
    assert len({tuple(row) for row in inner}) == 1
    assert len(set(inner[0])) == 4


def test_a_checkpoint_draws_the_same_again(device):
    f = lambda a: agrad.sum(a * agrad.rand(3, dtype=a.dtype) * agrad.vmap(lambda b: b * agrad.sum(a))(draw(3)))
    found = []
    for function in (f, agrad.checkpoint(f)):
        agrad.manual_seed(0)
        total = lambda x: agrad.sum(agrad.vmap(function, randomness="different")(x))  # noqa: B023
        found.append(agrad.grad(total)(draw(4, 3)))
    assert_same(*found)


# Modules


def test_per_sample_gradients_of_a_module(device):
    model = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2))
    parameters = {name: p.detach() for name, p in model.named_parameters()}
    x, y = agrad.astype(draw(4, 3), "float32"), agrad.asarray([0, 1, 1, 0])

    def loss(parameters, x, y):
        return nn.functional.cross_entropy(model.functional_call(parameters, x), y)

    found = agrad.vmap(agrad.grad(loss), in_axes=(None, 0, 0))(parameters, x, y)
    assert_same(found, loop(lambda x, y: agrad.grad(loss)(parameters, x, y))(x, y))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("settings", [{}, {"label_smoothing": 0.1}, {"ignore_index": 1}, {"weight": [1.0, 2.0, 3.0]}])
def test_cross_entropy(device, reduction, settings):
    """Its kernels keep something for the gradient whose form only they know: for a batch of cotangents too."""
    x, t = draw(5, 4, 3), agrad.asarray([[0, 1, 2, 0], [2, 2, 1, 0], [1, 0, 1, 2], [0, 0, 0, 1], [2, 1, 0, 2]])
    if "weight" in settings:
        settings = {"weight": agrad.asarray(settings["weight"], dtype=x.dtype)}
    losses = lambda x, t: nn.functional.cross_entropy(x, t, reduction=reduction, **settings)
    number = lambda x, t: agrad.sum(agrad.sin(losses(x, t)))
    for f in (losses, agrad.grad(number), agrad.jacobian(losses), agrad.hessian(number)):
        expected = loop(f)(x, t)
        assert_same(agrad.vmap(f)(x, t), expected)
        assert_same(agrad.vmap(agrad.vmap(f))(x[None, ...], t[None, ...]), expected[None, ...])
        assert_same(agrad.vmap(f, in_axes=(None, 0))(x[0, ...], t), loop(lambda t: f(x[0, ...], t))(t))  # noqa: B023
    pull = agrad.vjp(lambda x: losses(x, t[0, ...]), x[0, ...])[1]
    cotangents = draw(6, *losses(x[0, ...], t[0, ...]).shape)
    assert_same(agrad.vmap(pull)(cotangents), loop(pull)(cotangents))


def test_an_ensemble_trains_as_each_model_alone(device):
    model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
    x, y = agrad.astype(draw(5, 2), "float32"), agrad.astype(draw(5, 1), "float32")
    ensemble = {name: agrad.stack([p, -p, 2 * p]).detach() for name, p in model.named_parameters()}

    def step(params):
        loss = lambda params: nn.functional.mse_loss(model.functional_call(params, x), y)
        value, slope = agrad.value_and_grad(loss)(params)
        return value, {name: params[name] - 0.1 * slope[name] for name in params}

    each = [{name: p[i, ...] for name, p in ensemble.items()} for i in range(3)]
    for _ in range(3):
        values, ensemble = agrad.vmap(step)(ensemble)
        alone = [step(params) for params in each]
        each = [params for _, params in alone]
    assert_same(values, agrad.stack([value for value, _ in alone]))
    assert_same(ensemble, {name: agrad.stack([params[name] for params in each]) for name in ensemble})


def test_an_ensemble_is_initialized_at_once(device):
    states = agrad.vmap(lambda: dict(nn.Linear(2, 3).state_dict()), axis_size=8, randomness="different")()
    assert states["weight"].shape == (8, 3, 2)
    assert len({tuple(row) for row in agrad.reshape(states["weight"], (8, -1)).tolist()}) == 8


def test_initializers_draw_for_each_model(device):
    make = lambda name: lambda: getattr(nn.init, name)(nn.Linear(4, 3).weight)
    for name in ("orthogonal_", "xavier_uniform_", "kaiming_normal_", "trunc_normal_"):
        drawn = agrad.vmap(make(name), axis_size=5, randomness="different")()
        assert len({tuple(row) for row in agrad.reshape(drawn, (5, 12)).tolist()}) == 5
        same = agrad.vmap(make(name), axis_size=2, randomness="same")()
        assert agrad.all(same[0] == same[1]).item()
    q = agrad.vmap(make("orthogonal_"), axis_size=5, randomness="different")()
    assert_same(q @ q.mT, agrad.stack([agrad.eye(3, dtype=q.dtype)] * 5))
    narrow = lambda: nn.init.trunc_normal_(nn.Parameter(agrad.empty(500)), a=0.0, b=0.2)
    drawn = agrad.vmap(narrow, axis_size=2, randomness="different")()
    assert 0.0 <= agrad.min(drawn).item() < agrad.max(drawn).item() <= 0.2


def test_hooks_see_the_gradient_of_one_example(device):
    def f(a):
        b = a * 2
        b.register_hook(lambda g: agrad.clip(g, -1.0, 1.5) * 3)
        return agrad.sum(b * b * a)

    x = draw(4, 3)
    assert_same(agrad.vmap(agrad.grad(f))(x), loop(agrad.grad(f))(x))

    def with_a_leaf(a):
        leaf = agrad.ones(3, dtype=a.dtype).requires_grad_()
        leaf.register_hook(lambda g: g * a)
        agrad.sum(leaf * a).backward()
        return leaf.grad

    assert_same(agrad.vmap(with_a_leaf)(x), loop(with_a_leaf)(x))


def test_layers_that_act_on_a_batch(device):
    x = agrad.ones((4, 6, 2))
    assert agrad.vmap(nn.Dropout(0.5), randomness="different")(x).shape == x.shape
    layer = nn.BatchNorm1d(2)
    with pytest.raises(RuntimeError, match=r"under vmap.*module.eval\(\)"):
        agrad.vmap(layer)(x)
    assert agrad.vmap(layer.eval())(x).shape == x.shape
    assert agrad.vmap(nn.BatchNorm1d(2, track_running_stats=False))(x).shape == x.shape


def test_mapped_running_statistics_are_updated_in_place_as_in_a_loop(device):
    layer, x = nn.BatchNorm1d(2), agrad.astype(draw(3, 5, 2), "float32")
    names = ["running_mean", "running_var"]
    several = lambda: {name: agrad.stack([getattr(layer, name)] * 3) for name in names}

    def f(state, x):
        return layer.functional_call(state, x), state

    mapped, each = several(), several()
    found = agrad.vmap(f)(mapped, x)
    expected = [f({name: each[name][i, ...] for name in names}, x[i, ...]) for i in range(3)]
    for name in names:
        rows = agrad.stack([state[name] for _, state in expected])
        assert_same([found[1][name], mapped[name]], [rows, each[name]])
    assert_same(found[0], agrad.stack([y for y, _ in expected]))


# How it runs


def test_chunks_give_the_same(device):
    x, w = draw(5, 3), draw(3)
    f = lambda a, w: (a * w, agrad.sum(a))
    for size in (1, 2, 5, 9):
        chunked = agrad.vmap(f, in_axes=(0, None), out_axes=(1, 0), chunk_size=size)
        assert_same(chunked(x, w), agrad.vmap(f, in_axes=(0, None), out_axes=(1, 0))(x, w))
        assert_same(agrad.vmap(wave, in_axes=-1, chunk_size=size)(x.T), agrad.vmap(wave)(x))
        for transform in (agrad.jacobian, agrad.hessian):
            assert_same(transform(wave, chunk_size=size)(x[0]), transform(wave)(x[0]))


def test_chunks_run_one_after_the_other(device):
    seen = []
    agrad.vmap(lambda a: seen.append(a._device.native.size) or a, chunk_size=2)(draw(5, 3))
    assert seen == [2, 2, 1]


def test_jacobians_of_rules_that_read_values_run_in_a_loop(device):
    seen = []

    @primitive
    def halve(xp, x: ArrayLike, /):
        return x / 2

    def rule(g, xp):
        seen.append(float(xp.max(g)))
        return g / 2

    halve.vjp(x=rule)
    a = draw(5)
    assert_same(agrad.jacobian(halve)(a), agrad.eye(5, dtype=a.dtype) / 2)
    assert seen == [1.0] * 5


def test_threads(device):
    if device.backend.lazy:
        pytest.skip("what a thread of MLX's has not computed, another cannot")
    x = draw(4, 3)

    def inside(a, run):
        found = []

        def go():
            try:
                found.append(agrad.vmap(lambda b: b * a)(x))
            except ValueError as error:
                found.append(error)

        thread = threading.Thread(target=run, args=(go,))
        thread.start()
        thread.join()
        if isinstance(found[0], ValueError):
            raise found[0]
        return found[0]

    found = agrad.vmap(lambda a: inside(a, contextvars.copy_context().run))(x)
    assert_same(found, loop(lambda a: a * x)(x))
    with pytest.raises(ValueError, match=r"another thread.*copy_context"):
        agrad.vmap(lambda a: inside(a, lambda go: go()))(x)


def test_nothing_is_left_behind(device):
    def run():
        agrad.vmap(agrad.grad(wave))(draw(4, 3))
        agrad.jacobian(lambda x: agrad.sin(x) * x[0])(draw(5))
        agrad.jacobian(agrad.jacobian(agrad.vmap(agrad.sum)))(draw(4, 2))

    run()  # JAX keeps what it compiled
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        for _ in range(20):
            run()
        assert len(gc.get_objects()) - before < 200
        if device.kind in ("cpu", "strict"):  # whose libraries make no cycles either
            assert gc.collect() == 0
    finally:
        gc.enable()
    assert opened.get() == ()
    with pytest.raises(ZeroDivisionError):
        agrad.vmap(lambda a: 1 / 0)(draw(4, 3))
    assert opened.get() == ()

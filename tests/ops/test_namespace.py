"""``tensor.__array_namespace__()``: agrad, bound to the Tensor's device."""

import pytest

import agrad

# The current device is another one in all of these.
PLACES = ["cpu", "strict", "strict:device1", "torch"]
MAKERS = {
    "arange": lambda xp, **kw: xp.arange(3, **kw),
    "asarray": lambda xp, **kw: xp.asarray([1.0, 2.0], **kw),
    "bernoulli": lambda xp, **kw: xp.bernoulli(0.5, 2, **kw),
    "empty": lambda xp, **kw: xp.empty(2, **kw),
    "eye": lambda xp, **kw: xp.eye(2, **kw),
    "full": lambda xp, **kw: xp.full(2, 1.5, **kw),
    "linspace": lambda xp, **kw: xp.linspace(0, 1, 3, **kw),
    "normal": lambda xp, **kw: xp.normal(0, 1, 3, **kw),
    "ones": lambda xp, **kw: xp.ones((2, 3), **kw),
    "rand": lambda xp, **kw: xp.rand(2, **kw),
    "randint": lambda xp, **kw: xp.randint(5, (2,), **kw),
    "randn": lambda xp, **kw: xp.randn(2, **kw),
    "randperm": lambda xp, **kw: xp.randperm(3, **kw),
    "random.rand": lambda xp, **kw: xp.random.rand(2, **kw),
    "tensor": lambda xp, **kw: xp.tensor([1, 2], **kw),
    "uniform": lambda xp, **kw: xp.uniform(0, 1, 2, **kw),
    "zeros": lambda xp, **kw: xp.zeros(2, **kw),
}


@pytest.fixture(params=PLACES)
def bound(request):
    """A namespace of a device beside the current one."""
    try:
        x = agrad.ones(2, device=request.param)
    except RuntimeError as error:
        pytest.skip(str(error))
    with agrad.Device("strict:device2"):
        yield x.__array_namespace__(), x.device


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_new_arrays_land_on_the_tensors_device(bound, make):
    xp, device = bound
    assert make(xp).device is device
    assert make(xp, device="cpu").device.name == "cpu", "device= overrides"
    assert make(agrad).device.name == "strict:device2", "agrad itself is bound to the current device"


@pytest.mark.parametrize("name", ["zeros_like", "ones_like", "empty_like"])
def test_likes_follow_their_pattern(bound, name):
    xp, device = bound
    assert getattr(xp, name)(agrad.ones(2, device="cpu")).device.name == "cpu"
    assert getattr(xp, name)(xp.ones(2)).device is device


def test_it_has_its_own_name_and_is_the_same_each_time(bound):
    xp, device = bound
    assert xp is xp.zeros(3).__array_namespace__()
    assert xp.__name__ == f"agrad:{device}"
    assert xp is not agrad
    assert xp.random is xp.random
    other = agrad.ones(1).__array_namespace__()
    assert other is not xp
    assert other.__name__ == "agrad:strict:device2"


def test_it_has_all_that_agrad_has(bound):
    xp, _ = bound
    assert {name for name in agrad.__all__ if not hasattr(xp, name)} == set()
    assert set(agrad.__all__) <= set(dir(xp))
    assert xp.float32 is agrad.float32
    assert xp.pi == agrad.pi
    assert xp.nn is agrad.nn
    assert isinstance(xp.ones(1), xp.Tensor)
    with pytest.raises(AttributeError, match="nothing"):
        _ = xp.nothing


def test_it_answers_for_its_device(bound):
    xp, device = bound
    assert xp.get_device() is device
    info = xp.__array_namespace_info__()
    assert info.default_device() is device
    assert info.default_dtypes()["integral"] is xp.arange(1).dtype
    assert info.dtypes() == agrad.__array_namespace_info__().dtypes(device=device)
    assert xp.result_type(xp.float32, xp.float64) is agrad.float64
    assert xp.finfo(xp.float32).bits == 32


def test_a_device_without_64_bits_has_its_own_defaults():
    xp = agrad.ones(2, device="strict:no_x64").__array_namespace__()
    assert xp.arange(3).dtype is xp.asarray([1, 2]).dtype is agrad.int32
    info = xp.__array_namespace_info__()
    assert info.default_dtypes() == {
        "real floating": agrad.float32,
        "complex floating": agrad.complex64,
        "integral": agrad.int32,
        "indexing": agrad.int32,
    }
    assert not {"float64", "int64", "complex128"} & set(info.dtypes())


def test_what_it_makes_is_differentiable(bound):
    xp, _ = bound
    x = xp.asarray([1.0, 2.0], requires_grad=True)
    xp.sum(x * xp.arange(2.0)).backward()
    assert x.grad.tolist() == [0.0, 1.0]


@pytest.mark.parametrize("version", [None, "2021.12", "2022.12", "2023.12", "2024.12", "2025.12"])
def test_versions_of_the_standard(device, version):
    assert agrad.ones(1).__array_namespace__(api_version=version) is agrad.ones(1).__array_namespace__()


@pytest.mark.parametrize("version", ["2020.01", "2026.12", "", "latest", 2025])
def test_unknown_versions_are_refused(device, version):
    with pytest.raises(ValueError, match=r"2025\.12.*not"):
        agrad.ones(1).__array_namespace__(api_version=version)

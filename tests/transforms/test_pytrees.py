"""Nests of lists, tuples and dicts."""

from collections import OrderedDict, defaultdict, namedtuple

import pytest

from agrad.transforms.pytrees import flatten, flatten_like, unflatten

Point = namedtuple("Point", "x y")
TREES = [
    1, None, [], (), {}, [1, 2], (1, [2, (3,)]), {"b": 1, "a": {"c": 2}}, Point(1, [2, 3]), [None, 1, {"a": None}],
    OrderedDict(b=1, a=2), defaultdict(list, a=[1, 2]),
]  # fmt: skip


@pytest.mark.parametrize("tree", TREES, ids=repr)
def test_a_nest_is_rebuilt_from_its_leaves(tree):
    again = unflatten(tree, flatten(tree))
    assert again == tree
    assert type(again) is type(tree)
    assert flatten_like(tree, tree, "x") == flatten(tree)
    doubled = unflatten(tree, [2 * x for x in flatten(tree)])
    assert flatten(doubled) == [2 * x for x in flatten(tree)]


def test_rebuilding_leaves_the_original_alone():
    tree = {"a": [1]}
    unflatten(tree, [2])
    assert tree == {"a": [1]}


@pytest.mark.parametrize(
    ("tree", "like", "message"),
    [
        ([1], [1, 2], "the top there is a list of length 1 where a list of length 2"),
        ((1,), [1], "a tuple of length 1 where a list of length 1"),
        ({"a": 1}, {"b": 1}, r"a dict of \['a'\] where a dict of \['b'\]"),
        ({"a": [1]}, {"a": [None]}, r"at \['a'\]\[0\] there is a int where a NoneType"),
        (None, 1, "a NoneType where a int"),
    ],
)
def test_the_error_shows_the_mismatch(tree, like, message):
    with pytest.raises(ValueError, match=f"^the weights must have the expected structure.*{message}"):
        flatten_like(tree, like, "the weights")

"""Trees of containers, with the printed and serialised forms of PyTorch."""

import dataclasses
from collections import OrderedDict, defaultdict, deque, namedtuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

import torchax_lite as torch
from torchax_lite.utils import _pytree as pytree

Point = namedtuple("Point", "x y")
TREE = {
    "b": [1, (2, None)],
    "a": Point(3, OrderedDict(z=4, y=5)),
    "c": defaultdict(list, {"k": 6}),
    "d": deque([7], maxlen=3),
}


def test_flatten_and_back():
    leaves, spec = pytree.tree_flatten(TREE)
    assert leaves == [1, 2, None, 3, 4, 5, 6, 7] and spec.num_leaves == 8 and spec.num_nodes == 15
    assert pytree.tree_unflatten(leaves, spec) == TREE
    assert str(pytree.tree_structure([1, {}])) == "TreeSpec(list, None, [*,\n  TreeSpec(dict, [], [])])"
    assert pytree.treespec_pprint(pytree.tree_structure({"a": (1, 2)})) == "{'a': (*, *)}"


trees = st.recursive(
    st.none() | st.integers(),
    lambda x: st.lists(x) | st.tuples(x, x) | st.dictionaries(st.text(max_size=3), x),
    max_leaves=8,
)


@given(trees)
def test_every_tree_comes_back(tree):
    leaves, spec = pytree.tree_flatten(tree)
    assert spec.unflatten(leaves) == tree and spec.num_leaves == len(leaves)
    assert pytree.treespec_loads(pytree.treespec_dumps(spec)) == spec
    assert [leaf for _, leaf in pytree.tree_leaves_with_path(tree)] == leaves
    assert all(pytree.key_get(tree, path) == leaf for path, leaf in pytree.tree_leaves_with_path(tree))


def test_serialised_form():
    spec = pytree.tree_structure([1, OrderedDict(z=4)])
    assert pytree.treespec_dumps(spec) == (
        '[1, {"type": "builtins.list", "context": "null", "children_spec": [{"type": null, "context": null, '
        '"children_spec": []}, {"type": "collections.OrderedDict", "context": "[\\"z\\"]", "children_spec": [{"type": null, '
        '"context": null, "children_spec": []}]}]}]'
    )
    with pytest.raises(NotImplementedError, match="Can't serialize TreeSpec of namedtuple class"):
        pytree.treespec_dumps(pytree.tree_structure(Point(1, 2)))


def test_maps():
    assert pytree.tree_map(lambda x, y: x * y, (1, [2]), (3, [4])) == (3, [8])
    assert pytree.tree_map_only((int, str), lambda x: x * 2, [1, "a", 2.0]) == [2, "aa", 2.0]
    assert pytree.tree_map_only(lambda x: x == 1, lambda x: 9, [1, 2]) == [9, 2]
    assert pytree.tree_map(lambda a, b: (a, b), [1, 2], [(3, 4), 5]) == [(1, (3, 4)), (2, 5)]
    assert pytree.tree_any(lambda x: x > 1, [1, (2,)]) and not pytree.tree_all(lambda x: x > 1, [1, (2,)])
    assert pytree.tree_map_with_path(lambda path, x: pytree.keystr(path) + str(x), {"a": [1, Point(2, 3)]}) == {
        "a": ["['a'][0]1", Point("['a'][1].x2", "['a'][1].y3")]
    }
    seen = []
    pytree.tree_map_(seen.append, [1, {"a": 2}])
    assert seen == [1, 2]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: pytree.tree_unflatten([1], pytree.tree_structure([1, 2])), ValueError, "has length 1 but the spec"),
        (lambda: pytree.tree_map(max, [1, 2], [1]), ValueError, "Node arity mismatch; expected 2, but got 1."),
        (lambda: pytree.tree_map(max, [1, 2], (1, 2)), ValueError, "Node type mismatch; expected <class 'list'>"),
        (lambda: pytree.tree_map(max, {"a": 1}, {"b": 1}), ValueError, "missing key"),
        (lambda: pytree.register_pytree_node(list, None, None), ValueError, "already registered as pytree node"),
        (lambda: pytree.treespec_loads("[3, {}]"), ValueError, "Unknown protocol 3"),
        (lambda: pytree.treespec_dumps(3), TypeError, "instance of PyTreeSpec"),
        (lambda: pytree.tree_map_only(3, None, [1]), TypeError, "Argument must be a type"),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_registered_classes():
    class Pair:
        def __init__(self, a, b):
            self.a, self.b = a, b

    pytree.register_pytree_node(Pair, lambda p: ([p.a, p.b], "mark"), lambda values, context: Pair(*values))
    try:
        made = pytree.tree_map(lambda v: v + 1, [Pair(1, (2,))])[0]
        assert (made.a, made.b) == (2, (3,)) and str(
            pytree.tree_structure(Pair(1, 2))
        ) == "TreeSpec(Pair, mark, [*,\n  *])"
    finally:
        pytree._deregister_pytree_node(Pair)
    assert pytree.tree_leaves([made]) == [made]

    @dataclasses.dataclass
    class Item:
        value: int
        extra: int | None = None

    pytree.register_dataclass(Item)
    assert pytree.tree_map(lambda v: v * 2, {"i": Item(2)}) == {"i": Item(4)}


def test_results_with_names():
    found = torch.max(torch.tensor([[1.0, 3.0], [2.0, 0.0]]), 1)
    doubled = pytree.tree_map(lambda t: t * 2, found)
    assert type(doubled) is type(found) and doubled.values.tolist() == [6.0, 4.0] and pytree.is_structseq(found)

"""The k first of a sequence in the order in which PyTorch's CPU ``topk`` gives them, ties included.

``topk`` calls the C++ library's ``partial_sort``, or ``nth_element`` and ``sort``. None of them is stable, so
which of equal elements come out, and in which order, follows from the exact steps of GNU libstdc++: median-of-three
quicksort partitions with a heap as the way out, then insertion sorts (which are stable).
"""

from operator import itemgetter

import numpy as np

__all__ = ["first_k"]

_Item = tuple[int, int]  # rank, index
_rank = itemgetter(0)
_SHORT = 16  # sort leaves runs up to this length to the final insertion sort


def first_k(ranks: np.ndarray, k: int) -> np.ndarray:
    """Indices of the ``k`` smallest of the int64 ``ranks`` (1-D), smallest first."""
    stable = np.argsort(ranks, kind="stable")
    leading = ranks[stable[: k + 1]]
    if not (leading[1:] == leading[:-1]).any():
        return stable[:k]
    items = list(zip(ranks.tolist(), range(len(ranks))))
    if k * 64 <= len(items):
        _heap_select(items, 0, k, len(items))
        _sort_heap(items, 0, k)
    else:
        _nth_element(items, k - 1)
        items[: k - 1] = _introsort(items[: k - 1])
    return np.array([index for _, index in items[:k]], np.int64)


def _nth_element(items: list[_Item], nth: int) -> None:
    first, last = 0, len(items)
    depth = 2 * (last.bit_length() - 1)
    while last - first > 3:
        if depth == 0:
            _heap_select(items, first, nth + 1, last)
            items[first], items[nth] = items[nth], items[first]
            return
        depth -= 1
        cut = _partition(items, first, last)
        if cut <= nth:
            first = cut
        else:
            last = cut
    items[first:last] = sorted(items[first:last], key=_rank)


def _introsort(items: list[_Item]) -> list[_Item]:
    pending = [(0, len(items), 2 * (len(items).bit_length() - 1))]
    while pending:
        first, last, depth = pending.pop()
        while last - first > _SHORT:
            if depth == 0:
                _heap_select(items, first, last, last)
                _sort_heap(items, first, last)
                break
            depth -= 1
            cut = _partition(items, first, last)
            pending.append((cut, last, depth))
            last = cut
    return sorted(items, key=_rank)


def _partition(items: list[_Item], first: int, last: int) -> int:
    """Partition ``items[first:last]`` about the median of three and return where the upper part begins."""
    low, middle, high = first + 1, (first + last) // 2, last - 1
    a, b, c = items[low][0], items[middle][0], items[high][0]
    if a < b:
        median = middle if b < c else high if a < c else low
    else:
        median = low if a < c else high if b < c else middle
    items[first], items[median] = items[median], items[first]
    pivot = items[first][0]
    left, right = first + 1, last
    while True:
        while items[left][0] < pivot:
            left += 1
        right -= 1
        while pivot < items[right][0]:
            right -= 1
        if left >= right:
            return left
        items[left], items[right] = items[right], items[left]
        left += 1


def _heap_select(items: list[_Item], first: int, middle: int, last: int) -> None:
    """Make ``items[first:middle]`` a max-heap of the smallest of ``items[first:last]``."""
    size = middle - first
    for parent in range(size // 2 - 1, -1, -1):
        _sift(items, first, parent, size, items[first + parent])
    for i in range(middle, last):
        if items[i][0] < items[first][0]:
            item, items[i] = items[i], items[first]
            _sift(items, first, 0, size, item)


def _sort_heap(items: list[_Item], first: int, last: int) -> None:
    while last - first > 1:
        last -= 1
        item, items[last] = items[last], items[first]
        _sift(items, first, 0, last - first, item)


def _sift(items: list[_Item], first: int, hole: int, size: int, item: _Item) -> None:
    """Move the hole down to a leaf along the larger children, then ``item`` up from there."""
    top = hole
    while 2 * hole + 2 < size:
        child = 2 * hole + 2
        if items[first + child][0] < items[first + child - 1][0]:
            child -= 1
        items[first + hole] = items[first + child]
        hole = child
    if 2 * hole + 2 == size:
        items[first + hole] = items[first + 2 * hole + 1]
        hole = 2 * hole + 1
    while hole > top:
        parent = (hole - 1) // 2
        if not items[first + parent][0] < item[0]:
            break
        items[first + hole] = items[first + parent]
        hole = parent
    items[first + hole] = item

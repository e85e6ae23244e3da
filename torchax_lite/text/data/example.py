"""Examples: one sample, with a column for each field."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

__all__ = ["Example"]


def _columns(fields: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """``(key, name, field)`` for each column that is wanted of a record."""
    for key, targets in fields.items():
        if targets is not None:
            for name, field in targets if isinstance(targets, list) else [targets]:
                yield key, name, field


def _missing(key: str) -> ValueError:
    return ValueError(f"Specified key {key} was not found in the input data")


def _get(record: Any, part: str) -> Any:
    """A record's entry; of a list, that of each record in it."""
    records = record if isinstance(record, list) else [record]
    for item in records:
        if part not in item:
            raise _missing(part)
    return [item[part] for item in records] if isinstance(record, list) else record[part]


class Example:
    """A sample; its columns are attributes, preprocessed by their fields."""

    @classmethod
    def fromJSON(cls, data: str, fields: Mapping[str, Any]) -> Example:  # noqa: N802
        """From a JSON object; ``fields`` maps its keys (``a.b`` for nested ones) to ``(name, field)`` or a list of these."""
        example = cls()
        record = json.loads(data)
        for key, name, field in _columns(fields):
            value = record
            for part in key.split("."):
                value = _get(value, part)
            setattr(example, name, field.preprocess(value))
        return example

    @classmethod
    def fromdict(cls, data: Mapping[str, Any], fields: Mapping[str, Any]) -> Example:
        """From a dict; ``fields`` maps its keys to ``(name, field)`` or a list of these."""
        for key in fields:
            if key not in data:
                raise _missing(key)
        example = cls()
        for key, name, field in _columns(fields):
            setattr(example, name, field.preprocess(data[key]))
        return example

    @classmethod
    def fromCSV(  # noqa: N802
        cls, data: Sequence[str], fields: Any, field_to_index: Mapping[str, int] | None = None
    ) -> Example:
        """From a row: as :meth:`fromlist`, or by the header's ``field_to_index`` as :meth:`fromdict`."""
        if field_to_index is None:
            return cls.fromlist(data, fields)
        assert isinstance(fields, dict)
        return cls.fromdict({key: data[i] for key, i in field_to_index.items()}, fields)

    @classmethod
    def fromlist(cls, data: Iterable[Any], fields: Iterable[tuple[Any, Any]]) -> Example:
        """From values in the order of ``fields``, pairs ``(name, field)`` or ``(names, fields)``; a field None skips."""
        example = cls()
        for (name, field), value in zip(fields, data, strict=False):
            if field is None:
                continue
            if isinstance(value, str):
                value = value.rstrip("\n")
            several = isinstance(name, tuple)
            for n, f in zip(name, field, strict=False) if several else [(name, field)]:
                setattr(example, n, f.preprocess(value))
        return example

    @classmethod
    def fromtree(cls, data: str, fields: Any, subtrees: bool = False) -> Any:
        """From a parse tree in brackets: its words and its label; with ``subtrees``, a list of those of each subtree.

        Raises:
            ImportError: nltk, which reads the tree, is not installed.
        """
        try:
            from nltk.tree import Tree
        except ImportError:
            print("Please install NLTK. See the docs at http://nltk.org for more information.")
            raise
        tree = Tree.fromstring(data)
        if subtrees:
            return [cls.fromlist([" ".join(t.leaves()), t.label()], fields) for t in tree.subtrees()]
        return cls.fromlist([" ".join(tree.leaves()), tree.label()], fields)

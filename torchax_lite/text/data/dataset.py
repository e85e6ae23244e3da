"""Datasets of examples, and those of CSV, TSV and JSON files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from ...utils.data import Dataset as _Dataset
from ..utils import extract_archive, unicode_csv_reader
from .example import Example
from .utils import RandomShuffler

__all__ = ["Dataset", "TabularDataset"]


class Dataset(_Dataset):
    """Examples with their fields; ``dataset.name`` gives the column ``name`` of each example.

    Args:
        examples: the examples.
        fields: pairs ``(name, field)``, or ``(names, fields)``; equal fields share a vocabulary.
        filter_pred: keep only examples for which it is true.

    Attributes:
        sort_key: a function of an example (often its length) that batches are sorted by.
    """

    sort_key: Any = None
    name: str
    urls: Sequence[Any]
    dirname: str

    def __init__(self, examples: Any, fields: Any, filter_pred: Callable[[Any], bool] | None = None) -> None:
        if filter_pred is not None:
            as_list = isinstance(examples, list)
            examples = filter(filter_pred, examples)
            if as_list:
                examples = list(examples)
        self.examples = examples
        self.fields: dict[str, Any] = {}
        grouped: dict[str, Any] = {}
        for names, field in dict(fields).items():
            if isinstance(names, tuple):
                grouped.update(zip(names, field, strict=False))
            else:
                self.fields[names] = field
        self.fields.update(grouped)

    @classmethod
    def splits(
        cls,
        path: str | None = None,
        root: str = ".data",
        train: str | None = None,
        validation: str | None = None,
        test: str | None = None,
        **kwargs: Any,
    ) -> tuple[Dataset, ...]:
        """A dataset for each of the files ``path/train``, ``path/validation`` and ``path/test`` that is given.

        Args:
            path: their folder; by default where :meth:`download` finds the dataset in ``root``.
            kwargs: for each dataset's constructor.
        """
        folder = cls.download(root) if path is None else path
        names = [name for name in (train, validation, test) if name is not None]
        return tuple(cls(os.path.join(folder, name), **kwargs) for name in names)

    def split(
        self,
        split_ratio: Any = 0.7,
        stratified: bool = False,
        strata_field: str = "label",
        random_state: Any = None,
    ) -> tuple[Dataset, ...]:
        """Two or three parts of the examples, drawn at random: for training, (validation,) and test.

        Args:
            split_ratio: the share for training, or a list of the parts' sizes (training, test, validation).
            stratified: keep in each part the shares of the values of ``strata_field``.
            random_state: as of ``random.getstate()``; the present one by default.
        """
        ratios = check_split_ratio(split_ratio)
        shuffle = RandomShuffler(random_state)
        if not stratified:
            train, test, validation = rationed_split(self.examples, *ratios, shuffle)
        else:
            if strata_field not in self.fields:
                raise ValueError(f"Invalid field name for strata_field {strata_field}")
            train, test, validation = [], [], []
            for group in stratify(self.examples, strata_field):
                parts = rationed_split(group, *ratios, shuffle)
                for whole, part in zip((train, test, validation), parts, strict=True):
                    whole += part
        out = tuple(Dataset(part, self.fields) for part in (train, validation, test) if part)
        if self.sort_key:
            for dataset in out:
                dataset.sort_key = self.sort_key
        return out

    def __getitem__(self, i: Any) -> Any:
        return self.examples[i]

    def __len__(self) -> int:
        try:
            return len(self.examples)
        except TypeError:
            return 2**32

    def __iter__(self) -> Iterator[Any]:
        yield from self.examples

    def __getattr__(self, attr: str) -> Any:
        fields = self.__dict__.get("fields", {})
        if attr not in fields:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {attr!r}")
        return (getattr(example, attr) for example in self.examples)

    @classmethod
    def download(cls, root: str, check: str | None = None) -> str:
        """The folder of the dataset's files in ``root``; archives that lie in it are extracted.

        Args:
            check: the folder that is there when the dataset is; ``root/name`` by default.

        Raises:
            RuntimeError: it is not there, nor are its archives. Nothing is fetched.
        """
        folder = os.path.join(root, cls.name)
        if not os.path.isdir(folder if check is None else check) or not os.path.isdir(
            os.path.join(folder, cls.dirname)
        ):
            files = [url if isinstance(url, tuple) else (url, os.path.basename(url)) for url in cls.urls]
            for url, file in files:
                path = os.path.join(folder, file)
                if not os.path.isfile(path):
                    raise RuntimeError(
                        f"{cls.__name__}: there is no {path}, and datasets are not downloaded here. Fetch {url} and put "
                        "it there (or give the folder of the extracted files by path=)."
                    )
                if path.endswith((".zip", ".gz", ".tgz")):
                    extract_archive(path, folder)
        return os.path.join(folder, cls.dirname)

    def filter_examples(self, field_names: Iterable[str]) -> None:
        """Remove from the columns ``field_names`` the words that their vocabularies do not have."""
        for name in field_names:
            known = self.fields[name].vocab.stoi
            for example in self.examples:
                setattr(example, name, [word for word in getattr(example, name) if word in known])


class TabularDataset(Dataset):
    """The rows of a CSV or TSV file, or the lines of a file of JSON objects.

    Args:
        path: the file, in UTF-8.
        format: ``"csv"``, ``"tsv"``, ``"json"`` or ``"dict"``, in small or capital letters.
        fields: for CSV and TSV, pairs ``(name, field)`` in the order of the columns, ``(name, None)`` skips one. Or a
            dict from keys (of the header, or of the objects) to such pairs.
        skip_header: leave out the first line.
        csv_reader_params: for ``csv.reader``.
        kwargs: for :class:`Dataset`.
    """

    def __init__(
        self,
        path: str,
        format: str,
        fields: Any,
        skip_header: bool = False,
        csv_reader_params: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        format = format.lower()
        make: Any = {
            "json": Example.fromJSON, "dict": Example.fromdict, "tsv": Example.fromCSV, "csv": Example.fromCSV,
        }[format]  # fmt: skip
        with open(os.path.expanduser(path), encoding="utf8") as file:
            rows: Iterator[Any] = file
            if format in ("csv", "tsv"):
                tab = {"delimiter": "\t"} if format == "tsv" else {}
                rows = unicode_csv_reader(file, **tab, **(csv_reader_params or {}))
                if isinstance(fields, dict):
                    if skip_header:
                        raise ValueError(
                            f"When using a dict to specify fields with a {format} file,"
                            "skip_header must be False andthe file must have a header."
                        )
                    header = next(rows)
                    make = partial(make, field_to_index={key: header.index(key) for key in fields})
            if skip_header:
                next(rows)
            examples = [make(row, fields) for row in rows]
        if isinstance(fields, dict):
            lists = [target if isinstance(target, list) else [target] for target in fields.values()]
            fields = [pair for pairs in lists for pair in pairs]
        super().__init__(examples, fields, **kwargs)


def check_split_ratio(split_ratio: Any) -> tuple[float, float, float]:
    """The shares of training, test and validation, as :meth:`Dataset.split` is given them."""
    if isinstance(split_ratio, float):
        assert 0.0 < split_ratio < 1.0, f"Split ratio {split_ratio} not between 0 and 1"
        return split_ratio, 1.0 - split_ratio, 0.0
    if not isinstance(split_ratio, list):
        raise ValueError(f"Split ratio must be float or a list, got {type(split_ratio)}")
    assert len(split_ratio) in (2, 3), f"Length of split ratio list should be 2 or 3, got {split_ratio}"
    total = sum(split_ratio)
    train, test, *rest = split_ratio if total == 1.0 else [float(ratio) / total for ratio in split_ratio]
    return train, test, rest[0] if rest else 0.0


def stratify(examples: Iterable[Any], strata_field: str) -> list[list[Any]]:
    """The examples in groups of equal value of a column, in the order in which these first come.

    (Numbers come in the order of a set of them, as in torchtext; that of a set of strings differs from run to run.)
    """
    groups: dict[Any, list[Any]] = {}
    for example in examples:
        groups.setdefault(getattr(example, strata_field), []).append(example)
    order = groups if any(isinstance(key, str) for key in groups) else set(groups)
    return [groups[key] for key in order]


def rationed_split(
    examples: Sequence[Any], train_ratio: float, test_ratio: float, val_ratio: float, rnd: RandomShuffler
) -> tuple[list[Any], list[Any], list[Any]]:
    """The examples in random order, cut into training, test and validation."""
    n = len(examples)
    order = rnd(range(n))
    train = round(train_ratio * n)
    test = round(test_ratio * n) if val_ratio else n - train
    parts = order[:train], order[train : train + test], order[train + test :]
    return tuple([examples[i] for i in part] for part in parts)  # type: ignore[return-value]

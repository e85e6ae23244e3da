"""Translation: pairs of lines of two files."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from typing import Any

from ...data import Dataset, Example, interleave_keys
from ...datasets._translation import _clean


class TranslationDataset(Dataset):
    """Pairs of lines of two files: the columns ``src`` and ``trg``.

    Args:
        path: what the files' names begin with.
        exts: what they end in.
        fields: two fields, or pairs of names and fields.
    """

    @staticmethod
    def sort_key(ex: Any) -> int:
        return interleave_keys(len(ex.src), len(ex.trg))

    def __init__(self, path: str, exts: Sequence[str], fields: Sequence[Any], **kwargs: Any) -> None:
        if not isinstance(fields[0], (tuple, list)):
            fields = [("src", fields[0]), ("trg", fields[1])]
        source, target = (os.path.expanduser(path + ext) for ext in exts)
        examples = []
        with open(source, encoding="utf-8") as sources, open(target, encoding="utf-8") as targets:
            for pair in zip(sources, targets, strict=False):
                lines = [line.strip() for line in pair]
                if all(lines):
                    examples.append(Example.fromlist(lines, fields))
        super().__init__(examples, fields, **kwargs)

    @classmethod
    def splits(  # type: ignore[override]
        cls,
        exts: Sequence[str],
        fields: Sequence[Any],
        path: str | None = None,
        root: str = ".data",
        train: Any = "train",
        validation: Any = "val",
        test: Any = "test",
        **kwargs: Any,
    ) -> tuple[Dataset, ...]:
        """The training, the validation and the test set."""
        return super().splits(path, root, train, validation, test, exts=exts, fields=fields, **kwargs)


class _FolderTranslation(TranslationDataset):
    """A translation dataset whose files may lie in ``root/name`` without archives."""

    @classmethod
    def _splits(cls, exts: Any, fields: Any, root: str, names: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        folder = os.path.join(root, cls.name)
        path = kwargs.pop("path", folder if os.path.exists(folder) else None)
        return super().splits(exts, fields, path, root, *names, **kwargs)


class Multi30k(_FolderTranslation):
    """Descriptions of images in German and English."""

    urls = [
        "http://www.quest.dcs.shef.ac.uk/wmt16_files_mmt/training.tar.gz",
        "http://www.quest.dcs.shef.ac.uk/wmt16_files_mmt/validation.tar.gz",
        "http://www.quest.dcs.shef.ac.uk/wmt17_files_mmt/mmt_task1_test2016.tar.gz",
    ]
    name = "multi30k"
    dirname = ""

    @classmethod
    def splits(  # type: ignore[override]
        cls,
        exts: Sequence[str],
        fields: Sequence[Any],
        root: str = ".data",
        train: Any = "train",
        validation: Any = "val",
        test: Any = "test2016",
        **kwargs: Any,
    ) -> tuple[Dataset, ...]:
        """The training, the validation and the test set."""
        return cls._splits(exts, fields, root, (train, validation, test), kwargs)


class WMT14(_FolderTranslation):
    """WMT 2014's English and German, as Google Brain prepared them."""

    urls = [("https://drive.google.com/uc?export=download&id=0B_bZck-ksdkpM25jRUN2X2UxMm8", "wmt16_en_de.tar.gz")]
    name = "wmt14"
    dirname = ""

    @classmethod
    def splits(  # type: ignore[override]
        cls,
        exts: Sequence[str],
        fields: Sequence[Any],
        root: str = ".data",
        train: Any = "train.tok.clean.bpe.32000",
        validation: Any = "newstest2013.tok.bpe.32000",
        test: Any = "newstest2014.tok.bpe.32000",
        **kwargs: Any,
    ) -> tuple[Dataset, ...]:
        """The training, the validation and the test set."""
        return cls._splits(exts, fields, root, (train, validation, test), kwargs)


class IWSLT(TranslationDataset):
    """IWSLT 2016's talks."""

    base_url = "https://wit3.fbk.eu/archive/2016-01//texts/{}/{}/{}.tgz"
    name = "iwslt"

    @classmethod
    def splits(  # type: ignore[override]
        cls,
        exts: Sequence[str],
        fields: Sequence[Any],
        root: str = ".data",
        train: Any = "train",
        validation: Any = "IWSLT16.TED.tst2013",
        test: Any = "IWSLT16.TED.tst2014",
        **kwargs: Any,
    ) -> tuple[Dataset, ...]:
        """The training, the validation and the test set."""
        source, target = exts[0][1:], exts[1][1:]
        cls.dirname = f"{source}-{target}"
        cls.urls = [cls.base_url.format(source, target, cls.dirname)]
        path = cls.download(root, check=os.path.join(root, cls.name, cls.dirname))
        cls.clean(path)
        names = [None if name is None else f"{name}.{cls.dirname}" for name in (train, validation, test)]
        return super().splits(exts, fields, path, root, *names, **kwargs)

    @staticmethod
    def clean(path: str) -> None:
        """Write the sentences of a folder's files beside them, where they are not there yet."""
        packed = [*glob.glob(os.path.join(path, "*.xml")), *glob.glob(os.path.join(path, "train.tags*"))]
        for file in packed:
            plain = file.removesuffix(".xml").replace("train.tags.", "train.")
            if not os.path.exists(plain):
                with open(file, "rb") as content:
                    _clean(os.path.basename(file), content.read(), plain)

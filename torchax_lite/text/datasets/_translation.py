"""Translation: pairs of sentences."""

from __future__ import annotations

import os
import tarfile
import xml.etree.ElementTree as ET  # noqa: N817
from collections.abc import Iterator, Sequence
from typing import Any

from ..data.datasets_utils import as_pipe, dataset, find_file, lines_of
from ._sources import IWSLT2016_LANGUAGES, IWSLT2017_LANGUAGES, URLS

__all__ = ["IWSLT2016", "IWSLT2017", "Multi30k"]


def _pairs(source: str, target: str, strip_newline: bool) -> Iterator[tuple[str, str]]:
    yield from zip(lines_of(source, strip_newline), lines_of(target, strip_newline), strict=False)


@dataset("Multi30k", ("train", "valid", "test"))
def Multi30k(root: str, split: str, language_pair: Sequence[str] = ("de", "en")) -> Any:  # noqa: N802
    """Descriptions of images in German and English: ``(source, target)``, from ``train``, ``val`` and ``test`` + ``.de``.

    Args:
        language_pair: ``("de", "en")`` or ``("en", "de")``.
    """
    assert len(language_pair) == 2, "language_pair must contain only 2 elements: src and tgt language respectively"
    assert tuple(sorted(language_pair)) == ("de", "en"), "language_pair must be either ('de','en') or ('en', 'de')"
    prefix = {"train": "train", "valid": "val", "test": "test"}[split]
    url = URLS["Multi30k"][split]
    source, target = (
        find_file(root, f"{prefix}.{language}", os.path.basename(url), url, "Multi30k") for language in language_pair
    )
    return as_pipe(_pairs, source, target, True)


_TAGS = (
    "<url", "<keywords", "<talkid", "<description", "<reviewer", "<translator", "<title", "<speaker", "<doc", "</doc",
)  # fmt: skip


def _clean(name: str, data: bytes, path: str) -> None:
    """Write the sentences of an IWSLT file: of the segments of XML, or of the lines without a tag."""
    if name.endswith(".xml"):
        documents = ET.fromstring(data.decode("utf-8"))[0].findall("doc")
        lines = [(segment.text or "").strip() for document in documents for segment in document.findall("seg")]
    else:
        lines = [line.strip() for line in data.decode("utf-8").split("\n") if not any(tag in line for tag in _TAGS)]
        if lines and not lines[-1]:
            lines.pop()
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in lines)


def _iwslt_file(folder: str, archive: str, plain: str, packed: str) -> str:
    """The path of a cleaned file in ``folder``, made from ``packed`` (in the folder or its archive) where it is not there."""
    path = os.path.join(folder, plain)
    if os.path.exists(path):
        return path
    original = os.path.join(folder, packed)
    if os.path.exists(original):
        with open(original, "rb") as file:
            _clean(packed, file.read(), path)
        return path
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.isfile() and os.path.basename(member.name) == packed:
                os.makedirs(folder, exist_ok=True)
                _clean(packed, tar.extractfile(member).read(), path)  # type: ignore[union-attr]
                return path
    raise RuntimeError(f"{archive} has no file {packed}")


def _iwslt(
    dataset_name: str, root: str, year: int, outer: str, inner: str, pair: tuple[str, str], split: str, sets: Any
) -> Any:
    """The pipe of a split of IWSLT: its archive holds another one, ``inner``, with the files of both languages."""
    folder = os.path.join(root, os.path.splitext(outer)[0], os.path.splitext(inner)[0])
    archive = os.path.join(root, os.path.splitext(outer)[0], inner)
    if not os.path.isdir(folder) and not os.path.isfile(archive):
        whole = find_file(root, outer, None, URLS[dataset_name], dataset_name)
        with tarfile.open(whole) as tar:
            for member in tar:
                if member.isfile() and member.name.endswith(os.path.basename(inner)) and "/._" not in member.name:
                    os.makedirs(os.path.dirname(archive), exist_ok=True)
                    with open(archive, "wb") as file:
                        file.write(tar.extractfile(member).read())  # type: ignore[union-attr]
    languages = "-".join(pair)
    paths = []
    for language in pair:
        if split == "train":
            names = f"train.{languages}.{language}", f"train.tags.{languages}.{language}"
        else:
            name = f"IWSLT{year}.TED.{sets[split]}.{languages}.{language}"
            names = name, name + ".xml"
        paths.append(_iwslt_file(folder, archive, *names))
    return as_pipe(_pairs, *paths, False)


def _check_languages(pair: Any, supported: dict[str, list[str]]) -> tuple[str, str]:
    if not isinstance(pair, (list, tuple)):
        raise ValueError(f"language_pair must be list or tuple but got {type(pair)} instead")
    assert len(pair) == 2, "language_pair must contain only 2 elements: src and tgt language respectively"
    source, target = pair
    if source not in supported:
        raise ValueError(f"src_language '{source}' is not valid. Supported source languages are {list(supported)}")
    if target not in supported[source]:
        raise ValueError(
            f"tgt_language '{target}' is not valid for give src_language '{source}'. Supported target language are "
            f"{supported[source]}"
        )
    return source, target


_SETS_2016 = ("dev2010", "tst2010", "tst2011", "tst2012", "tst2013", "tst2014")


@dataset("IWSLT2016", ("train", "valid", "test"))
def IWSLT2016(  # noqa: N802
    root: str,
    split: str,
    language_pair: Any = ("de", "en"),
    valid_set: str = "tst2013",
    test_set: str = "tst2014",
) -> Any:
    """Talks: ``(source, target)`` sentences with the ends of lines, of English and ar, cs, de or fr.

    Args:
        valid_set, test_set: what these splits are: ``"dev2010"``, or ``"tst2010"`` to ``"tst2014"``.
    """
    pair = _check_languages(language_pair, IWSLT2016_LANGUAGES)
    missing = ["tst2014"] if "cs" in pair else []
    for kind, words, chosen in (("valid", "validation", valid_set), ("test", "test", test_set)):
        allowed = [s for s in _SETS_2016 if s not in missing]
        if chosen not in allowed:
            raise ValueError(
                f"{kind}_set '{chosen}' is not valid for given language pair {pair}. Supported {words} sets are {allowed}"
            )
    inner = os.path.join("texts", *pair, "-".join(pair) + ".tgz")
    sets = {"valid": valid_set, "test": test_set}
    return _iwslt("IWSLT2016", root, 16, "2016-01.tgz", inner, pair, split, sets)


@dataset("IWSLT2017", ("train", "valid", "test"))
def IWSLT2017(root: str, split: str, language_pair: Any = ("de", "en")) -> Any:  # noqa: N802
    """Talks: ``(source, target)`` sentences with the ends of lines, of two of de, en, it, nl and ro."""
    pair = _check_languages(language_pair, IWSLT2017_LANGUAGES)
    inner = os.path.join("texts", "DeEnItNlRo", "DeEnItNlRo", "DeEnItNlRo-DeEnItNlRo.tgz")
    sets = {"valid": "dev2010", "test": "tst2010"}
    return _iwslt("IWSLT2017", root, 17, "2017-01-trnmted.tgz", inner, pair, split, sets)

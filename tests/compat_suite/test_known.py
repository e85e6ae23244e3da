"""The lists of known failures: what is written in them is checked, and they only get shorter."""

from __future__ import annotations

from pathlib import Path

import pytest

from compat_suite import known, registry


@pytest.mark.parametrize("path", sorted(known.FOLDER.glob("*.txt")), ids=lambda p: p.name)
def test_the_lists_are_no_longer_than_recorded(path: Path) -> None:
    assert known.count(path) == known.ceiling(path), "lower the ceiling with the list; never raise it"


def test_every_listed_case_exists_and_has_a_reason() -> None:
    assert all(known.read(registry.load()).values())


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("# ceiling: 9\ntorch.a:b", "has no reason"),
        ("# ceiling: 9\ntorch.a:b: ", "has no reason"),
        ("# ceiling: 9\ntorch.c:d: why", "names no case"),
        ("# ceiling: 9\ntorch.a:b: why\ntorch.a:b: why", "is repeated"),
        ("# ceiling: 0\ntorch.a:b: why", "lists 1 cases, its ceiling is 0"),
        ("torch.a:b: why", "needs one line '# ceiling: N'"),
    ],
)
def test_wrong_lists_are_refused(tmp_path: Path, lines: str, problem: str) -> None:
    (tmp_path / "list.txt").write_text(lines + "\n")
    with pytest.raises(ValueError, match=problem):
        known.read(["torch.a:b"], tmp_path)


def test_cases_that_pass_are_taken_off_and_the_ceiling_is_lowered(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("# why these\n# ceiling: 3\n\ntorch.a:b: one\ntorch.a:c: two\ntorch.a:x:y: three: and more\n")
    assert known.shrink({"torch.a:c": None}, tmp_path) == 1
    assert path.read_text() == "# why these\n# ceiling: 2\n\ntorch.a:b: one\ntorch.a:x:y: three: and more\n"
    assert known.read(["torch.a:b", "torch.a:x:y"], tmp_path)["torch.a:x:y"] == "three: and more"


def test_a_list_is_begun_once(tmp_path: Path) -> None:
    path = tmp_path / "new.txt"
    known.begin(path, "These.", {"torch.b:c": "two\nlines", "torch.a:b": "one"})
    assert path.read_text() == "# These.\n# ceiling: 2\ntorch.a:b: one\ntorch.b:c: two lines\n"
    assert known.read(["torch.a:b", "torch.b:c"], tmp_path) == {"torch.a:b": "one", "torch.b:c": "two lines"}
    with pytest.raises(FileExistsError):
        known.begin(path, "More.", {})

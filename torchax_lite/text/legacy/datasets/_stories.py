"""Stories, questions and answers."""

from __future__ import annotations

import os
from typing import Any

import torchax_lite as torch

from ...data import Dataset, Example, Field, Iterator


class BABI20Field(Field):
    """A field of stories: lists of sentences, the last first, cut and padded to ``memory_size`` sentences."""

    def __init__(self, memory_size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.memory_size = memory_size
        self.unk_token = None
        self.batch_first = True

    def preprocess(self, x: Any) -> Any:
        return [super(BABI20Field, self).preprocess(s) for s in x] if isinstance(x, list) else super().preprocess(x)

    def pad(self, minibatch: Any) -> Any:
        if not isinstance(minibatch[0][0], list):
            return super().pad(minibatch)
        self.fix_length = max(len(sentence) for story in minibatch for sentence in story)
        empty = [self.pad_token] * self.fix_length
        padded = []
        for story in minibatch:
            kept = story[::-1][: self.memory_size]
            padded.append(super().pad(kept) + [empty] * (self.memory_size - len(kept)))
        self.fix_length = None
        return padded

    def numericalize(self, arr: Any, device: Any = None) -> Any:
        if not isinstance(arr[0][0], list):
            return super().numericalize(arr, device=device)
        return torch.stack([super(BABI20Field, self).numericalize(x, device=device) for x in arr])


class BABI20(Dataset):
    """Facebook's bAbI: stories, questions and answers.

    Args:
        path: the file of a task.
        text_field: of all three columns, ``story``, ``query`` and ``answer``.
        only_supporting: keep only the sentences that the answer follows from.
    """

    urls = ["http://www.thespermwhale.com/jaseweston/babi/tasks_1-20_v1-2.tar.gz"]
    name = ""
    dirname = ""

    def __init__(self, path: str, text_field: Any, only_supporting: bool = False, **kwargs: Any) -> None:
        fields = [("story", text_field), ("query", text_field), ("answer", text_field)]
        self.sort_key = lambda x: len(x.query)
        with open(path, encoding="utf-8") as lines:
            examples = [Example.fromlist(row, fields) for row in self._parse(lines, only_supporting)]
        super().__init__(examples, fields, **kwargs)

    @staticmethod
    def _parse(lines: Any, only_supporting: bool) -> list[tuple[list[str], str, str]]:
        rows: list[tuple[list[str], str, str]] = []
        story: list[str] = []
        for line in lines:
            number, text = line.rstrip("\n").split(" ", 1)
            if number == "1":
                story = []
            if text.endswith("."):
                story.append(text[:-1])
                continue
            query, answer, supporting = (part.strip() for part in text.split("\t"))
            kept = [story[int(i) - 1] for i in supporting.split()] if only_supporting else [s for s in story if s]
            rows.append((kept, query[:-1] if query.endswith("?") else query, answer))
            story.append("")
        return rows

    @classmethod
    def splits(  # type: ignore[override]
        cls,
        text_field: Any,
        path: str | None = None,
        root: str = ".data",
        task: int = 1,
        joint: bool = False,
        tenK: bool = False,  # noqa: N803
        only_supporting: bool = False,
        train: str | None = None,
        validation: str | None = None,
        test: str | None = None,
        **kwargs: Any,
    ) -> tuple[Dataset, ...]:
        """The training, the validation and the test set of a task.

        Args:
            path: the folder of the files; by default that of the set (of 10,000 questions if ``tenK``) in ``root``.
            joint: train and validate on all tasks.
            train, validation, test: the files, if not those of the task.
        """
        assert isinstance(task, int) and 1 <= task <= 20
        if path is None:
            cls.dirname = os.path.join("tasks_1-20_v1-2", "en-valid-10k" if tenK else "en-valid")
            path = cls.download(root)
        names = {"train": train, "valid": validation}
        for kind, name in names.items():
            if name is None:
                names[kind] = cls._joined(path, kind) if joint else f"qa{task}_{kind}.txt"
        kwargs.update(text_field=text_field, only_supporting=only_supporting)
        return super().splits(path, root, names["train"], names["valid"], test or f"qa{task}_test.txt", **kwargs)

    @staticmethod
    def _joined(path: str, kind: str) -> str:
        """The name of the file of all tasks together; written where it is not there."""
        name = f"all_{kind}.txt"
        if not os.path.isfile(os.path.join(path, name)):
            texts = []
            for task in range(1, 21):
                with open(os.path.join(path, f"qa{task}_{kind}.txt"), encoding="utf-8") as file:
                    texts.append(file.read())
            with open(os.path.join(path, name), "w", encoding="utf-8") as file:
                file.write("".join(texts))
        return name

    @classmethod
    def iters(
        cls,
        batch_size: int = 32,
        root: str = ".data",
        memory_size: int = 50,
        task: int = 1,
        joint: bool = False,
        tenK: bool = False,  # noqa: N803
        only_supporting: bool = False,
        sort: bool = False,
        shuffle: bool = False,
        device: Any = None,
        **kwargs: Any,
    ) -> tuple[Iterator, ...]:
        """Iterators over the splits, with a field and a vocabulary made for them."""
        text = BABI20Field(memory_size)
        parts = cls.splits(
            text, root=root, task=task, joint=joint, tenK=tenK, only_supporting=only_supporting, **kwargs
        )
        text.build_vocab(parts[0])
        return Iterator.splits(parts, batch_size=batch_size, sort=sort, shuffle=shuffle, device=device)

"""Samplers of clips of videos, and one for several processes that keeps groups together."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torchax_lite as torch
from torchax_lite import distributed as dist
from torchax_lite.utils.data import Sampler


class DistributedSampler(Sampler):
    """The share of a data set (or sampler) of one process; ``group_size`` consecutive indices stay together."""

    def __init__(
        self, dataset: Any, num_replicas: int | None = None, rank: int | None = None, shuffle: bool = False,
        group_size: int = 1,
    ) -> None:  # fmt: skip
        if num_replicas is None:
            num_replicas = dist.get_world_size()
        if rank is None:
            rank = dist.get_rank()
        if len(dataset) % group_size != 0:
            raise ValueError(
                f"dataset length must be a multiplier of group size dataset length: {len(dataset)}, group size: "
                f"{group_size}"
            )
        self.dataset = dataset
        self.group_size = group_size
        self.num_replicas = num_replicas
        self.rank = rank
        self.epoch = 0
        self.num_group_samples = int(math.ceil(len(dataset) // group_size / self.num_replicas))
        self.num_samples = self.num_group_samples * group_size
        self.total_size = self.num_samples * self.num_replicas
        self.shuffle = shuffle

    def __iter__(self) -> Iterator[int]:
        count = len(self.dataset)
        if self.shuffle:
            generator = torch.Generator()
            generator.manual_seed(self.epoch)
            indices = torch.randperm(count, generator=generator).tolist()
        else:
            indices = list(range(count))
        indices += indices[: self.total_size - count]
        groups = [indices[i : i + self.group_size] for i in range(0, self.total_size, self.group_size)]
        mine = [i for group in groups[self.rank :: self.num_replicas] for i in group]
        if isinstance(self.dataset, Sampler):
            original = list(self.dataset)
            mine = [original[i] for i in mine]
        return iter(mine)

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """The seed of the next order."""
        self.epoch = epoch


class _ClipSampler(Sampler):
    def __init__(self, video_clips: Any) -> None:
        if not hasattr(video_clips, "clips"):
            raise TypeError(f"Expected video_clips to be an instance of VideoClips, got {type(video_clips)}")
        self.video_clips = video_clips

    def _videos(self) -> Iterator[tuple[int, int]]:
        """First clip and number of clips of each video."""
        start = 0
        for clips in self.video_clips.clips:
            yield start, len(clips)
            start += len(clips)


class UniformClipSampler(_ClipSampler):
    """``num_clips_per_video`` clips of each video at equal distances."""

    def __init__(self, video_clips: Any, num_clips_per_video: int) -> None:
        super().__init__(video_clips)
        self.num_clips_per_video = num_clips_per_video

    def __iter__(self) -> Iterator[int]:
        found: list[int] = []
        for start, count in self._videos():
            if count:
                steps = torch.linspace(start, start + count - 1, steps=self.num_clips_per_video)
                found += steps.floor().to(torch.int64).tolist()
        return iter(found)

    def __len__(self) -> int:
        return sum(self.num_clips_per_video for _, count in self._videos() if count)


class RandomClipSampler(_ClipSampler):
    """At most ``max_clips_per_video`` random clips of each video, in random order."""

    def __init__(self, video_clips: Any, max_clips_per_video: int) -> None:
        super().__init__(video_clips)
        self.max_clips_per_video = max_clips_per_video

    def __iter__(self) -> Iterator[int]:
        found: list[int] = []
        for start, count in self._videos():
            chosen = torch.randperm(count)[: min(count, self.max_clips_per_video)]
            found += (chosen + start).tolist()
        return iter([found[i] for i in torch.randperm(len(found)).tolist()])

    def __len__(self) -> int:
        return sum(min(count, self.max_clips_per_video) for _, count in self._videos())

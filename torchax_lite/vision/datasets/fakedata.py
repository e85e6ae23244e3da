"""Random images."""

from __future__ import annotations

from typing import Any

import torchax_lite as torch

from .vision import Transform, VisionDataset


class FakeData(VisionDataset):
    """``size`` random images of a shape, and random classes; each follows from its index alone."""

    def __init__(
        self, size: int = 1000, image_size: tuple[int, int, int] = (3, 224, 224), num_classes: int = 10,
        transform: Transform = None, target_transform: Transform = None, random_offset: int = 0,
    ) -> None:  # fmt: skip
        super().__init__(transform=transform, target_transform=target_transform)
        self.size = size
        self.num_classes = num_classes
        self.image_size = image_size
        self.random_offset = random_offset

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if index >= len(self):
            raise IndexError(f"{self.__class__.__name__} index out of range")
        from ..transforms import ToPILImage

        state = torch.get_rng_state()
        torch.manual_seed(index + self.random_offset)
        image = torch.randn(*self.image_size)
        target = torch.randint(0, self.num_classes, size=(1,), dtype=torch.long)[0]
        torch.set_rng_state(state)
        image = ToPILImage()(image)
        image, target = self._transformed(image, target)
        return image, target.item()

    def __len__(self) -> int:
        return self.size

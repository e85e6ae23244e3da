"""The version of torchvision whose interface this is."""

from . import __version__ as __version__

git_version = "unknown"

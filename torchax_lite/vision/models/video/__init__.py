"""Classifiers of videos ``(N, 3, T, H, W)``."""

from .resnet import *
from .s3d import *

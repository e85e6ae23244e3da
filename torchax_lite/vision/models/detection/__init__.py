"""Models that find objects: Faster R-CNN, Mask R-CNN, RetinaNet."""

from .faster_rcnn import *
from .mask_rcnn import *
from .retinanet import *

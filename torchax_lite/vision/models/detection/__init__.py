"""Models that find objects: Faster, Mask and Keypoint R-CNN, RetinaNet, FCOS, SSD, SSDLite."""

from .faster_rcnn import *
from .fcos import *
from .keypoint_rcnn import *
from .mask_rcnn import *
from .retinanet import *
from .ssd import *
from .ssdlite import *

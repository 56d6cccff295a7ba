"""Training, plotting, data and exercise checking for the book *Deep Learning, Measured*.

>>> from d2lutil import check, data, fit, plotting, show
"""

from d2lutil import data, detection, plotting, translation, yolo
from d2lutil.checking import check, progress
from d2lutil.interactive import explore
from d2lutil.plotting import show
from d2lutil.questions import question
from d2lutil.runtime import device, scale, seed
from d2lutil.text import Vocabulary
from d2lutil.training import History, accuracy, evaluate, fit, gradient_sizes, predict

__all__ = [
    "History",
    "Vocabulary",
    "accuracy",
    "check",
    "data",
    "detection",
    "device",
    "evaluate",
    "explore",
    "fit",
    "gradient_sizes",
    "plotting",
    "predict",
    "progress",
    "question",
    "scale",
    "seed",
    "show",
    "translation",
    "yolo",
]
__version__ = "0.1.0"

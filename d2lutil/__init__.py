"""Training, plotting, data and exercise checking for the book *Deep Learning, Measured*.

Each name is loaded when it is first asked for. So a program pays for what it uses, and matplotlib
keeps its own style until `plotting`, or `show` or `explore`, is asked for.

>>> from d2lutil import check, data, fit, plotting, show
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from d2lutil import data, detection, plotting, translation, weights, yolo
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
    "weights",
    "yolo",
]
__version__ = "0.1.0"

_MODULES = {  # the module of each name that is no module itself
    "History": "training",
    "Vocabulary": "text",
    "accuracy": "training",
    "check": "checking",
    "device": "runtime",
    "evaluate": "training",
    "explore": "interactive",
    "fit": "training",
    "gradient_sizes": "training",
    "predict": "training",
    "progress": "checking",
    "question": "questions",
    "scale": "runtime",
    "seed": "runtime",
    "show": "plotting",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    elif not name.startswith("_") and find_spec(f"{__name__}.{name}"):
        value = import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

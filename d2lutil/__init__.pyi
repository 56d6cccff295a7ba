from . import (
    data as data,
    detection as detection,
    plotting as plotting,
    translation as translation,
    weights as weights,
    yolo as yolo,
)
from .checking import (
    check as check,
    progress as progress,
)
from .interactive import (
    explore as explore,
)
from .plotting import (
    show as show,
)
from .questions import (
    question as question,
)
from .runtime import (
    device as device,
    scale as scale,
    seed as seed,
)
from .text import (
    Vocabulary as Vocabulary,
)
from .training import (
    History as History,
    accuracy as accuracy,
    evaluate as evaluate,
    fit as fit,
    gradient_sizes as gradient_sizes,
    predict as predict,
)

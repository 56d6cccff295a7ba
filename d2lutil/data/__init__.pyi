from .digit_scenes import (
    scenes as scenes,
)
from .images import (
    digits as digits,
    fashion_mnist as fashion_mnist,
)
from .leaves import (
    leaves as leaves,
)
from .tables import (
    AUTOMPG_COLUMNS as AUTOMPG_COLUMNS,
    Split as Split,
    autompg as autompg,
    blobs as blobs,
    linear as linear,
    moons as moons,
    xor as xor,
)
from .text import (
    Phrases as Phrases,
    messages as messages,
    number_words as number_words,
    python_docs as python_docs,
)

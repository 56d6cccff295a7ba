"""Training, plotting, data and exercise checking for the book *Deep Learning, Measured*.

Each name is loaded when it is first asked for: `__init__.pyi` says from where. So a program pays
for what it uses, and matplotlib keeps its own style until `plotting`, or `show` or `explore`, is
asked for.

>>> from d2lutil import check, data, fit, plotting, show
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__version__ = "0.1.0"

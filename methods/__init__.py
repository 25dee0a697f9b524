"""The methods room of crossres: every re-identification method, by name.

Its public door: a name is loaded when first asked for. The names are those of `__init__.pyi`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

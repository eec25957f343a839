"""Garbage: when Python looks for it, which by default is far too often for what we do.

Its collector goes through all that lives again and again: thousands of chains
while they are being loaded, and then the same chains and every library during
a run that needs none of it gone.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["collected_rarely", "uncollected"]

_THRESHOLDS = (20_000, 20, 20)


@contextmanager
def uncollected() -> Iterator[None]:
    """Collect nothing meanwhile; for making much that stays.

    Example:
        >>> with uncollected():
        ...     gc.isenabled()
        False
        >>> gc.isenabled()
        True
    """
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


@contextmanager
def collected_rarely() -> Iterator[None]:
    """Collect seldom meanwhile, and nothing of what lives already; for a long run.

    Example:
        >>> with collected_rarely():
        ...     gc.get_threshold()
        (20000, 20, 20)
        >>> gc.get_freeze_count()
        0
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()

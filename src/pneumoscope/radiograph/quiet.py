"""Keep the readers' own words from people and logs: pydicom's warnings and log lines can quote a patient's header.

Both means are safe when several threads read at once. `warnings.catch_warnings` is not: it swaps a list that all
threads share, and puts back what another thread had put there.
"""

from __future__ import annotations

import logging
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

_LOGGERS = (
    "pydicom",
    "pydicom.pixels.decoders.base",
    "pydicom.pixels.utils",
    "pylibjpeg",
    "pylibjpeg.utils",
    "openjpeg",
    "openjpeg._openjpeg",
    "openjpeg.utils",
    "jpeg_ls",
    "jpeg_ls._CharLS",
    "PIL.PngImagePlugin",
    "PIL.TiffImagePlugin",
    "PIL.Image",
)
_WARNING_MODULES = re.compile(r"(pydicom|pylibjpeg|openjpeg|jpeg_ls|PIL)(\.|$)")
_reading = threading.local()


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Within it, this thread's log records of pydicom, the codecs and Pillow are dropped; their warnings are ignored.

    The warning filter stays (it names those modules only) and is put back should somebody have taken it away.
    """
    ignored = ("ignore", None, Warning, _WARNING_MODULES, 0)
    if ignored not in warnings.filters:
        warnings.filterwarnings("ignore", module=_WARNING_MODULES.pattern)
    _install_log_filters()
    _reading.depth = getattr(_reading, "depth", 0) + 1
    try:
        yield
    finally:
        _reading.depth -= 1


@cache
def _install_log_filters() -> None:
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_dropped_while_reading)


def _dropped_while_reading(_record: logging.LogRecord) -> bool:
    """A `logging.Filter`: False drops the record."""
    return not getattr(_reading, "depth", 0)

"""Quiet while reading, and only then, and only in the thread that reads."""

from __future__ import annotations

import logging
import threading
import warnings

import pytest

from pneumoscope.radiograph.quiet import quiet_libraries

PYDICOM = logging.getLogger("pydicom")


def warn_as(module: str) -> None:
    warnings.warn_explicit("Doe^Janet", UserWarning, "file.py", 1, module=module)


def test_log_records_are_dropped_only_within(caplog: pytest.LogCaptureFixture) -> None:
    with quiet_libraries(), quiet_libraries():
        PYDICOM.warning("inner")
    PYDICOM.warning("after")
    assert [record.message for record in caplog.records] == ["after"]


def test_log_records_of_another_thread_are_kept(caplog: pytest.LogCaptureFixture) -> None:
    with quiet_libraries():
        thread = threading.Thread(target=PYDICOM.warning, args=("of another",))
        thread.start()
        thread.join()
    assert [record.message for record in caplog.records] == ["of another"]


def test_warnings_of_the_readers_are_ignored_even_as_errors() -> None:
    with quiet_libraries():
        for module in ("pydicom.misc", "PIL.TiffImagePlugin", "pydicom", "openjpeg.utils"):
            warn_as(module)


def test_warnings_of_others_are_kept() -> None:
    with quiet_libraries(), pytest.warns(UserWarning, match="Doe"):
        warn_as("pydicom_of_somebody_else")


def test_the_filter_does_not_pile_up() -> None:
    with quiet_libraries():
        before = len(warnings.filters)
    for _ in range(5):
        with quiet_libraries():
            assert len(warnings.filters) == before

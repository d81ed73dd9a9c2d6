"""What can go wrong with jobs: requests that are refused, and a database that cannot be used."""

from __future__ import annotations

from pneumoscope.errors import UnusableOutput
from pneumoscope.web.refusal import Overloaded, RefusedRequest


class JobUnknown(RefusedRequest):
    """There is no job of that id, or no longer."""

    http_status = 404


class JobTooLarge(RefusedRequest):
    """A job with more files or bytes than any job may have."""

    http_status = 413


class JobsFull(Overloaded):
    """The jobs that wait, and results that are kept, leave no room for this one."""

    retry_after_seconds = 60


class UnusableJobs(UnusableOutput):
    """The jobs' database cannot be read or written."""

    http_status = 503


class JobsDiskFull(UnusableJobs):
    """The disk of the jobs' database is full."""

    http_status = 507

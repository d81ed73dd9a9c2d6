"""A local stand-in for the two endpoints that kagglehub calls: the API's answer, and the archive's own address."""

from __future__ import annotations

import base64
import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

API = "/api/v1/datasets.DatasetApiService/DownloadDataset"
FILE = "/storage/archive.zip"


def archive_of(files: dict[str, bytes]) -> bytes:
    """A ZIP file with these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return buffer.getvalue()


@dataclass
class FakeKaggle:
    """What it answers with, and what it was asked."""

    archive: bytes
    api_status: int = 302
    cut_after_bytes: int | None = None
    announced_md5_of: bytes | None = None
    endpoint: str = ""
    asked: list[str] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)


@contextmanager
def running(fake: FakeKaggle) -> Iterator[FakeKaggle]:
    """Serve on a free port of this machine until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            fake.asked.append(self.path)
            fake.authorizations.append(self.headers.get("Authorization"))
            self.send_response(fake.api_status)
            self.send_header("Content-Length", "0")
            if fake.api_status == 302:
                self.send_header("Location", fake.endpoint + FILE)
            self.end_headers()

        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
            fake.asked.append(f"{self.path} from {start}")
            md5 = hashlib.md5(fake.announced_md5_of or fake.archive).digest()
            self.send_response(206 if wanted else 200)
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(len(fake.archive) - start))
            self.send_header("X-Goog-Hash", f"md5={base64.b64encode(md5).decode()}")
            self.end_headers()
            end, fake.cut_after_bytes = fake.cut_after_bytes, None
            with suppress(BrokenPipeError, ConnectionResetError):
                self.wfile.write(fake.archive[start:end])

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        fake.endpoint = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield fake
        finally:
            server.shutdown()
            thread.join()

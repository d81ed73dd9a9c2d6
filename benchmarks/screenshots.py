"""Photograph the page for the documents: `python benchmarks/screenshots.py` writes docs/pictures/page-*.png.

It needs the `dev` extra and Debian's Chromium. Only the shipped radiographs are shown.
"""

from __future__ import annotations

import io
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import uvicorn
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, expect, sync_playwright

from pneumoscope.inference.predictor import Predictor
from pneumoscope.web.application import web_application
from pneumoscope.web.server import listening_socket, page_address
from pneumoscope.web.settings import Settings

ROOT: Final = Path(__file__).parents[1]
PICTURES: Final = ROOT / "docs" / "pictures"
EXAMPLES: Final = ROOT / "examples" / "radiographs"
CLEAR: Final = "PNEUMONIA/person1952_bacteria_4883.jpeg"
WARNED: Final = "PNEUMONIA/person1951_bacteria_4882.jpeg"
UNCERTAIN: Final = "PNEUMONIA/person1950_bacteria_4881.jpeg"
PHONE: Final[dict[str, Any]] = {
    "viewport": {"width": 390, "height": 844},
    "is_mobile": True,
    "has_touch": True,
    "device_scale_factor": 1.5,
}
FREQUENT: Final = 32
GRAY_LEVELS: Final = 64
"""Of the 256 entries of a picture's palette; the rest goes to the colours of the heat map."""
PATIENCE_MS: Final = 60_000


def start(page: Page) -> None:
    """Before the first radiograph."""
    page.wait_for_load_state("networkidle")


def answer(page: Page) -> None:
    """The answer to one radiograph."""
    give(page, CLEAR)


def side_by_side(page: Page) -> None:
    """Contours for and against beside the bare radiograph, with a warning."""
    give(page, WARNED)
    page.click("#side-by-side")
    page.select_option("#color-map", "coolwarm")
    page.select_option("#show", "contours")
    drawn(page, "contours")


def zoomed(page: Page) -> None:
    """Enlarged, zoomed, in a narrow window."""
    give(page, CLEAR)
    page.click("#enlarge")
    page.locator("#level").fill("150")
    page.locator("#width").fill("170")
    page.select_option("#show", "both")
    drawn(page, "contours")
    for _ in range(4):
        page.click("#zoom-in")
    page.focus("#stage")


def many(page: Page) -> None:
    """Many radiographs, halfway."""
    page.evaluate(
        """() => {
            const send = window.fetch;
            let sent = 0;
            window.fetch = (path, ...rest) =>
                path === "/page/prediction" && (sent += 1) > 9 ? new Promise(() => {}) : send(path, ...rest);
        }"""
    )
    page.set_input_files("#files", sorted(EXAMPLES.rglob("*.jpeg")))
    expect(page.locator(".entry[data-state=read]")).to_have_count(9)
    settled(page)


def refused(page: Page) -> None:
    """A file that is no radiograph, among others that are."""
    letter: FilePayload = {"name": "letter.txt", "mimeType": "text/plain", "buffer": b"Dear colleague"}
    others: list[FilePayload] = [
        {"name": Path(name).name, "mimeType": "image/jpeg", "buffer": (EXAMPLES / name).read_bytes()}
        for name in (CLEAR, UNCERTAIN)
    ]
    page.set_input_files("#files", [*others, letter])
    expect(page.locator("#status")).to_contain_text("1 could not be read")
    page.click(".entry-open >> text=letter.txt")


def german(page: Page) -> None:
    """In German, in a dark room, where the model cannot tell."""
    give(page, UNCERTAIN)


def about(page: Page) -> None:
    """What the model is and is not."""
    page.click("#open-about")


def phone(page: Page) -> None:
    """On a phone."""
    give(page, CLEAR)


def report(page: Page) -> None:
    """The report that can be taken along, as a browser shows it."""
    give(page, WARNED)
    with page.expect_download() as download:
        page.click("#download-report")
    page.goto("about:blank")  # as from a disk: without the page's own security policy
    page.set_content(download.value.path().read_text("utf-8"))
    page.wait_for_load_state("networkidle")


SCENES: Final[dict[str, tuple[Callable[[Page], None], str, dict[str, Any]]]] = {
    "start": (start, "/", {}),
    "answer": (answer, "/", {}),
    "side-by-side": (side_by_side, "/", {}),
    "zoomed": (zoomed, "/", {}),
    "many": (many, "/", {}),
    "refused": (refused, "/", {"viewport": {"width": 1400, "height": 620}}),
    "about": (about, "/", {}),
    "dark-german": (german, "/?language=de", {"color_scheme": "dark"}),
    "phone": (phone, "/", PHONE),
    "report": (report, "/", {"viewport": {"width": 900, "height": 640}}),
}
WHOLE: Final = {"answer", "side-by-side", "start", "report"}
"""Scenes of which the whole page is photographed, not only the window."""


def give(page: Page, name: str) -> None:
    """Choose a radiograph and wait for its answer."""
    page.set_input_files("#files", EXAMPLES / name)
    expect(page.locator("#answered")).to_be_visible()
    settled(page)


def settled(page: Page) -> None:
    """Wait until the picture and its evidence are drawn."""
    expect(page.locator("#method-note")).not_to_be_empty()
    drawn(page, "colors")


def drawn(page: Page, layer: str) -> None:
    """Wait until a layer is drawn."""
    expect(page.locator(f"#pane canvas.{layer}")).not_to_have_attribute("width", "1")
    expect(page.locator("#busy")).to_be_hidden()
    page.wait_for_timeout(300)


@contextmanager
def served() -> Iterator[str]:
    """The page with the shipped bundle on a free port of this machine."""
    application = web_application(Predictor.open(threads=1), Settings(upload_bytes=50 * 2**20, threads=2, waiting=16))
    with listening_socket("127.0.0.1", 0) as listening:
        server = uvicorn.Server(uvicorn.Config(application, log_level="warning", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield page_address(listening)
        finally:
            server.should_exit = True
            thread.join()


def photograph(browser: Browser, address: str, name: str) -> int:
    """Write one scene as a palette PNG; its size in bytes."""
    scene, path, options = SCENES[name]
    context = browser.new_context(
        **{"viewport": {"width": 1400, "height": 860}, "base_url": address, "locale": "en-GB", **options}
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(path)
    page.wait_for_selector("body[data-ready]")
    scene(page)
    picture = Image.open(io.BytesIO(page.screenshot(full_page=name in WHOLE, animations="disabled")))
    context.close()
    file = PICTURES / f"page-{name}.png"
    with_few_colors(picture.convert("RGB")).save(file, optimize=True)
    return file.stat().st_size


def with_few_colors(picture: Image.Image) -> Image.Image:
    """As a palette picture: the colours of the page as they are, gray levels for films, the rest for the heat map."""
    frequent = sorted(picture.getcolors(picture.width * picture.height) or [], reverse=True)[:FREQUENT]
    palette = [level for _, color in frequent for level in (color if isinstance(color, tuple) else (color,) * 3)]
    palette += [int(level) for gray in np.linspace(0, 255, GRAY_LEVELS).round() for level in (gray,) * 3]
    left = 256 - len(palette) // 3
    pixels = np.asarray(picture).reshape(-1, 3)
    colored = pixels[np.ptp(pixels.astype(int), axis=1) > 8]
    if len(colored):
        few = Image.fromarray(colored[np.newaxis]).quantize(left, method=Image.Quantize.MAXCOVERAGE, kmeans=3)
        palette += (few.getpalette() or [])[: 3 * left]
    of_all = Image.new("P", (1, 1))
    of_all.putpalette(palette)
    return picture.quantize(palette=of_all, dither=Image.Dither.NONE)


def main(names: list[str]) -> None:
    """Photograph the scenes of these names, or all."""
    expect.set_options(timeout=PATIENCE_MS)
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("no Chromium here; on Debian: apt-get install chromium")
    PICTURES.mkdir(parents=True, exist_ok=True)
    with served() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name in names or SCENES:
            print(f"page-{name}.png  {photograph(browser, address, name) / 1024:.0f} KB")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])

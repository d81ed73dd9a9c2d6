"""A page whose own name is made to lead to this machine (DNS rebinding) gets nothing out of a server without a key."""

from __future__ import annotations

import base64
from urllib.parse import urlsplit

from playwright.sync_api import Browser

from pneumoscope.web.application import web_application
from pneumoscope.web.settings import Settings
from support.serving import serving

from .conftest import PATIENCE_MS, REBOUND_NAME, example

ASK = """async radiograph => {
    const bytes = Uint8Array.from(atob(radiograph), letter => letter.charCodeAt(0));
    const form = new FormData();
    form.append("file", new Blob([bytes]), "radiograph.jpeg");
    const answers = [await fetch("/v1/predictions?map=none", { method: "POST", body: form }), await fetch("/v1/model")];
    return Promise.all(answers.map(async answer => [answer.status, (await answer.json()).code]));
}"""


def asked_by_somebody_else(browser: Browser, address: str) -> list[list]:
    """Status and code of what a page of that name asks. Its content stands in for one that came from elsewhere."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    try:
        page = context.new_page()
        page.goto(f"http://{REBOUND_NAME}:{urlsplit(address).port}/livez")  # answered by any name
        return page.evaluate(ASK, base64.b64encode(example("person1952").read_bytes()).decode())
    finally:
        context.close()


def test_somebody_else_s_page_has_no_radiograph_read_and_learns_nothing(browser, address):
    assert asked_by_somebody_else(browser, address) == [[421, "host-not-allowed"]] * 2


def test_it_is_the_name_alone_that_keeps_it_out(browser, shipped):
    settings = Settings(upload_bytes=8 * 2**20, threads=1, waiting=2, host_names=(REBOUND_NAME,))
    with serving(web_application(shipped, settings)) as address:
        statuses = [status for status, _ in asked_by_somebody_else(browser, address)]

    assert statuses == [200, 200]

"""Many radiographs, a busy or locked server, and what stays when the page is closed: nothing."""

from __future__ import annotations

from playwright.sync_api import Page, Route, expect

from .conftest import EXAMPLES, answered, example, give

FILES = sorted(EXAMPLES.rglob("*.jpeg"))


class Gate:
    """Holds what is sent, until it is opened."""

    def __init__(self, page: Page) -> None:
        self.held: list[Route] = []
        self.is_open = False
        page.route("**/page/prediction", self.take)

    def take(self, route: Route) -> None:
        if self.is_open:
            route.continue_()
        else:
            self.held.append(route)

    def open(self) -> None:
        self.is_open = True
        for route in self.held:
            route.continue_()


def test_many_files_are_read_one_after_the_other_with_progress(open_page):
    page = open_page()
    gate = Gate(page)
    give(page, *FILES[:8])

    expect(page.locator("#progress")).to_be_visible()
    expect(page.locator("#status")).to_have_text("0 of 8 read, 8 to go")
    gate.open()
    expect(page.locator("#status")).to_have_text("8 of 8 read")
    expect(page.locator("#progress")).to_be_hidden()
    expect(page.locator(".entry[data-state=read]")).to_have_count(8)
    with page.expect_download() as download:
        page.click("#download-all")
    assert download.value.path().read_text("utf-8").count('"decision"') == 8
    page.click(".entry-drop >> nth=7")
    expect(page.locator(".entry")).to_have_count(7)
    page.click("#clear")
    expect(page.locator(".entry")).to_have_count(0)
    expect(page.locator("#examples")).to_be_visible()


def test_two_are_sent_at_a_time_and_what_waits_can_be_cancelled(open_page):
    page = open_page()
    gate = Gate(page)
    give(page, *FILES[:5])
    expect(page.locator(".entry[data-state=reading]")).to_have_count(2)
    expect(page.locator(".entry[data-state=waiting]")).to_have_count(3)
    page.click(".entry-drop >> nth=4")
    expect(page.locator(".entry[data-state=cancelled]")).to_have_count(1)
    page.click("#cancel-all")

    expect(page.locator(".entry[data-state=cancelled]")).to_have_count(5)
    assert len(gate.held) == 2
    page.unroute_all(behavior="ignoreErrors")
    page.click("#again")
    answered(page)


def test_a_busy_server_is_asked_again(open_page):
    page = open_page()
    busy = iter([503, 429])

    def answer(route):
        status = next(busy, None)
        if status is None:
            route.continue_()
        else:
            route.fulfill(status=status, headers={"Retry-After": "1"}, json={})

    page.route("**/page/prediction", answer)
    give(page, example("person1946_bacteria_4875"))
    expect(page.locator(".entry-state")).to_have_text("The server is busy. It will be asked again.")
    answered(page)


def test_a_server_that_asks_for_a_key_gets_it_and_it_is_kept_for_the_tab_only(open_page):
    page = open_page()

    def answer(route):
        if route.request.headers.get("authorization") == "Bearer open sesame":
            route.continue_()
        else:
            route.fulfill(status=401, headers={"WWW-Authenticate": "Bearer"}, json={})

    page.route("**/page/prediction", answer)
    give(page, example("person1946_bacteria_4875"))
    page.fill("#key-input", "wrong")
    page.click("#key button.primary")
    page.fill("#key-input", "open sesame")
    page.click("#key button.primary")
    answered(page)

    assert page.evaluate("Object.keys(localStorage)") == []
    assert page.evaluate("Object.keys(sessionStorage)") == ["pneumoscope-key"]


def test_nothing_of_a_radiograph_is_stored_and_a_new_load_knows_none(open_page):
    page = open_page()
    give(page, example("person1946_bacteria_4875"))
    answered(page)

    assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]
    assert page.evaluate("indexedDB.databases()") == []
    page.reload()
    page.wait_for_selector("body[data-ready]")
    expect(page.locator(".entry")).to_have_count(0)
    expect(page.locator("#examples")).to_be_visible()

"""Many radiographs, a busy or locked server, and what stays when the page is closed: nothing."""

from __future__ import annotations

import json
import re

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
        if route.request.headers.get("authorization") == "Bearer open-sesame":
            route.continue_()
        else:
            route.fulfill(status=401, headers={"WWW-Authenticate": "Bearer"}, json={})

    page.route("**/page/prediction", answer)
    give(page, example("person1946_bacteria_4875"))
    page.fill("#key-input", "two words")
    page.click("#key button.primary")
    expect(page.locator("#key-input:invalid")).to_be_visible()
    page.fill("#key-input", "wrong")
    page.click("#key button.primary")
    expect(page.locator("#key-wrong")).to_have_text("This key is not the server\N{RIGHT SINGLE QUOTATION MARK}s.")
    page.fill("#key-input", " open-sesame\t")
    page.click("#key button.primary")
    answered(page)

    assert page.evaluate("Object.keys(localStorage)") == []
    assert page.evaluate("Object.keys(sessionStorage)") == ["pneumoscope-key"]


def test_without_a_key_the_list_stops_and_goes_on_where_it_was(open_page):
    page = open_page()
    page.route("**/page/prediction", lambda route: route.fulfill(status=401, json={}))
    give(page, *FILES[:4])
    expect(page.locator("#key-input")).to_be_focused()
    expect(page.locator("#key-wrong")).to_be_hidden()
    page.keyboard.press("Escape")

    expect(page.locator("#stopped")).to_have_text("No key was given.")
    expect(page.locator(".entry[data-state=waiting]")).to_have_count(4)
    expect(page.locator("#key")).to_be_hidden()
    page.unroute_all()
    page.click("#go-on")
    expect(page.locator("#status")).to_have_text("4 of 4 read")


def test_when_the_server_is_gone_the_list_waits_and_goes_on_where_it_was(open_page):
    page = open_page()
    page.route(re.compile("/page/prediction|/livez"), lambda route: route.abort())
    give(page, *FILES[:4])

    expect(page.locator("#stopped")).to_have_text("The server does not answer.")
    expect(page.locator("#pending")).to_have_text("Waiting")
    expect(page.locator("#status")).to_have_text("0 of 4 read, 4 to go")
    expect(page.locator(".entry[data-state=waiting]")).to_have_count(4)
    page.unroute_all()
    page.click("#go-on")
    expect(page.locator("#status")).to_have_text("4 of 4 read")
    expect(page.locator("#stopped")).to_be_hidden()
    answered(page)


def test_one_request_that_breaks_off_does_not_hold_up_the_others(open_page):
    page = open_page()
    aborted = iter([True])
    page.route("**/page/prediction", lambda route: route.abort() if next(aborted, False) else route.continue_())
    give(page, *FILES[:3])

    expect(page.locator("#status")).to_have_text("2 of 3 read, 1 could not be read")
    expect(page.locator("#stopped")).to_be_hidden()
    expect(page.locator(".refused-why")).to_have_text("The connection broke off while this was sent.")


def test_a_fault_of_the_server_is_not_called_one_of_the_file_and_stands_among_all_results(open_page):
    page = open_page()
    faults = iter([{"code": "fault", "detail": "Something broke.", "remedy": "Tell us."}])

    def answer(route):
        problem = next(faults, None)
        route.fulfill(status=500, json=problem) if problem else route.continue_()

    page.route("**/page/prediction", answer)
    give(page, FILES[0])
    expect(page.locator(".refused-title")).to_have_text("The server could not answer")
    give(page, FILES[1])
    answered(page)
    with page.expect_download() as download:
        page.click("#download-all")

    refused, read = json.loads(download.value.path().read_text("utf-8"))
    assert refused == {"file": FILES[0].name, "code": "fault", "detail": "Something broke."}
    assert read["file"] == FILES[1].name


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

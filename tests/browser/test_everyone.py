"""For everyone: small windows, dark rooms, other languages, screen readers (axe-core, WCAG 2.2 A and AA)."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from .conftest import answered, example, give

PHONE = {"width": 390, "height": 844, "is_mobile": True, "has_touch": True}


def too_wide(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    return page.evaluate("document.scrollingElement.scrollWidth - window.innerWidth")


def serious(page: Page) -> list[str]:
    """What axe-core takes for serious or critical."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{each['id']}: {node['target']} {node['failureSummary']}"
        for each in found
        if each["impact"] in {"serious", "critical"}
        for node in each["nodes"]
    ]


def test_on_a_phone_nothing_is_cut_off_and_the_answer_comes_before_the_picture(open_page):
    page = open_page(**PHONE)
    assert too_wide(page) == 0
    give(page, example("person1952"))
    answered(page)

    assert too_wide(page) == 0
    assert page.locator("#decision").bounding_box()["y"] < page.locator("#stage").bounding_box()["y"]
    assert page.locator("#stage").bounding_box()["width"] > 350
    page.tap("#stage")
    expect(page.locator("#enlarged")).to_be_visible()
    page.tap("#zoom-in")
    page.tap("#enlarge")
    expect(page.locator("#enlarged")).to_be_hidden()


@pytest.mark.parametrize("width", [820, 1024, 1280, 1920])
def test_no_window_is_too_narrow_or_too_wide(open_page, width):
    page = open_page("/?language=de", width=width)
    give(page, example("person1950"))
    answered(page)

    assert too_wide(page) == 0


def test_the_page_speaks_german_to_a_german_browser(open_page, shipped):
    page = open_page(locale="de-DE")
    film = example("NORMAL2-IM-1442")
    give(page, film)
    answered(page)
    zones = shipped.bundle.card.zones
    probability, low = (
        f"{100 * share:.1f}".replace(".", ",")
        for share in (shipped.predict(film).probability, zones.pneumonia_possible_from)
    )

    assert page.get_attribute("html", "lang") == "de"
    expect(page.locator("#decision")).to_have_text("Kein Hinweis auf Pneumonie")
    expect(page.locator("#probability")).to_have_text(f"{probability}\N{NO-BREAK SPACE}%")
    expect(page.locator("#zone")).to_contain_text(f"Bereich: unwahrscheinlich (unter {low}")
    expect(page.locator("#point-numbers")).to_contain_text("(Validierungsteil eines Zwillingsmodells)")
    expect(page.locator("#file-facts")).to_contain_text("Pixel, JPEG,")
    expect(page.locator(".about-here [lang=en]")).to_contain_text("Guangzhou", use_inner_text=False)
    page.on("dialog", lambda dialog: dialog.accept())
    page.click("#languages a[hreflang=en]")
    expect(page.locator("#open-about")).to_have_text("About the model")


def test_only_what_the_server_wrote_is_marked_as_english(open_page):
    page = open_page("/?language=de")
    give(page, {"name": "bad.txt", "mimeType": "text/plain", "buffer": b"no"})
    expect(page.locator(".refused-why")).to_have_text("Die Datei beginnt wie kein Format, das hier bekannt ist.")
    page.click("#refused summary")
    expect(page.locator("#refused details [lang=en]")).to_contain_text("Its 2 bytes are no picture")
    page.click("#clear")
    give(page, {"name": "large.png", "mimeType": "image/png", "buffer": bytes(8 * 2**20 + 1)})

    expect(page.locator(".refused-why")).to_have_text("Die Datei ist größer als 8 MB.")
    expect(page.locator("#refused [lang=en]")).to_have_count(0)


def test_dark_follows_the_system_and_the_switch_is_remembered(open_page):
    page = open_page(color_scheme="dark")

    def background() -> str:
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    dark = background()
    page.select_option("#theme", "light")
    light = background()
    page.reload()
    page.wait_for_selector("body[data-ready]")

    assert dark == "rgb(18, 20, 22)"
    assert light == "rgb(228, 230, 232)"
    assert background() == light


def test_axe_finds_nothing_serious_before_and_with_an_answer(open_page):
    page = open_page()
    assert serious(page) == []
    page.click("#open-about")
    assert serious(page) == []
    page.keyboard.press("Escape")
    give(page, example("person1951"), {"name": "bad.txt", "mimeType": "text/plain", "buffer": b"no"})
    answered(page)
    page.click("#side-by-side")
    assert serious(page) == []
    page.click(".entry-open >> text=bad.txt")
    expect(page.locator("#refused")).to_be_visible()
    assert serious(page) == []


def test_axe_finds_nothing_serious_enlarged_dark_and_german_or_on_a_phone(open_page):
    page = open_page("/?language=de", color_scheme="dark")
    give(page, example("person1951"))
    answered(page)
    assert serious(page) == []
    page.click("#enlarge")
    expect(page.locator("#enlarged")).to_be_visible()
    assert serious(page) == []
    phone = open_page(**PHONE)
    give(phone, example("person1951"))
    answered(phone)
    assert serious(phone) == []


def test_a_german_reader_gets_warnings_and_refusals_in_german_with_the_numbers(open_page, chest_dicom):
    page = open_page("/?language=de")
    study = {"name": "study.dcm", "mimeType": "application/dicom", "buffer": chest_dicom}
    give(page, study, {"name": "empty.png", "mimeType": "image/png", "buffer": b""}, example("person1951"))
    expect(page.locator("#status")).to_have_text(re.compile("2 von 3 gelesen"))
    answered(page)

    warnings = page.locator("#warnings")
    expect(warnings).to_contain_text(
        "Das Alter ist 70 Jahre; das Modell wurde aus Aufnahmen von 1 bis 5 Jahren gemacht."
    )
    expect(warnings).not_to_contain_text("The patient")
    page.click(".entry-open >> text=empty.png")
    expect(page.locator(".refused-title")).to_have_text("Die Datei ist leer")
    expect(page.locator(".refused-why")).to_have_text("Die Datei enthält keine Bytes.")
    expect(page.locator(".refused-remedy")).to_have_text(
        "Was zu tun ist: Die Datei noch einmal kopieren oder exportieren."
    )
    page.click(".entry-open >> text=person1951")
    expect(warnings).to_contain_text(
        "Die gefundenen Lungen sind ungewöhnlich: ihre Mitte liegt bei 44\N{NO-BREAK SPACE}%"
    )
    expect(page.locator("#warnings [lang=en]")).to_have_count(0)
    assert serious(page) == []


def test_a_map_that_ran_out_of_time_says_so(open_page):
    page = open_page("/?language=de")
    give(page, example("person1952"))
    answered(page)

    def cut_short(route: Route) -> None:
        found = route.fetch()
        route.fulfill(response=found, json={**found.json(), "masks": 16})

    page.route("**/page/map*", cut_short)
    page.select_option("#method", "occlusion")

    expect(page.locator("#method-note")).to_contain_text("16 von 169 Abdeckungen. Die Zeit lief ab")

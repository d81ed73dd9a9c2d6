"""Level and width of a DICOM file work on the values in it, not on the 256 levels that its own window leaves."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import Page, Route, expect

from .conftest import answered, example, give, mean_color, ready, study
from .test_everyone import serious, too_wide

RADIOGRAPH = "#pane canvas.radiograph"


def gray_on(page: Page) -> np.ndarray:
    """What the canvas of the radiograph holds, after what was asked for is painted."""
    rows = page.evaluate(
        """async () => {
            await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
            const canvas = document.querySelector("#pane canvas.radiograph");
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            return [canvas.height, Array.from(data).filter((_, place) => place % 4 === 0)];
        }"""
    )
    return np.array(rows[1]).reshape(rows[0], -1)


def set_window(page: Page, level: str, width: str) -> None:
    page.locator("#level-number").fill(level)
    page.keyboard.press("Tab")
    page.locator("#width-number").fill(width)
    page.keyboard.press("Tab")


def linear(values: np.ndarray, center: float, width: float) -> np.ndarray:
    """PS3.3 C.11.2.1.2.1."""
    return 255 * np.clip((values - (center - 0.5)) / (width - 1) + 0.5, 0, 1)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_values_are_shown_through_any_window_and_come_back_as_in_the_file(open_page, film, photometric):
    page = open_page()
    give(page, study(film, photometric=photometric, RescaleSlope="2", RescaleIntercept="-1000"))
    ready(page)
    as_read = gray_on(page)
    stored = 4095 - film if photometric == "MONOCHROME1" else film
    sign = -1 if photometric == "MONOCHROME1" else 1

    assert page.input_value("#level-number") == "2100"
    assert page.input_value("#width-number") == "2400"
    set_window(page, "4000", "1500")
    expected = linear(stored * 2.0 - 1000, 4000, 1500)
    assert np.abs(gray_on(page) - (255 - expected if sign < 0 else expected)).max() <= 0.51
    expect(page.locator("#window-preset")).to_have_value("own")
    expect(page.locator("#window-note")).to_contain_text("The model read the picture as in the file.")
    assert mean_color(page, "#pane canvas.colors")[3] > 1  # the evidence stays over it
    page.locator("#level").dblclick()
    assert np.array_equal(gray_on(page), as_read)
    expect(page.locator("#reset-window")).to_be_disabled()


def test_what_the_files_own_window_cuts_off_is_told_and_can_be_seen(open_page, film):
    page = open_page()
    give(page, study(film, WindowCenter="1200", WindowWidth="1000"))
    ready(page)
    white = film > 1199.5 + 499.5
    share = round(100 * (white.sum() - np.bincount(film[white]).max()) / film.size)

    expect(page.locator("#window-note")).to_contain_text("The window in the file cuts off")
    expect(page.locator("#window-note")).to_contain_text(f"{share}\N{NO-BREAK SPACE}% ")
    assert set(gray_on(page)[white]) == {255}
    page.select_option("#window-preset", "full")
    assert len(set(gray_on(page)[white])) > 50
    low, high = int(film.min()), int(film.max())
    assert page.input_value("#width-number") == str(high - low + 1)
    expect(page.locator("#window-note")).not_to_contain_text("cuts off")


def test_the_window_can_be_set_with_the_keyboard_alone_and_turned_round(open_page, film):
    page = open_page()
    give(page, study(film))
    ready(page)
    page.locator("#window-preset").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#window-preset")).to_have_value("full")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # invert
    assert page.evaluate(f"document.querySelector('{RADIOGRAPH}').style.filter") == 'url("#window")'
    assert float(page.locator("#window feFuncR").get_attribute("slope")) == -1
    page.locator("#level").focus()
    before = float(page.input_value("#level-number"))
    page.keyboard.press("ArrowRight")
    assert float(page.input_value("#level-number")) > before
    assert page.locator("#level").get_attribute("aria-valuetext").startswith("Level ")
    page.locator("#reset-window").focus()
    page.keyboard.press("Enter")

    expect(page.locator("#window-preset")).to_have_value("file")
    assert page.evaluate(f"document.querySelector('{RADIOGRAPH}').style.filter") == ""


def test_a_window_stays_while_zooming_and_the_next_radiograph_starts_from_its_own(open_page, film):
    page = open_page()
    give(page, study(film), study(film, name="second.dcm", WindowCenter="1900", WindowWidth="3000"))
    expect(page.locator("#status")).to_have_text("2 of 2 read")
    ready(page)
    set_window(page, "1500", "400")
    changed = gray_on(page)
    page.click("#stage")
    page.click("#side-by-side")
    page.keyboard.press("+")

    assert np.array_equal(gray_on(page), changed)
    assert mean_color(page, "#plain-pane canvas.radiograph")[:3] == mean_color(page, RADIOGRAPH)[:3]
    page.locator("#stage").focus()
    page.keyboard.press("j")
    expect(page.locator("#answer-file")).to_have_text("second.dcm")
    expect(page.locator("#level-number")).to_have_value("1900")
    expect(page.locator("#width-number")).to_have_value("3000")


def test_the_other_windows_of_a_header_can_be_chosen(open_page, film):
    page = open_page()
    give(page, study(film, WindowCenter=["2100", "1500"], WindowWidth=["2400", "401"]), example("person1950"))
    ready(page)
    options = page.locator("#window-preset option")
    expect(options).to_have_text(["As in the file", "Window 2 of the file", "Full range", "Your own"])
    page.select_option("#window-preset", label="Window 2 of the file")

    assert page.input_value("#level-number") == "1500"
    assert np.abs(gray_on(page) - linear(film, 1500, 401)).max() <= 0.51
    page.click(".entry-open >> text=person1950")
    expect(page.locator("#answer-file")).to_contain_text("person1950")
    expect(options).to_have_text(["As in the file", "Full range", "Your own"])


def test_until_the_values_are_there_nothing_moves_and_without_them_256_levels_do(open_page, film):
    page = open_page()
    held: list[Route] = []
    page.route("**/page/values", lambda route: held.append(route))  # noqa: PLW0108 - Playwright writes on it
    give(page, study(film))
    answered(page)
    expect(page.locator("#window-note")).to_have_text("The values in the file are being loaded…")
    expect(page.locator("#level")).to_be_disabled()
    while not held:
        page.wait_for_timeout(20)
    held.pop().abort()

    expect(page.locator("#window-note")).to_contain_text("so the window works on 256 gray levels")
    expect(page.locator("#level-number")).to_have_value("128")
    expect(page.locator("#preset-field")).to_be_hidden()
    page.locator("#level").fill("100")
    assert page.evaluate(f"document.querySelector('{RADIOGRAPH}').style.filter") == 'url("#window")'


def test_a_jpeg_has_no_values_to_ask_for(open_page):
    page = open_page()
    page.route("**/page/values", lambda _: pytest.fail("asked"))
    give(page, example("person1950"))
    answered(page)

    expect(page.locator("#preset-field")).to_be_hidden()
    expect(page.locator("#level")).to_be_enabled()
    expect(page.locator("#level-number")).to_have_value("128")


def test_the_controls_fit_a_phone_and_axe_finds_nothing_serious(open_page, film):
    page = open_page("/?language=de", width=390, height=844, is_mobile=True, has_touch=True)
    give(page, study(film, WindowCenter="1200", WindowWidth="1000"))
    ready(page)

    expect(page.locator("#window-note")).to_contain_text("Das Fenster der Datei schneidet")
    assert too_wide(page) == 0
    assert serious(page) == []

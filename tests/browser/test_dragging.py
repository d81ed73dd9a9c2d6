"""Dragging on the picture moves it or its window, as chosen; a phone has the window below the enlarged picture."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import Page, Route, expect

from .conftest import answered, example, give, ready, study
from .test_everyone import PHONE, serious, too_wide
from .test_viewer import transform, zoomed
from .test_window import gray_on, linear

SPAN_PX = 512
"""A drag of so many pixels goes through all that a slider reaches."""
WINDOW_CONTROLS = ("level", "level-number", "width", "width-number", "invert", "reset-window", "window-preset")
TOUCH_PX = 44


def drag(page: Page, right: int, down: int) -> None:
    box = page.locator("#stage").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + right / 2, y + down)
    page.mouse.move(x + right, y + down)
    page.mouse.up()


def numbers(page: Page) -> tuple[float, float]:
    return float(page.input_value("#level-number")), float(page.input_value("#width-number"))


def test_with_the_window_tool_a_drag_sets_level_and_width_and_the_sliders_follow(open_page, film):
    page = open_page()
    give(page, study(film))
    ready(page)
    page.click("#enlarge")
    page.click("#drag-window")
    place = transform(page, "pane")
    drag(page, right=-100, down=60)
    low, high = int(film.min()), int(film.max())
    level = 2100 + 60 / SPAN_PX * (high - low)
    width = 2400 - 100 / SPAN_PX * (max(high - low + 1, 2400) - 2)

    assert numbers(page) == (pytest.approx(level, abs=0.5), pytest.approx(width, abs=0.5))
    for name, value in zip(("level", "width"), numbers(page), strict=True):
        step = float(page.get_attribute(f"#{name}", "step"))
        assert float(page.input_value(f"#{name}")) == pytest.approx(value, abs=step / 2)
        assert page.get_attribute(f"#{name}", "aria-valuetext").split()[-1] == f"{value:.1f}"
    assert np.abs(gray_on(page) - linear(film, *numbers(page))).max() <= 0.51
    assert transform(page, "pane") == place
    expect(page.locator("#window-preset")).to_have_value("own")
    expect(page.locator("#window-note")).to_contain_text("The model read the picture as in the file.")


def test_with_the_move_tool_a_drag_moves_the_picture_and_leaves_the_window(open_page, film):
    page = open_page()
    give(page, study(film))
    ready(page)
    page.click("#enlarge")
    page.click("#zoom-in")
    before = transform(page, "pane")
    drag(page, right=-100, down=60)

    assert transform(page, "pane") != before
    assert numbers(page) == (2100, 2400)


def test_a_drag_ends_where_the_sliders_end(open_page, film):
    page = open_page()
    give(page, study(film))
    ready(page)
    page.click("#enlarge")
    page.click("#drag-window")
    drag(page, right=-700, down=-400)
    drag(page, right=-700, down=-400)

    assert numbers(page) == (film.min(), 2)
    for name in ("level", "width"):
        assert page.input_value(f"#{name}") == page.get_attribute(f"#{name}", "min")


def test_in_the_page_a_drag_works_on_gray_levels_too_and_a_click_still_enlarges(open_page):
    page = open_page()
    give(page, example("person1950"))
    answered(page)
    page.click("#drag-window")
    drag(page, right=-128, down=-64)

    assert numbers(page) == (pytest.approx(128 - 64 / SPAN_PX * 255, abs=0.5), pytest.approx(256 - 63.5, abs=0.5))
    assert page.evaluate("document.querySelector('#pane canvas.radiograph').style.filter") == 'url("#window")'
    expect(page.locator("#enlarged")).to_be_hidden()
    page.click("#stage")
    expect(page.locator("#enlarged")).to_be_visible()
    assert numbers(page)[1] < 256


def test_the_tool_is_chosen_by_keyboard_and_told_to_a_screen_reader(open_page):
    page = open_page("/?language=de")
    give(page, example("person1950"))
    answered(page)
    move, window = (
        page.get_by_role("group", name="Ziehen").get_by_role("button", name=name) for name in ("Verschieben", "Fenster")
    )
    expect(move).to_have_attribute("aria-pressed", "true")
    page.focus("#fit")
    page.keyboard.press("Tab")
    expect(move).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(window).to_have_attribute("aria-pressed", "true")
    expect(move).to_have_attribute("aria-pressed", "false")
    page.focus("#stage")
    page.keyboard.press("w")
    expect(move).to_have_attribute("aria-pressed", "true")


def test_until_the_values_are_there_a_drag_changes_nothing(open_page, film):
    page = open_page()
    held: list[Route] = []
    page.route("**/page/values", lambda route: held.append(route))  # noqa: PLW0108 - Playwright writes on it
    give(page, study(film))
    answered(page)
    page.click("#drag-window")
    expect(page.locator("#level")).to_be_disabled()
    before = numbers(page)
    drag(page, right=-100, down=60)

    assert numbers(page) == before
    while not held:
        page.wait_for_timeout(20)
    held.pop().continue_()
    ready(page)
    assert numbers(page) == (2100, 2400)


def touch(page: Page, *moves: list[tuple[int, int]]) -> None:
    """Fingers put down at the first places, moved over the next ones, and lifted."""
    session = page.context.new_cdp_session(page)
    for number, places in enumerate([*moves, []]):
        kind = "touchStart" if number == 0 else "touchMove" if places else "touchEnd"
        points = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(places)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


@pytest.fixture(params=[("en", 390, 844), ("de", 360, 640), ("de", 844, 390)], ids=["390", "360-german", "landscape"])
def phone(request, open_page, film) -> Page:
    """A DICOM file enlarged on a phone."""
    language, width, height = request.param
    page = open_page(f"/?language={language}", **{**PHONE, "width": width, "height": height})
    give(page, study(film))
    ready(page)
    page.tap("#stage")
    expect(page.locator("#enlarged")).to_be_visible()
    return page


def test_on_a_phone_the_window_lies_below_the_enlarged_picture_large_enough_to_touch(phone):
    assert not phone.locator("#level").is_visible()
    phone.tap("#drag-window")
    stage = phone.locator("#stage").bounding_box()

    for name in (*WINDOW_CONTROLS, "enlarge", "side-by-side", "zoom-in", "zoom-out", "fit", "drag-move", "drag-window"):
        box = phone.locator(f"#{name}").bounding_box()
        assert box["height"] >= TOUCH_PX, name
        assert box["width"] >= TOUCH_PX, name
        assert box["y"] >= stage["y"] + stage["height"], name
        assert box["y"] + box["height"] <= phone.viewport_size["height"], name
        assert 0 <= box["x"] <= phone.viewport_size["width"] - box["width"], name
    assert stage["height"] >= 0.45 * phone.viewport_size["height"]
    assert not phone.locator("#strength").is_visible()
    assert too_wide(phone) == 0
    assert serious(phone) == []
    phone.tap("#drag-move")
    assert not phone.locator("#level").is_visible()
    assert phone.locator("#strength").is_visible()


def test_on_a_phone_a_finger_sets_the_window_and_two_fingers_zoom(phone):
    phone.tap("#drag-window")
    box = phone.locator("#stage").bounding_box()
    x, y = round(box["x"] + box["width"] / 2), round(box["y"] + box["height"] / 2)
    touch(phone, [(x, y)], [(x - 20, y + 20)], [(x - 60, y + 40)])
    level, width = numbers(phone)

    assert level > 2100
    assert width < 2400
    assert zoomed(phone) == 100
    touch(phone, [(x - 30, y), (x + 30, y)], [(x - 45, y), (x + 45, y)], [(x - 60, y), (x + 60, y)])
    assert zoomed(phone) == 200
    assert numbers(phone) == (level, width)


def test_in_the_page_of_a_phone_a_finger_scrolls_unless_the_window_tool_is_chosen(open_page, film):
    page = open_page(**PHONE)
    give(page, study(film))
    ready(page)

    def swipe() -> float:
        """How far the page scrolls when a finger goes up by 60 px on the picture."""
        page.evaluate("document.querySelector('#stage').scrollIntoView({ block: 'center' })")
        before = page.evaluate("scrollY")
        touch(page, [(195, 422)], [(195, 402)], [(195, 362)])
        page.wait_for_timeout(200)
        return page.evaluate("scrollY") - before

    assert swipe() > 0
    assert numbers(page) == (2100, 2400)
    page.tap("#drag-window")
    assert swipe() == 0
    assert numbers(page)[0] < 2100


def test_the_window_set_on_the_enlarged_picture_is_that_of_the_page(phone, film):
    phone.tap("#drag-window")
    phone.locator("#level-number").fill("1500")
    phone.locator("#width-number").fill("400")
    phone.tap("#invert")
    phone.tap("#enlarge")
    expect(phone.locator("#enlarged")).to_be_hidden()

    assert numbers(phone) == (1500, 400)
    assert np.abs(gray_on(phone) - linear(film, 1500, 400)).max() <= 0.51
    expect(phone.locator("#invert")).to_have_attribute("aria-pressed", "true")
    phone.tap("#reset-window")
    assert numbers(phone) == (2100, 2400)

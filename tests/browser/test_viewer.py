"""Looking closely: enlarge, zoom, move, window, side by side, by mouse and by keyboard."""

from __future__ import annotations

import re

from playwright.sync_api import Page, Route, expect

from .conftest import answered, example, give, mean_color


def zoomed(page: Page) -> int:
    return int(page.inner_text("#zoom-value").split("\N{NO-BREAK SPACE}")[0])


def transform(page: Page, pane: str) -> str:
    return page.evaluate(f"document.querySelector('#{pane} .picture').style.transform")


def test_a_click_enlarges_and_wheel_and_drag_move_both_panes_together(open_page):
    page = open_page()
    give(page, example("NORMAL2-IM-1440"))  # wider than what is sent at first
    answered(page)
    expect(page.locator("#resolution")).to_have_text(
        "Shown at 1280 {x} 961 of 1632 {x} 1225 pixels.".format(x="\N{MULTIPLICATION SIGN}")
    )
    page.click("#stage")
    expect(page.locator("#enlarged")).to_be_visible()
    expect(page.locator("#resolution")).to_be_empty()  # now in its own resolution
    page.click("#side-by-side")
    page.mouse.move(300, 300)
    page.mouse.wheel(0, -600)

    assert zoomed(page) == 400
    before = transform(page, "pane")
    page.mouse.down()
    page.mouse.move(200, 250, steps=3)
    page.mouse.up()
    assert transform(page, "pane") != before
    assert transform(page, "pane") == transform(page, "plain-pane")
    page.click("#fit")
    assert zoomed(page) == 100
    page.keyboard.press("Escape")
    expect(page.locator("#enlarged")).to_be_hidden()
    expect(page.locator("#viewer-home #viewer")).to_be_visible()


def keeping_one_picture(page: Page) -> None:
    """As after forty more radiographs: only the newest picture is kept, others are asked for again."""

    def changed(route: Route) -> None:
        script = route.fetch()
        short = script.text().replace("MOST_PICTURES = 40", "MOST_PICTURES = 1")
        assert short != script.text()
        route.fulfill(response=script, body=short)

    page.route("**/static/queue.js", changed)


def test_beside_an_answer_there_is_never_the_picture_of_another_radiograph(open_page):
    page = open_page(prepare=keeping_one_picture)
    give(page, example("person1952"), example("NORMAL2-IM-1442"))
    expect(page.locator("#status")).to_have_text("2 of 2 read")
    page.click(".entry-open >> nth=1")
    answered(page)
    held: list[Route] = []
    page.route("**/page/radiograph.png", lambda route: held.append(route))  # noqa: PLW0108 - Playwright writes on it
    page.click(".entry-open >> nth=0")
    expect(page.locator("#answer-file")).to_contain_text("person1952")
    expect(page.locator("#busy")).to_have_text("Drawing…")
    page.select_option("#color-map", "hot")

    for layer in ("radiograph", "colors", "contours"):
        assert mean_color(page, f"#pane canvas.{layer}")[3] == 0
    expect(page.locator("#method-note")).to_be_empty()
    while not held:
        page.wait_for_timeout(20)
    held.pop().abort()
    expect(page.locator("#busy")).to_have_text(
        "The radiograph could not be shown: The connection broke off while this was sent."
    )
    assert mean_color(page, "#pane canvas.radiograph")[3] == 0
    page.unroute("**/page/radiograph.png")
    page.click(".entry-open >> nth=0")
    answered(page)
    assert mean_color(page, "#pane canvas.radiograph")[3] == 255


def test_another_file_at_the_same_address_is_not_shown_beside_the_first_answer(open_page):
    page = open_page()
    give(page, example("person1952"))
    answered(page)

    def changed(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, headers={**response.headers, "x-content-sha256": 64 * "0"})

    page.route("**/page/map*", changed)
    page.select_option("#method", "hirescam")

    expect(page.locator("#busy")).to_contain_text("There is another file at this address now.")
    assert mean_color(page, "#pane canvas.colors")[3] == 0


def test_two_fingers_zoom_an_enlarged_radiograph_and_leave_the_page_alone(open_page):
    page = open_page(width=390, height=844, is_mobile=True, has_touch=True)
    give(page, example("person1946_bacteria_4875"))
    answered(page)
    page.tap("#stage")
    expect(page.locator("#enlarged")).to_be_visible()
    touch = page.context.new_cdp_session(page)
    for kind, apart in (("touchStart", 50), ("touchMove", 75), ("touchMove", 100), ("touchEnd", None)):
        points = [{"x": 195 + side * apart, "y": 300, "id": side + 1} for side in (-1, 1)] if apart else []
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    assert zoomed(page) == 200
    assert page.evaluate("window.visualViewport.scale") == 1


def test_level_and_width_follow_the_formula_of_dicom_and_can_be_reset(open_page):
    page = open_page()
    give(page, example("person1946_bacteria_4875"))
    answered(page)
    page.locator("#level").fill("100")
    page.locator("#width").fill("51")
    linear = page.locator("#window feFuncR")

    assert float(linear.get_attribute("slope")) == 255 / 50
    assert float(linear.get_attribute("intercept")) == 0.5 - 99.5 / 50
    assert page.evaluate("document.querySelector('#pane canvas.radiograph').style.filter") == 'url("#window")'
    page.click("#invert")
    assert float(linear.get_attribute("slope")) == -255 / 50
    page.click("#reset-window")
    assert page.evaluate("document.querySelector('#pane canvas.radiograph').style.filter") == ""


def test_everything_can_be_done_with_the_keyboard_alone(open_page):
    page = open_page()
    page.on("filechooser", lambda _: None)  # the browser is told long before the key is pressed
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "files":
            break
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files([example("person1952"), example("NORMAL2-IM-1442")])
    answered(page)
    expect(page.locator("#status")).to_have_text("2 of 2 read")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "stage":
            break

    page.keyboard.press("o")
    expect(page.locator("#show")).to_have_value("nothing")
    page.keyboard.press("o")
    expect(page.locator("#show")).to_have_value("colors")
    page.keyboard.press("s")
    expect(page.locator("#plain-pane")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#enlarged")).to_be_visible()
    page.keyboard.press("+")
    page.keyboard.press("+")
    assert zoomed(page) == 156
    before = transform(page, "pane")
    page.keyboard.press("ArrowRight")
    assert transform(page, "pane") != before
    page.keyboard.press("j")
    expect(page.locator("#answer-file")).to_have_text("NORMAL2-IM-1442-0001.jpeg")
    assert zoomed(page) == 100
    page.keyboard.press("Escape")
    expect(page.locator("#enlarge")).to_be_focused()
    expect(page.locator("#live")).to_have_text(re.compile(r"Pneumonia suggested, probability of pneumonia \d"))

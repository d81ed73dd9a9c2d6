"""A person gives radiographs and understands the answers."""

from __future__ import annotations

import io
import json
import math
import re

import pytest
from PIL import Image
from playwright.sync_api import expect

from pneumoscope.errors import RefusedRadiograph
from pneumoscope.evaluation.operating_point import Decision
from pneumoscope.radiograph.reading import radiograph_from_bytes

from .conftest import answered, example, give, mean_color

COLORS = "#pane canvas.colors"
CONTOURS = "#pane canvas.contours"
WARNED = example("person1951")


def test_a_radiograph_is_answered_as_on_the_command_line_with_evidence_and_warnings(open_page, shipped):
    page = open_page()
    give(page, WARNED)
    answered(page)
    prediction = shipped.predict(WARNED)

    found = prediction.decision is Decision.PNEUMONIA
    expect(page.locator("#decision")).to_have_text("Pneumonia suggested" if found else "Pneumonia not suggested")
    expect(page.locator("#probability")).to_have_text(f"{100 * prediction.probability:.1f}\N{NO-BREAK SPACE}%")
    zones = shipped.bundle.card.zones
    assert zones.pneumonia_possible_from < prediction.probability < zones.normal_possible_up_to
    expect(page.locator("#zone")).to_contain_text(
        f"Zone: {prediction.zone} ({100 * zones.pneumonia_possible_from:.1f}\N{NO-BREAK SPACE}% to"
    )
    expect(page.locator("#zone")).to_contain_text(
        "On validation of a twin model at most 5\N{NO-BREAK SPACE}% of patients with pneumonia"
    )
    expect(page.locator("#warnings")).to_contain_text("Unusual lungs.")
    expect(page.locator("#cases li")).to_have_count(5)
    expect(page.locator("header .disclaimer")).to_be_in_viewport()
    assert mean_color(page, COLORS)[3] > 1
    assert mean_color(page, "#pane canvas.radiograph")[3] == 255
    numbers = [
        float(text.replace("\N{MINUS SIGN}", "-")) for text in page.locator("#lung-rows .number").all_inner_texts()
    ]
    *parts, logit, calibrated = numbers
    assert sum(parts) == pytest.approx(logit, abs=0.03)
    assert logit == pytest.approx(prediction.logit, abs=0.006)
    odds = prediction.probability / (1 - prediction.probability)
    assert calibrated == pytest.approx(math.log(odds), abs=0.006)
    percent = page.inner_text("#probability")
    expect(page.locator("#lung-rows tr").last).to_contain_text(f"After calibration ({percent}): logit")


def test_what_was_measured_on_unseen_radiographs_stands_beside_what_was_promised(open_page, shipped):
    test = shipped.bundle.card.metrics["test"]
    page = open_page()
    give(page, WARNED)
    answered(page)

    for point in shipped.bundle.card.operating_points:
        page.select_option("#operating-point", point.name)
        found = test["operating_points"][point.name]["metrics"]
        numbers = (f"{100 * found[name]['value']:.1f}\N{NO-BREAK SPACE}%" for name in ("sensitivity", "specificity"))
        expect(page.locator("#point-tested")).to_have_text(
            "On {} radiographs it had never seen: sensitivity {}, specificity {}.".format(test["radiographs"], *numbers)
        )


def test_another_method_and_other_colours_change_what_is_drawn_and_contours_leave_the_picture_free(open_page):
    page = open_page()
    give(page, example("person1946_bacteria_4874"))
    answered(page)
    first = mean_color(page, COLORS)

    page.select_option("#color-map", "coolwarm")
    expect(page.locator("#key-low")).to_have_text("against")
    expect(page.locator("#busy")).to_be_hidden()
    page.select_option("#method", "occlusion")
    expect(page.locator("#busy")).to_contain_text("asks the model many times")
    expect(page.locator("#method-note")).to_contain_text("169 of 169 coverings")
    second = mean_color(page, COLORS)
    page.select_option("#show", "contours")
    expect(page.locator(CONTOURS)).not_to_have_attribute("width", "1")

    assert max(abs(one - other) for one, other in zip(first, second, strict=True)) > 2
    assert mean_color(page, CONTOURS)[3] > 0.5
    assert page.evaluate(f"document.querySelector('{COLORS}').width") == 1


def test_a_slow_map_is_asked_for_once_however_often_the_colours_change(open_page):
    page = open_page()
    give(page, WARNED)
    answered(page)
    held = []
    page.route("**/page/map*", lambda route: held.append(route))  # noqa: PLW0108 - Playwright writes on it
    page.select_option("#method", "occlusion")
    expect(page.locator("#busy")).to_contain_text("asks the model many times")
    assert mean_color(page, COLORS)[3] == 0  # not the colours of the method before
    for color_map in ("hot", "viridis", "inferno"):
        page.select_option("#color-map", color_map)
    page.select_option("#method", "grad-cam")
    answered(page)
    page.select_option("#method", "occlusion")
    assert len(held) == 1
    held[0].continue_()
    expect(page.locator("#method-note")).to_contain_text("169 of 169 coverings")

    assert len(held) == 1


def test_the_operating_point_changes_the_decision_but_not_the_probability(open_page):
    page = open_page()
    give(page, example("person1949"))  # between the thresholds of screening and balanced
    answered(page)
    expect(page.locator("#decision")).to_have_text("Pneumonia not suggested")
    probability = page.inner_text("#probability")
    page.select_option("#operating-point", "screening")

    expect(page.locator("#decision")).to_have_text("Pneumonia suggested")
    expect(page.locator("#point-reason")).to_contain_text(
        "At or above the threshold of the operating point “screening”"
    )
    expect(page.locator(".entry-state")).to_contain_text("· suggested")
    assert page.inner_text("#probability") == probability


def test_picture_report_and_numbers_can_be_taken_along(open_page, shipped):
    page = open_page()
    give(page, WARNED)
    answered(page)
    saved = {}
    for button in ("picture", "report", "numbers"):
        with page.expect_download() as download:
            page.click(f"#download-{button}")
        saved[button] = download.value

    names = [saved[button].suggested_filename for button in ("picture", "report", "numbers")]
    assert names == [f"person1951_bacteria_4882.pneumoscope.{suffix}" for suffix in ("png", "html", "json")]
    with pytest.raises(RefusedRadiograph, match="drew"):
        radiograph_from_bytes(saved["picture"].path().read_bytes(), "download")
    report = " ".join(re.sub("<[^>]+>", " ", saved["report"].path().read_text("utf-8")).split())
    assert page.inner_text("#decision") in report
    for key in ("#lung-rows tr >> nth=-1", "#point-tested", "#zone"):
        words = page.inner_text(key).replace("\N{MINUS SIGN}", "-")
        assert " ".join(words.split()) in report
    numbers = json.loads(saved["numbers"].path().read_text("utf-8"))
    assert (numbers["file"], numbers["decision"]) == (WARNED.name, shipped.predict(WARNED).decision)
    assert numbers["explanations"][0]["method"] == "grad-cam"


def test_the_report_fills_one_printed_page_however_tall_the_radiograph_is(open_page):
    page = open_page("/?language=de")
    tall = io.BytesIO()
    Image.open(WARNED).convert("L").resize((900, 1200)).save(tall, "PNG")
    give(page, {"name": "tall.png", "mimeType": "image/png", "buffer": tall.getvalue()})
    answered(page)
    with page.expect_download() as download:
        page.click("#download-report")
    page.goto("about:blank")
    page.set_content(download.value.path().read_text("utf-8"))

    assert len(re.findall(rb"/Type\s*/Page[^s]", page.pdf(prefer_css_page_size=True))) == 1


def test_what_is_no_radiograph_is_refused_in_words_and_the_rest_is_read(open_page):
    page = open_page()
    bad = {"name": "letter.txt", "mimeType": "text/plain", "buffer": b"Dear colleague"}
    give(page, bad, WARNED)

    expect(page.locator(".refused-title")).to_have_text("This is not a picture")
    expect(page.locator(".refused-remedy")).to_contain_text("What to do: Export the radiograph as DICOM")
    expect(page.locator("#status")).to_have_text("1 of 2 read, 1 could not be read")
    expect(page.locator(".entry-state").first).to_have_text("This is not a picture")
    page.click(f".entry-open >> text={WARNED.name}")
    expect(page.locator("#decision")).to_be_visible()
    expect(page.locator("#refused")).to_be_hidden()


def test_a_file_over_the_limit_is_refused_before_it_is_sent(open_page):
    page = open_page()
    page.on("request", lambda request: pytest.fail("sent") if request.method == "POST" else None)
    give(page, {"name": "large.png", "mimeType": "image/png", "buffer": bytes(8 * 2**20 + 1)})

    expect(page.locator(".refused-why")).to_have_text("The file is larger than 8 MB.")


def test_a_dicom_file_is_answered_and_its_header_shown_nowhere_but_age_and_view(open_page, chest_dicom):
    page = open_page()
    give(page, {"name": "study.dcm", "mimeType": "application/dicom", "buffer": chest_dicom})
    answered(page)

    expect(page.locator("#warnings")).to_contain_text("Age outside of what the model was made from.")
    expect(page.locator("#file-facts")).to_contain_text("70 years")
    assert not re.search("Doe|SECRET", page.content())


def test_examples_can_be_tried_without_a_file(open_page, shipped):
    page = open_page()
    page.click("#examples button >> nth=2")
    answered(page)

    zones = shipped.bundle.card.zones
    expect(page.locator("#zone")).to_contain_text(
        f"Zone: uncertain ({100 * zones.pneumonia_possible_from:.1f}\N{NO-BREAK SPACE}%"
        f" to {100 * zones.normal_possible_up_to:.1f}\N{NO-BREAK SPACE}%)."
    )


def test_an_example_chosen_by_key_takes_the_focus_along_and_one_that_cannot_be_had_is_told_of(open_page):
    page = open_page()
    page.route("**/static/examples/*", lambda route: route.fulfill(status=404, body="no"))
    page.focus("#examples button >> nth=0")
    page.keyboard.press("Enter")
    expect(page.locator("#example-failed")).to_have_text("The server answered 404.")
    page.unroute_all()
    page.keyboard.press("Enter")
    answered(page)

    expect(page.locator("#answer")).to_be_focused()
    expect(page.locator("#example-failed")).to_be_empty()


def test_a_picture_can_be_pasted_or_dropped(open_page):
    page = open_page()
    page.evaluate(
        """async () => {
            const response = await fetch("/static/examples/person1949_bacteria_4880.jpeg");
            for (const [kind, name] of [["paste", ""], ["drop", "dropped.jpeg"]]) {
                const transfer = new DataTransfer();
                transfer.items.add(new File([await response.clone().arrayBuffer()], name, { type: "image/jpeg" }));
                const event = kind === "paste"
                    ? new ClipboardEvent("paste", { clipboardData: transfer })
                    : new DragEvent("drop", { dataTransfer: transfer, cancelable: true });
                document.dispatchEvent(event);
            }
        }"""
    )

    expect(page.locator(".entry-name")).to_have_text(["pasted picture 1", "dropped.jpeg"])
    expect(page.locator("#status")).to_have_text("2 of 2 read")

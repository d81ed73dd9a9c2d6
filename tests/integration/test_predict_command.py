"""`pneumoscope predict` as a person runs it: the whole program, in a process of its own, on real radiographs."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from PIL import Image

from support.dicom_makers import dicom_bytes
from support.phantom import chest_phantom

PROJECT = Path(__file__).parents[2]
SCHEMA = json.loads((PROJECT / "docs/reference/prediction-result.schema.json").read_text())
NORMAL = PROJECT / "examples/radiographs/NORMAL/IM-0199-0001.jpeg"
PNEUMONIA = PROJECT / "examples/radiographs/PNEUMONIA/person61_bacteria_289.jpeg"


def pneumoscope(*arguments, stdin=None):
    return subprocess.run(
        [sys.executable, "-m", "pneumoscope.cli", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        check=False,
        timeout=300,
    )


def json_lines(run) -> list[dict]:
    results = [json.loads(line) for line in run.stdout.decode().splitlines()]
    for result in results:
        jsonschema.validate(result, SCHEMA)
    return results


@pytest.fixture(scope="module")
def first_run(tmp_path_factory):
    output = tmp_path_factory.mktemp("out")
    run = pneumoscope("predict", PROJECT / "examples/radiographs", "--output", output, "--json")
    assert run.returncode == 0, run.stderr.decode()
    return output, json_lines(run)


def test_every_shipped_radiograph_gets_a_result_that_fits_the_schema(first_run, example_radiographs):
    _, results = first_run
    assert [result["file"] for result in results] == [str(path) for path in example_radiographs]
    assert all(result["error"] is None for result in results)


def test_the_shipped_model_tells_the_shipped_classes_apart(first_run):
    _, results = first_run
    probabilities = {"NORMAL": [], "PNEUMONIA": []}
    for result in results:
        probabilities[Path(result["file"]).parent.name].append(result["probability"])
    assert np.median(probabilities["PNEUMONIA"]) > 0.9
    assert np.median(probabilities["NORMAL"]) < 0.6


def test_each_result_is_written_with_its_overlay_and_they_agree_with_standard_output(first_run):
    output, results = first_run
    for result in results:
        overlay = output / result["overlay"]
        written = json.loads(overlay.with_name(overlay.name.replace(".overlay.png", ".json")).read_text())
        assert written == result
        with Image.open(overlay) as picture:
            assert picture.mode == "RGB"
            assert picture.width > 2 * 480


def test_one_page_names_every_radiograph(first_run):
    output, results = first_run
    page = (output / "index.html").read_text()
    assert all(Path(result["file"]).name in page for result in results)
    assert "Not a medical device" in page


def test_nothing_half_written_is_left(first_run):
    output, _ = first_run
    assert not [path for path in output.rglob("*") if "part" in path.suffix or path.name.startswith(".")]


def test_a_second_run_skips_what_is_done_and_overwrite_does_it_again(tmp_path):
    radiograph = shutil.copy(NORMAL, tmp_path / "film.jpeg")
    output = tmp_path / "out"
    arguments = ("predict", radiograph, "--output", output, "--json")
    first = json_lines(pneumoscope(*arguments))
    overlay = output / first[0]["overlay"]
    made = overlay.stat().st_mtime_ns
    assert json_lines(pneumoscope(*arguments)) == first
    assert overlay.stat().st_mtime_ns == made
    assert json_lines(pneumoscope(*arguments, "--overwrite")) == first
    assert overlay.stat().st_mtime_ns > made


@pytest.mark.parametrize(
    "changed", [("--operating-point", "screening"), ("--colormap", "viridis"), ("--alpha", "0.7"), None]
)
def test_a_second_run_with_other_settings_or_another_file_does_it_again(tmp_path, changed):
    radiograph = shutil.copy(NORMAL, tmp_path / "film.jpeg")
    arguments = ("predict", radiograph, "--output", tmp_path / "out", "--json")
    (before,) = json_lines(pneumoscope(*arguments))
    if changed is None:
        shutil.copy(PNEUMONIA, radiograph)
    (after,) = json_lines(pneumoscope(*arguments, *(changed or ())))
    assert after != before
    assert json.loads((tmp_path / "out" / "film.jpeg.json").read_text()) == after


def test_the_output_folder_inside_the_input_folder_is_not_read(tmp_path):
    shutil.copy(NORMAL, tmp_path / "film.jpeg")
    for _ in range(2):
        results = json_lines(pneumoscope("predict", tmp_path, "--output", tmp_path / "out", "--json"))
        assert [Path(result["file"]).name for result in results] == ["film.jpeg"]


def test_files_of_one_name_in_two_folders_keep_both_results(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    shutil.copy(NORMAL, tmp_path / "a" / "film.jpeg")
    shutil.copy(PNEUMONIA, tmp_path / "b" / "film.jpeg")
    results = json_lines(
        pneumoscope("predict", tmp_path / "a/film.jpeg", tmp_path / "b/film.jpeg", "--output", tmp_path / "o", "--json")
    )
    assert len({result["overlay"] for result in results}) == 2
    assert len(list((tmp_path / "o").glob("*.json"))) == 2


def test_saved_maps_are_float32_and_add_up_to_the_logit(tmp_path, shipped_bundle):
    run = pneumoscope("predict", NORMAL, PNEUMONIA, "--save-maps", tmp_path / "maps", "--json")
    for result in json_lines(run):
        saliency_map = np.load(tmp_path / "maps" / result["map"])
        assert saliency_map.dtype == np.float32
        bias = shipped_bundle.card.saliency.bias_logit
        assert saliency_map.sum() + bias == pytest.approx(result["logit"], abs=1e-4)
        beside = (tmp_path / "maps" / result["map"]).with_suffix(".json")
        assert json.loads(beside.read_text()) == result


def test_standard_input_gives_what_the_file_gives():
    (piped,) = json_lines(pneumoscope("predict", "-", "--json", stdin=PNEUMONIA.read_bytes()))
    (named,) = json_lines(pneumoscope("predict", PNEUMONIA, "--json"))
    assert piped["file"] == "standard input"
    assert {**piped, "file": ""} == {**named, "file": ""}


def test_one_file_alone_gives_what_it_gives_among_many(first_run):
    _, results = first_run
    (alone,) = json_lines(pneumoscope("predict", PNEUMONIA, "--json"))
    (among,) = [result for result in results if result["file"].endswith(PNEUMONIA.name)]
    assert alone["logit"] == pytest.approx(among["logit"], abs=1e-5)


def test_one_unreadable_file_is_listed_with_its_reason_and_stops_nothing(tmp_path):
    (tmp_path / "films").mkdir()
    (tmp_path / "films/a.jpeg").write_bytes(NORMAL.read_bytes()[:20000])
    (tmp_path / "films/b.txt").write_text("not a picture")
    shutil.copy(NORMAL, tmp_path / "films/c.jpeg")
    run = pneumoscope("predict", tmp_path / "films", "--json", "--output", tmp_path / "out")
    assert run.returncode == 3
    cut, text, good = json_lines(run)
    assert (cut["error"]["code"], text["error"]["code"], good["error"]) == ("truncated", "not-a-picture", None)
    assert "2 refused" in run.stderr.decode()
    assert json.loads((tmp_path / "out/films/a.jpeg.json").read_text()) == cut
    assert "truncated" in (tmp_path / "out/index.html").read_text()


def test_the_name_of_a_file_does_not_matter(tmp_path):
    shutil.copy(PNEUMONIA, tmp_path / "film.txt")
    (result,) = json_lines(pneumoscope("predict", tmp_path / "film.txt", "--json"))
    assert result["media_type"] == "image/jpeg"
    assert result["decision"] == "PNEUMONIA"


def test_csv_has_a_header_and_a_row_a_radiograph(tmp_path):
    run = pneumoscope("predict", PNEUMONIA, PROJECT / "README.md", "--csv")
    good, bad = csv.DictReader(io.StringIO(run.stdout.decode()))
    assert good["decision"] == "PNEUMONIA"
    assert 0.9 < float(good["probability"]) <= 1
    assert (bad["decision"], bad["error"]) == ("", "not-a-picture")


def test_the_table_shows_probability_decision_operating_point_and_zone():
    run = pneumoscope("predict", PNEUMONIA, "--operating-point", "screening")
    header, row = run.stdout.decode().splitlines()
    assert header.split() == ["file", "probability", "decision", "operating", "point", "zone", "warnings"]
    assert row.split()[-4:] == ["PNEUMONIA", "screening", "likely", "-"]
    assert "Not a medical device" in run.stderr.decode()


def test_no_progress_bar_in_a_pipe(first_run):
    run = pneumoscope("predict", PROJECT / "examples/radiographs/PNEUMONIA", "--csv")
    assert b"\r" not in run.stderr + run.stdout
    assert b"%|" not in run.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "status"),
    [
        (("--colormap", "rainbowish"), "colormap-unknown", 2),
        (("--alpha", "1.5"), "alpha-out-of-range", 2),
        (("--operating-point", "best"), "operating-point-unknown", 2),
        (("--bundle", "nowhere"), "bundle-not-found", 4),
        (("--json", "--csv"), "two-formats", 2),
        (("--output", "/dev/null/out"), "output-unwritable", 7),
    ],
)
def test_an_impossible_option_ends_at_once_with_what_to_do(arguments, code, status):
    run = pneumoscope("predict", NORMAL, *arguments)
    message = run.stderr.decode()
    assert run.returncode == status
    assert f"[{code}]" in message
    assert "what to do: " in message
    assert "Traceback" not in message


def test_an_empty_folder_says_so(tmp_path):
    run = pneumoscope("predict", tmp_path)
    assert run.returncode == 3
    assert "nothing-found" in run.stderr.decode()


def test_a_corrupted_bundle_is_refused_before_anything_is_read(tmp_path, shipped_bundle):
    shutil.copytree(shipped_bundle.folder, tmp_path / "bundle")
    with (tmp_path / "bundle/model.onnx").open("r+b") as file:
        file.seek(1000)
        file.write(b"\0\0\0\0\1")
    run = pneumoscope("predict", NORMAL, "--bundle", tmp_path / "bundle", "--json")
    assert run.returncode == 4
    assert not run.stdout
    assert "bundle-corrupted" in run.stderr.decode()


def test_an_adults_lateral_dicom_is_answered_with_two_warnings_and_without_the_name(tmp_path, generator):
    film = chest_phantom(300, 280, generator)
    content = dicom_bytes(
        film,
        header={
            "PatientName": "Doe^Confidential",
            "PatientID": "MRN-777",
            "PatientBirthDate": "19500203",
            "StudyDate": "20200102",
            "PatientAge": "071Y",
            "ViewPosition": "LL",
        },
    )
    (tmp_path / "film.dcm").write_bytes(content)
    run = pneumoscope("predict", tmp_path / "film.dcm", "--json", "--output", tmp_path / "out")
    (result,) = json_lines(run)
    assert {warning["code"] for warning in result["warnings"]} >= {"age-outside-population", "view-outside-population"}
    assert "(0010,1010) PatientAge" in [warning["tag"] for warning in result["warnings"]]
    everything = run.stdout + run.stderr
    for path in (tmp_path / "out").rglob("*"):
        everything += path.read_bytes() if path.is_file() else b""
    for secret in (b"Doe", b"Confidential", b"MRN-777", b"19500203", b"20200102", b"1950-02-03"):
        assert secret not in everything


@pytest.mark.parametrize(
    "name", [b"\xff\xfe.jpeg", b"x" * 250 + b".jpeg", "Röntgen \N{LUNGS} <script>.jpeg".encode(), b"line\nbreak.jpeg"]
)
def test_an_odd_file_name_is_no_reason_to_stop(tmp_path, name):
    (tmp_path / "films").mkdir()
    for film in (name, b"zebra.jpeg"):
        (tmp_path / "films" / os.fsdecode(film)).write_bytes(NORMAL.read_bytes())
    arguments = ("predict", tmp_path / "films", "--output", tmp_path / "out", "--save-maps", tmp_path / "maps")
    for _ in range(2):
        run = pneumoscope(*arguments, "--json")
        results = json_lines(run)
        assert run.returncode == 0, run.stderr.decode()
        assert [result["decision"] for result in results] == ["NORMAL", "NORMAL"]
        assert all((tmp_path / "out" / result["overlay"]).is_file() for result in results)
        assert len({result["map"] for result in results}) == 2


def test_a_name_that_a_folder_of_results_has_taken_refuses_that_radiograph_only(tmp_path):
    for name in ("films/a.jpeg", "films/a.jpeg.json/b.jpeg", "films/c.jpeg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(NORMAL, tmp_path / name)
    run = pneumoscope("predict", tmp_path / "films", "--output", tmp_path / "out", "--json")
    codes = [(result["error"] or {}).get("code") for result in json_lines(run)]
    assert run.returncode == 3
    assert sorted(codes, key=str) == [None, None, "output-name-impossible"]


def test_our_own_overlays_are_refused_as_radiographs(first_run):
    output, results = first_run
    (result,) = json_lines(pneumoscope("predict", output / results[0]["overlay"], "--json"))
    assert result["error"]["code"] == "own-overlay"


def test_folders_of_results_among_the_radiographs_are_not_read_again(tmp_path):
    shutil.copy(NORMAL, tmp_path / "film.jpeg")
    arguments = ("predict", tmp_path, "--save-maps", tmp_path / "maps", "--output", tmp_path / "out", "--json")
    for _ in range(3):
        assert len(json_lines(pneumoscope(*arguments))) == 1


def test_writing_into_the_folder_that_is_read_is_refused(tmp_path):
    shutil.copy(NORMAL, tmp_path / "film.jpeg")
    run = pneumoscope("predict", tmp_path, "--output", tmp_path)
    assert run.returncode == 2
    assert "[output-is-input]" in run.stderr.decode()


def test_another_film_of_the_same_name_does_not_replace_the_first_ones_result(tmp_path):
    for name, film in {"a": NORMAL, "b": PNEUMONIA}.items():
        (tmp_path / name).mkdir()
        shutil.copy(film, tmp_path / name / "film.jpeg")
        for _ in range(2):
            pneumoscope("predict", tmp_path / name / "film.jpeg", "--output", tmp_path / "out")
    found = [json.loads(path.read_text()) for path in sorted((tmp_path / "out").glob("*.json"))]
    assert sorted(result["decision"] for result in found) == ["NORMAL", "PNEUMONIA"]
    assert len({result["overlay"] for result in found}) == 2


def test_endless_standard_input_is_refused_without_being_kept(tmp_path):
    command = f"head -c 1500M /dev/zero | {sys.executable} -m pneumoscope.cli predict - --json"
    run = subprocess.run(["sh", "-c", f"ulimit -v 2500000; {command}"], capture_output=True, check=False, timeout=120)
    (result,) = json_lines(run)
    assert result["error"]["code"] == "too-large"


def test_a_full_disk_behind_standard_output_is_told_in_one_line():
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "pneumoscope.cli", "predict", str(NORMAL), "--csv"]
        run = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False, timeout=60)
    assert run.returncode == 7
    assert "[output-unwritable]" in run.stderr.decode()
    assert "Traceback" not in run.stderr.decode()


def test_the_progress_bar_of_a_terminal_leaves_the_table_whole(tmp_path):
    import fcntl
    import pty
    import struct
    import termios

    for number in range(30):
        shutil.copy(NORMAL, tmp_path / f"{number:02}.jpeg")
    main_end, other_end = pty.openpty()
    fcntl.ioctl(other_end, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    command = [sys.executable, "-m", "pneumoscope.cli", "predict", str(tmp_path)]
    process = subprocess.Popen(command, stdout=other_end, stderr=other_end)
    os.close(other_end)
    shown = b""
    while True:
        try:
            part = os.read(main_end, 65536)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(main_end)
    assert process.wait(60) == 0
    assert b"%|" in shown
    rows = [line.rpartition(b"\r")[2] for line in shown.split(b"\r\n") if b".jpeg" in line]
    assert len(rows) == 30
    assert not [row for row in rows if b"%|" in row]

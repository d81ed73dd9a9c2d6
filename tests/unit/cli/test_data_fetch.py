"""`pneumoscope data fetch` with the real kagglehub against a stand-in for Kaggle on this machine."""

import os
import shutil
import socket
import sys

import kagglehub  # noqa: F401 - so that the stand-in's address can be set
import kagglesdk.kaggle_env
import pytest

from pneumoscope.dataset import fetch
from support.kaggle_fake import API, FILE, FakeKaggle, archive_of, running

COUNTS = {
    "train/NORMAL": 2,
    "train/PNEUMONIA": 3,
    "val/NORMAL": 1,
    "val/PNEUMONIA": 1,
    "test/NORMAL": 1,
    "test/PNEUMONIA": 2,
}
WANTED = {
    f"{folder}/picture{number}.jpeg": f"{folder} {number} ".encode() * 10_000
    for folder, count in COUNTS.items()
    for number in range(count)
}
CLUTTER = {
    "chest_xray/train/NORMAL/.DS_Store": b"clutter",
    "chest_xray/__MACOSX/chest_xray/train/NORMAL/._picture0.jpeg": b"clutter",
    **{f"chest_xray/chest_xray/{name}": content for name, content in WANTED.items()},
}
ARCHIVE = archive_of({f"chest_xray/{name}": content for name, content in WANTED.items()} | CLUTTER)


@pytest.fixture(autouse=True)
def counts_and_disk(monkeypatch):
    monkeypatch.setattr(fetch, "KERMANY_COUNTS", COUNTS)
    monkeypatch.setenv("TQDM_DISABLE", "1")  # as the command sets it without a terminal, but taken back after the test
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**12, 0, 10**12))


@pytest.fixture
def kaggle(monkeypatch, tmp_path):
    """The stand-in, with dummy credentials and a cache of its own; nobody else's settings are read."""
    home = tmp_path / "home"
    home.mkdir()
    for name in [name for name in os.environ if name.startswith("KAGGLE") or name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(home))
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
    monkeypatch.setenv("KAGGLE_API_TOKEN", "dummy")
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "cache"))
    with running(FakeKaggle(ARCHIVE)) as fake:
        point_to(monkeypatch, fake.endpoint)
        yield fake


def point_to(monkeypatch, endpoint):
    endpoints = kagglesdk.kaggle_env._env_to_endpoint
    monkeypatch.setitem(endpoints, kagglesdk.kaggle_env.KaggleEnv.LOCAL, endpoint)


@pytest.fixture
def output(tmp_path):
    return tmp_path / "films"


def content_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_data_set_comes_from_kaggle_with_the_credentials_and_without_clutter(run, kaggle, output):
    status, out, err = run("data", "fetch", "--output", output)
    assert status == 0, err
    assert "holds the whole data set, 10 radiographs" in out
    assert content_of(output) == WANTED
    assert kaggle.asked == [API, f"{FILE} from 0"]
    assert kaggle.authorizations == ["Bearer dummy"]


def test_a_second_run_asks_nothing(run, kaggle, output):
    run("data", "fetch", "--output", output)
    kaggle.asked.clear()
    status, out, _ = run("data", "fetch", "--output", output)
    assert (status, kaggle.asked) == (0, [])
    assert "already" in out


def test_another_folder_is_filled_from_the_cache(run, kaggle, output, tmp_path):
    run("data", "fetch", "--output", output)
    kaggle.asked.clear()
    assert run("data", "fetch", "--output", tmp_path / "other")[0] == 0
    assert content_of(tmp_path / "other") == WANTED
    assert not kaggle.asked


def test_a_download_that_was_cut_off_says_so_and_goes_on_from_there(run, kaggle, output):
    kaggle.cut_after_bytes = 1_500_000  # kagglehub writes 1 MiB at a time
    status, _, err = run("data", "fetch", "--output", output)
    assert status == 5
    assert "[download-cut-off]" in err
    assert "Run the same command again" in err
    kaggle.asked.clear()
    assert run("data", "fetch", "--output", output)[0] == 0
    assert kaggle.asked[:2] == [API, f"{FILE} from 0"]
    assert kaggle.asked[2].startswith(f"{FILE} from ")
    assert int(kaggle.asked[2].split()[-1]) == 2**20
    assert content_of(output) == WANTED


def test_a_damaged_download_is_deleted_and_fetched_anew(run, kaggle, output):
    kaggle.announced_md5_of = b"something else"
    status, _, err = run("data", "fetch", "--output", output)
    assert status == 5
    assert "[download-damaged]" in err
    kaggle.announced_md5_of = None
    assert run("data", "fetch", "--output", output)[0] == 0


def test_something_that_is_no_archive_is_deleted(run, kaggle, output, tmp_path):
    kaggle.archive = b"<html>not an archive</html>" * 100
    assert "[download-damaged]" in run("data", "fetch", "--output", output)[2]
    assert not list((tmp_path / "cache").rglob("*.archive"))


@pytest.mark.parametrize(
    ("http_status", "code"),
    [
        (401, "kaggle-credentials-refused"),
        (403, "kaggle-credentials-refused"),
        (404, "kaggle-not-found"),
        (429, "kaggle-unavailable"),
        (503, "kaggle-unavailable"),
    ],
)
def test_what_kaggle_refuses_becomes_an_error_with_what_to_do(run, kaggle, output, http_status, code):
    kaggle.api_status = http_status
    status, _, err = run("data", "fetch", "--output", output)
    assert status == 5
    assert f"[{code}]" in err
    assert "--from-zip" in err
    assert not output.exists()


def test_without_credentials_a_refusal_says_how_to_make_them(run, kaggle, output, monkeypatch):
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    kaggle.api_status = 401
    err = run("data", "fetch", "--output", output)[2]
    assert "[kaggle-credentials-missing]" in err
    assert "https://www.kaggle.com/settings" in err
    assert kaggle.authorizations == [None]


def test_a_credentials_file_that_cannot_be_read_is_named(run, kaggle, output, monkeypatch, tmp_path):
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    (tmp_path / "home" / "kaggle.json").write_text("{")
    err = run("data", "fetch", "--output", output)[2]
    assert "[kaggle-credentials-unreadable]" in err
    assert "kaggle.json" in err


def test_no_network_is_told_apart_from_a_refusal(run, kaggle, output, monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        point_to(monkeypatch, f"http://127.0.0.1:{unused.getsockname()[1]}")
        status, _, err = run("data", "fetch", "--output", output)
    assert status == 5
    assert "[network-unreachable]" in err


def test_too_little_disk_is_told_before_anything_is_asked(run, kaggle, output, monkeypatch):
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**10, 0, 10**9))
    status, _, err = run("data", "fetch", "--output", output)
    assert status == 7
    assert "1.0 GB left; 5.0 GB are needed" in err
    assert not kaggle.asked


def test_a_disk_that_fills_up_on_the_way_is_told(run, kaggle, output, monkeypatch):
    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kagglehub.clients._download_file", full)
    status, _, err = run("data", "fetch", "--output", output)
    assert status == 7
    assert "[disk-full]" in err
    assert "KAGGLEHUB_CACHE" in err


def test_without_kagglehub_the_extra_is_named(run, output, monkeypatch):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    status, _, err = run("data", "fetch", "--output", output)
    assert status == 9
    assert "pip install '.[data]' in a copy of the repository" in err


def test_an_archive_at_hand_is_unpacked_without_network_and_clutter(run, output, tmp_path):
    (tmp_path / "archive.zip").write_bytes(ARCHIVE)
    assert run("data", "fetch", "--from-zip", tmp_path / "archive.zip", "--output", output)[0] == 0
    assert content_of(output) == WANTED


def test_unpacking_goes_on_where_it_stopped(run, output, tmp_path):
    (tmp_path / "archive.zip").write_bytes(ARCHIVE)
    run("data", "fetch", "--from-zip", tmp_path / "archive.zip", "--output", output)
    kept, lost = output / "train/NORMAL/picture0.jpeg", output / "train/NORMAL/picture1.jpeg"
    lost.write_bytes(b"cut")
    before = kept.stat().st_mtime_ns
    os.truncate(output / "test/NORMAL/picture0.jpeg", 0)
    assert run("data", "fetch", "--from-zip", tmp_path / "archive.zip", "--output", output)[0] == 0
    assert kept.stat().st_mtime_ns == before
    assert content_of(output) == WANTED


def test_a_cut_off_archive_is_refused(run, output, tmp_path):
    (tmp_path / "archive.zip").write_bytes(ARCHIVE[:-500])
    status, _, err = run("data", "fetch", "--from-zip", tmp_path / "archive.zip", "--output", output)
    assert status == 5
    assert "[archive-damaged]" in err


def test_a_member_with_other_content_than_its_checksum_is_not_placed(run, output, tmp_path):
    damaged = ARCHIVE.replace(b"train/PNEUMONIA 1 train/PNEUMONIA 1", b"train/PNEUMONIA 1 train/PNEUMONIX 1", 1)
    (tmp_path / "archive.zip").write_bytes(damaged)
    status, _, err = run("data", "fetch", "--from-zip", tmp_path / "archive.zip", "--output", output)
    assert status == 5
    assert "[archive-damaged]" in err
    assert not (output / "train/PNEUMONIA/picture1.jpeg").exists()
    assert not list(output.rglob(".*.partial"))


def test_an_archive_larger_than_the_disk_is_refused_before_it_is_unpacked(run, output, tmp_path, monkeypatch):
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(1000, 0, 1000))
    (tmp_path / "archive.zip").write_bytes(ARCHIVE)
    status, _, err = run("data", "fetch", "--from-zip", tmp_path / "archive.zip", "--output", output)
    assert status == 7
    assert "[disk-full]" in err
    assert not output.exists()


def test_names_that_lead_out_of_the_folder_stay_in_it(run, output, tmp_path):
    (tmp_path / "archive.zip").write_bytes(archive_of({f"../../{name}": content for name, content in WANTED.items()}))
    assert run("data", "fetch", "--from-zip", tmp_path / "archive.zip", "--output", output)[0] == 0
    assert content_of(output) == WANTED
    assert {path.name for path in tmp_path.iterdir()} == {"archive.zip", "films"}


def folder_with(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def test_a_folder_at_hand_is_taken_from_its_outermost_data_folder(run, output, tmp_path):
    folder_with(tmp_path / "downloads", {f"archive/chest_xray/{name}": content for name, content in WANTED.items()})
    folder_with(tmp_path / "downloads", {f"archive/{name}": content for name, content in CLUTTER.items()})
    assert run("data", "fetch", "--from-dir", tmp_path / "downloads", "--output", output)[0] == 0
    assert content_of(output) == WANTED


def test_a_folder_on_another_disk_is_copied(run, output, tmp_path, monkeypatch):
    def another_disk(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr("pathlib.Path.hardlink_to", another_disk)
    folder_with(tmp_path / "downloads", WANTED)
    assert run("data", "fetch", "--from-dir", tmp_path / "downloads", "--output", output)[0] == 0
    assert content_of(output) == WANTED


def test_an_incomplete_folder_is_told_with_what_is_missing(run, output, tmp_path):
    folder_with(tmp_path / "downloads", dict(list(WANTED.items())[1:]))
    status, _, err = run("data", "fetch", "--from-dir", tmp_path / "downloads", "--output", output)
    assert status == 5
    assert "train/NORMAL holds 1 of 2" in err
    assert "[data-incomplete]" in err


def test_a_folder_with_something_else_is_refused(run, output, tmp_path):
    folder_with(tmp_path / "downloads", {"notes.txt": b"x"})
    assert "[layout-unknown]" in run("data", "fetch", "--from-dir", tmp_path / "downloads", "--output", output)[2]


def test_two_sources_are_refused(run, output, tmp_path):
    (tmp_path / "archive.zip").write_bytes(ARCHIVE)
    arguments = ("--from-zip", tmp_path / "archive.zip", "--from-dir", tmp_path, "--output", output)
    status, _, err = run("data", "fetch", *arguments)
    assert status == 2
    assert "[two-sources]" in err

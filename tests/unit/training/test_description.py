import pytest

from pneumoscope.errors import UnusableData
from pneumoscope.training.description import load_description


def test_the_shipped_description_names_source_licence_and_population():
    found = load_description("kermany")
    assert (found.licence, found.age_years, found.view_positions) == ("CC BY 4.0", (1.0, 5.0), ("AP",))


def test_a_description_of_ones_own_needs_every_key(tmp_path):
    (tmp_path / "mine.toml").write_text('name = "Mine"\nage_years = [1, 5]\nview_positions = []\n')
    with pytest.raises(UnusableData, match=r"description-unusable.*population"):
        load_description(str(tmp_path / "mine.toml"))


def test_a_description_that_is_not_there_says_so(tmp_path):
    with pytest.raises(UnusableData, match="description-unusable"):
        load_description(str(tmp_path / "none.toml"))

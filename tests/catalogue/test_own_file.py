"""Catalogue files as people have them: what is read, repaired and counted, and refused."""

import gzip
import io
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamerec.catalogue.own_file import LONGEST_TEXT, parse
from gamerec.columns import RAW_GAMES, check
from gamerec.errors import DataError


def games(text: str | bytes) -> pd.DataFrame:
    return read(text)[0]


def read(text: str | bytes) -> tuple[pd.DataFrame, dict[str, int]]:
    return parse(text.encode() if isinstance(text, str) else text, "mine.csv")


def fault(text: str | bytes) -> str:
    with pytest.raises(DataError) as caught:
        read(text)
    assert len(str(caught.value)) < 600 and str(caught.value).startswith("catalogue mine.csv: ")
    return str(caught.value).removeprefix("catalogue mine.csv: ")


def as_parquet(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    return buffer.getvalue()


# --- columns ---


def test_id_and_name_are_enough():
    frame = games("game_id,name\n1,Skyrim\n2,Spore\n")
    assert list(frame.columns) == RAW_GAMES.names and check(frame, RAW_GAMES) is not None
    assert frame["game_id"].tolist() == [1, 2] and frame["name"].tolist() == ["Skyrim", "Spore"]
    assert frame["rating"].isna().all() and frame["genres"].isna().all()


def test_column_names_are_found_in_any_case_and_other_columns_left_aside():
    frame = games(" ID ,Name,developer,Playtime,background_image\n7,A,B,3,https://x/y.jpg\n")
    row = frame.iloc[0]
    assert (row["game_id"], row["name"], row["playtime"]) == (7, "A", 3)
    assert row["image_url"] == "https://x/y.jpg" and "developer" not in frame


def test_game_id_goes_before_id():
    assert games("id,game_id,name\n1,900,A\n")["game_id"].tolist() == [900]


def test_wrong_columns_are_named_with_what_there_is():
    said = fault("title;year\nA;1\n")
    assert said == "there is no column game_id (or id) and name; the file has: title, year"


# --- ids ---


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        (["3", "1"], [3, 1]),
        (["-5", "0"], [-5, 0]),
        (["9223372036854775807", "1"], [2**63 - 1, 1]),
        (["9223372036854775808", "1"], ["9223372036854775808", "1"]),
        (["007", "8"], ["007", "8"]),
        (["570", "half-life"], ["570", "half-life"]),
        (["12.0", "13"], [12, 13]),
        (["12.5", "13"], ["12.5", "13"]),
        (["=1+1", "@x"], ["=1+1", "@x"]),
        (["1２", "1"], ["1２", "1"]),
    ],
)
def test_ids_come_back_as_they_went_in(written, read_as):
    frame = games("id,name\n" + "".join(f"{one},A\n" for one in written))
    assert frame["game_id"].tolist() == read_as
    expected = "str" if isinstance(read_as[0], str) else "int64"
    assert check(frame, RAW_GAMES)["game_id"].dtype == expected


def test_repairs_of_ids_are_counted():
    frame, repairs = read("id,name\n12.0,A\n,B\nnan,C\n14,D\n")
    assert frame["game_id"].tolist() == [12, 14]
    assert repairs == {"rows without an id left out": 2, "ids like 12.0 read as 12": 1}


def test_duplicates_stay_for_the_stage_that_merges_them():
    assert games("id,name\n1,A\n1,B\n")["game_id"].tolist() == [1, 1]


def test_an_id_of_a_thousand_characters_is_refused_with_its_row():
    assert fault("id,name\nx,A\n" + "y" * 1000 + ",B\n") == (
        "the id in row 2 has 1,000 characters, over 200"
    )


@settings(max_examples=30)
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=20))
def test_any_whole_numbers_are_ids(ids):
    frame = games("id,name\n" + "".join(f"{one},A\n" for one in ids))
    assert frame["game_id"].tolist() == ids


# --- lists ---


@pytest.mark.parametrize(
    ("cell", "items"),
    [
        ("RPG||Action", ["Action", "RPG"]),
        ("RPG|Action", ["Action", "RPG"]),
        ('"RPG; Action"', ["Action", "RPG"]),
        ('"RPG, Action"', ["Action", "RPG"]),
        ('"[""RPG"", ""Action""]"', ["Action", "RPG"]),
        ("\"['RPG', 'Action']\"", ["Action", "RPG"]),
        ('"[{""id"": 4, ""name"": ""Action""}]"', ["Action"]),
        ("Action|| Action ||", ["Action"]),
        ("[]", []),
        ("[Beta]", ["[Beta]"]),
        ("", None),
        ("nan", None),
    ],
)
def test_lists_are_read_in_every_way_they_are_written(cell, items):
    assert games(f"id,name,genres\n1,A,{cell}\n")["genres"].tolist() == [items]


def test_one_separator_holds_for_a_whole_column():
    frame = games('id,name,genres\n1,A,RPG||Action\n2,B,"Hack, Slash"\n')
    assert frame["genres"].tolist() == [["Action", "RPG"], ["Hack, Slash"]]


def test_a_list_nested_beyond_reason_does_not_crash():
    deep = "[" * 100_000 + "]" * 100_000
    assert len(games(f"id,name,tags\n1,A,{deep}\n")["tags"][0]) == 1


def test_the_first_genre_stands_in_where_genres_are_empty():
    frame = games("id,name,genres,first_genre\n1,A,Sports,Action\n2,B,,Indie\n3,C,,\n")
    assert frame["genres"].tolist() == [["Sports"], ["Indie"], None]


# --- numbers ---


def test_added_comes_from_status_sum_or_from_all_six_statuses():
    frame = games("id,name,added,status_sum,owned\n1,A,10,99,4\n2,B,,7,\n3,C,,,\n")
    assert frame["added"].fillna(-1).tolist() == [10, 7, -1]
    assert frame["owned"].fillna(-1).tolist() == [4, -1, -1]
    head = "id,name,yet,owned,beaten,toplay,dropped,playing\n"
    frame = games(head + "1,A,1,2,3,4,5,6\n2,B,,,,7,,\n3,C,,,,,,\n")
    assert frame["added"].tolist() == [21, 7, 0] and frame["owned"].tolist() == [2, 0, 0]


def test_votes_are_counted_where_only_their_kinds_are_given():
    head = "id,name,rating_exceptional,rating_recommended,rating_meh,rating_skip\n"
    assert games(head + "1,A,5,4,,1\n")["ratings_count"].tolist() == [10]


def test_a_few_impossible_cells_are_emptied_and_counted():
    rows = [f"{n},A,4.5,{n}" for n in range(40)]
    rows[3], rows[7] = "3,A,-1,soon", "7,A,inf,NaN"
    frame, repairs = read("id,name,rating,playtime\n" + "\n".join(rows) + "\n")
    assert repairs == {
        "rating: cells out of range emptied": 2,
        "playtime: cells out of range emptied": 1,
    }
    assert frame["rating"].isna().sum() == 2 and frame["playtime"].isna().sum() == 2


def test_a_column_that_means_something_else_is_refused_with_its_first_row():
    rows = ["1,A,3", "2,B,87", "3,C,91"]
    assert fault("id,name,rating\n" + "\n".join(rows)) == (
        "column 'rating' holds '87' in row 2, and 2 of its 3 filled cells "
        "are no numbers from 0 to 5"
    )


@pytest.mark.parametrize("column", ["playtime", "added", "owned", "ratings_count", "metacritic"])
@pytest.mark.parametrize("value", ["-1", "1e300", "inf", "abc", "4,5"])
def test_every_number_has_a_range(column, value):
    assert fault(f'id,name,{column}\n1,A,"{value}"\n').startswith(
        f"column '{column}' holds '{value}'"
    )


@pytest.mark.parametrize("empty", ["", " ", "nan", "NaN", "null", "None", "NA", "N/A"])
def test_words_for_empty_are_empty_in_numbers(empty):
    assert games(f"id,name,rating\n1,A,{empty}\n2,B,4\n")["rating"].isna().tolist() == [True, False]


# --- texts ---


def test_names_stay_as_they_are_formulas_words_for_empty_and_markup_included():
    names = ["=cmd|' /C calc'!A0", "+1 Sword", "@home", "None", "NaN", "<script>", "  two  "]
    text = "id,name\n" + "".join(f'{n},"{name}"\n' for n, name in enumerate(names))
    assert games(text)["name"].tolist() == names


def test_a_blank_name_is_empty():
    assert games("id,name\n1, \n2,B\n")["name"].isna().tolist() == [True, False]


def test_a_line_of_ten_megabytes_is_cut_and_counted():
    frame, repairs = read("id,name\n1," + "a" * 10_000_000 + "\n2,B\n")
    assert frame["name"].str.len().tolist() == [LONGEST_TEXT, 1]
    assert repairs == {f"name: texts cut to {LONGEST_TEXT} characters": 1}


def test_a_header_of_ten_megabytes_is_a_short_error():
    fault("a" * 10_000_000)
    assert fault("id,name" * 50_000) == "the first line has 50,001 cells: it is no header"


# --- the file itself ---


@pytest.mark.parametrize(
    "encode",
    [
        pytest.param(lambda text: text.encode("utf-8-sig"), id="UTF-8 with mark"),
        pytest.param(lambda text: text.encode("utf-16"), id="UTF-16"),
        pytest.param(lambda text: gzip.compress(text.encode()), id="gzip"),
        pytest.param(lambda text: text.replace("\n", "\r\n").encode(), id="CRLF"),
        pytest.param(lambda text: text.replace(",", ";").encode(), id="semicolon"),
        pytest.param(lambda text: text.replace(",", "\t").encode(), id="tab"),
        pytest.param(lambda text: ("\n\n" + text + "\n\n").encode(), id="blank lines"),
    ],
)
def test_a_file_is_read_however_it_was_saved(encode):
    frame = games(encode("id,name\n1,게임 ü\n"))
    assert frame["game_id"].tolist() == [1] and frame["name"].tolist() == ["게임 ü"]


def test_other_encodings_are_refused_with_the_line():
    mixed = "id,name\n1,Ü\n".encode() + "2,Pokémon\n".encode("cp1252")
    assert fault(mixed) == "line 3 is not UTF-8: save the file as UTF-8 (Excel: 'CSV UTF-8')"
    assert fault("id,name\n1,게임\n".encode("cp949")).startswith("line 2 is not UTF-8")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the file is empty"),
        (b" \n\n", "the file is empty"),
        (b"id,name\n", "there is no row with an id"),
        (b"id,name\n,A\n", "there is no row with an id"),
        (b"PK\x03\x04....", "this is a spreadsheet"),
        (b"PAR1 and no more", "the Parquet file is broken"),
        (b"\x1f\x8b broken", "the gzip file is broken"),
        (b"\x00\x01\x02\x03", "this is no readable CSV"),
        (b"\x89PNG\r\n\x1a\n\x00", "line 1 is not UTF-8"),
        (b'id,name\n1,"A\n2,B\n', "a quotation mark in row 1 is never closed"),
    ],
)
def test_a_file_that_is_no_catalogue_says_what_it_is(data, said):
    assert fault(data).startswith(said)


def test_lines_of_another_width_are_refused_with_the_first():
    said = fault("id,name\n1,A\n2,B,C\n3\n")
    assert said == "2 lines do not have 2 cells, the first is line 3 with 3: '2,B,C'"


def test_a_name_may_hold_commas_quotes_and_line_breaks():
    frame = games('id,name\n1,"A, ""B""\nand C"\n2,D\n')
    assert frame["name"].tolist() == ['A, "B"\nand C', "D"]


def test_parquet_with_real_types():
    table = pd.DataFrame(
        {
            "game_id": [3, 1],
            "name": ["A", None],
            "genres": [["RPG", "Action"], None],
            "released": pd.to_datetime(["2020-05-13", None]),
            "rating": [4.5, None],
            "owned": [True, False],
        }
    )
    frame = games(as_parquet(table.drop(columns="owned")))
    assert frame["game_id"].tolist() == [3, 1] and frame["genres"].tolist() == [
        ["Action", "RPG"],
        None,
    ]
    assert frame["released"].fillna("").tolist() == ["2020-05-13", ""]
    assert frame["rating"].fillna(-1).tolist() == [4.5, -1]


@pytest.mark.parametrize(
    ("ids", "read_as"),
    [
        ([1.0, 2.0], [1, 2]),
        (["a", "b"], ["a", "b"]),
        (np.array([1, 2**64 - 1], dtype=np.uint64), ["1", str(2**64 - 1)]),
    ],
)
def test_parquet_ids_of_every_type(ids, read_as):
    table = pd.DataFrame({"id": ids, "name": ["A", "B"]})
    assert games(as_parquet(table))["game_id"].tolist() == read_as


def test_parquet_ids_that_are_none_are_refused():
    table = pd.DataFrame({"id": [True, False], "name": ["A", "B"]})
    assert fault(as_parquet(table)) == "ids are bool, not whole numbers or texts"


def test_a_frame_written_by_the_package_reads_the_same():
    first = games("id,name,genres,tags,rating\n1,A,RPG||Action,,4\nx,B,,,\n")
    again = games(as_parquet(first))
    pd.testing.assert_frame_equal(first, again)


@settings(max_examples=60)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_catalogue_or_a_data_error(data):
    try:
        frame = games(b"id,name,genres,rating\n1,A,B,3\n" + data)
    except DataError as error:
        assert re.match(r"catalogue mine.csv: \S", str(error))
    else:
        check(frame, RAW_GAMES)


# --- the files of the development data ---


@pytest.mark.parametrize(
    ("file", "rows"),
    [
        ("rawg/seed_games.csv", 40),
        ("rawg/top_975_2026.csv", 975),
        ("rawg/pc_steam_2025_17811.csv", 17_811),
        ("steam/games.csv", 5_155),
    ],
)
def test_real_files_are_read_whole_with_nothing_to_repair(shared_data, file, rows):
    frame, repairs = parse((shared_data / file).read_bytes(), file)
    assert (len(frame), repairs) == (rows, {}) and frame["name"].notna().all()


def test_a_real_file_says_what_it_says(shared_data):
    frame, _ = parse((shared_data / "rawg/top_975_2026.csv").read_bytes(), "top")
    pyre = frame.set_index("game_id").loc[27]
    assert (pyre["name"], pyre["added"], pyre["owned"]) == ("Pyre", 2929, 1938)
    assert pyre["genres"] == ["Adventure", "Arcade", "Indie", "RPG", "Sports"]

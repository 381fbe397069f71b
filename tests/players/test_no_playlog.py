"""Files that are no play log, and wrong wishes: each refused with what to do."""

import gzip

import pyarrow as pa
import pytest
from play_logs import parquet, rows

from gamerec.errors import DataError, UsageError
from gamerec.players import playlog
from gamerec.players.playlog import read_play_log
from gamerec.settings import Settings

NO_LOGS = {
    "empty": (b"", "empty"),
    "blank": (b"\n\n \n", "empty"),
    "BOM only": (b"\xef\xbb\xbf", "empty"),
    "header only": (b"user_id,game_id\n", "no row"),
    "header and blank lines": (b"user_id,game_id\n\n\n", "no row"),
    "no user": (b"name,game_id\nx,1\n", "no column holds the user_id"),
    "no header": (b"1,10,2.5\n2,10,1.5\n", "first line must name the columns"),
    "column twice": (b"user_id,game_id,game_id\n1,2,3\n", "twice"),
    "JSON": (b'{"user_id": 1, "game_id": 2}\n', "no column"),
    "HTML": (b"<!doctype html>\n<html></html>\n", "no column"),
    "xlsx": (b"PK\x03\x04aaaa", "spreadsheet"),
    "gzipped zip": (gzip.compress(b"PK\x03\x04aaaa"), "spreadsheet"),
    "broken gzip": (gzip.compress(b"user_id,game_id\n" + b"1,2\n" * 9999)[:-20], "cannot be read"),
    "damaged gzip": (b"\x1f\x8b\x08\x00 this is no gzip", "cannot be read"),
    "broken Parquet": (b"PAR1 and then nothing", "broken"),
    "nothing played": (b"user_id,game_id,hours\n1,2,0\n", r"no row can be used: 0 hours \(1\)"),
    "NUL bytes": (b"\x00" * 5_000, "no column"),
}


@pytest.mark.parametrize(("content", "message"), NO_LOGS.values(), ids=NO_LOGS.keys())
def test_a_file_that_is_no_play_log_is_refused_plainly(log, content, message):
    with pytest.raises(DataError, match=message) as error:
        log(content)
    assert len(str(error.value)) < 600


def test_a_header_of_10_megabytes_is_refused(log):
    with pytest.raises(DataError, match="first line is longer than 1 MB"):
        log(b"user_id," * 1_300_000)


def test_a_row_of_10_megabytes_is_a_bad_row_and_one_of_30_ends_the_reading(log):
    head = b"user_id,game_id\n" + b"1,2\n" * 99
    found = log(head + b"3," + b"x" * 10_000_000 + b"\n4,4\n")
    assert found.bad_rows[["row", "reason"]].values.tolist() == [
        [101, "game_id longer than 200 characters"]
    ]
    assert len(found.bad_rows.loc[0, "text"]) < 300
    assert rows(found) == [(1, 2, 99.0), (4, 4, 1.0)]
    with pytest.raises(DataError, match="after row 100 is longer than 8 MB"):
        log(head + b"3," + b"x" * 30_000_000 + b"\n4,4\n")


def test_a_parquet_file_without_the_columns_or_with_lists_is_refused(log):
    with pytest.raises(DataError, match="game_id"):
        log(parquet(user_id=pa.array([1])), "plays.parquet")
    with pytest.raises(DataError, match="broken|list"):
        log(parquet(user_id=pa.array([[1]]), game_id=pa.array([1])), "plays.parquet")


def test_a_folder_or_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_play_log(tmp_path)
    with pytest.raises(DataError, match="nothing.csv"):
        read_play_log(tmp_path / "nothing.csv")


def test_wrong_column_names_are_refused_with_the_nearest(log):
    with pytest.raises(UsageError, match="did you mean user_id"):
        log("user_id,game_id\n1,2\n", columns="user=x")
    with pytest.raises(UsageError, match="'game_id' is not"):
        log("user_id,game_id\n1,2\n", columns="game_id")
    with pytest.raises(DataError, match="did you mean 'Spieler'"):
        log("Spieler,game_id\n1,2\n", columns="user_id=Spiler")


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_outside_0_to_1_is_refused(log, share):
    with pytest.raises(UsageError, match="max_bad_share"):
        log("user_id,game_id\n1,2\n", max_bad_share=share)


def test_find_looks_here_and_in_the_project_folder(tmp_path, home, monkeypatch):
    (home / "plays.csv").write_text("user_id,game_id\n1,2\n")
    project = Settings(gamerec_home=home)
    monkeypatch.chdir(tmp_path)
    assert playlog.find("plays.csv", project) == home / "plays.csv"
    (tmp_path / "plays.csv").write_text("user_id,game_id\n3,4\n")
    assert playlog.find("plays.csv", project) == tmp_path / "plays.csv"
    with pytest.raises(DataError, match=r"'other\.csv'"):
        playlog.find("other.csv", project)

"""Play logs as people have them: any ids, any columns, bad rows counted with their row."""

import gzip
import hashlib
import uuid

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from play_logs import parquet, rows

from gamerec.columns import INTERACTIONS, check
from gamerec.errors import DataError
from gamerec.players import playlog_file
from gamerec.players.playlog import read_play_log

# --- what a log may look like ---------------------------------------------------------------------


def test_a_plain_log_becomes_interactions(log):
    found = log("user_id,game_id,hours\n2,10,1.5\n1,20,0.1\n1,10,11754\n")
    assert rows(found) == [(1, 10, 11754.0), (1, 20, np.float32(0.1)), (2, 10, 1.5)]
    assert found.plays["user_id"].dtype == found.plays["game_id"].dtype == np.int64
    assert check(found.plays, INTERACTIONS) is not None
    assert found.columns == {"user_id": "user_id", "game_id": "game_id", "weight": "hours"}
    assert (found.rows, found.bad, found.unplayed, found.repeated) == (3, 0, 0, 0)


def test_duplicates_are_summed_with_the_latest_time(log):
    found = log(
        "user_id,game_id,hours,time\na,x,1,2020-01-05\nb,x,2,2020-01-01\na,x,0.5,2020-01-02\n"
    )
    assert rows(found) == [
        ("a", "x", 1.5, pd.Timestamp("2020-01-05")),
        ("b", "x", 2.0, pd.Timestamp("2020-01-01")),
    ]
    assert found.repeated == 1


def test_without_hours_every_row_counts_one(log):
    assert rows(log("user_id,game_id\n1,5\n1,5\n2,5\n")) == [(1, 5, 2.0), (2, 5, 1.0)]


@pytest.mark.parametrize(
    "header",
    [
        "user_id,game_id,hours",
        "UserId,GameID,Hours",
        " player_id , app_id , playtime ",
        "steamid,appid,hours_played",
        '"user","item","plays"',
        "uid,product-id,Play Count",
    ],
)
def test_columns_are_known_by_their_usual_names(log, header):
    assert rows(log(f"{header}\n1,2,3\n")) == [(1, 2, 3.0)]


def test_other_columns_are_left_aside_and_the_order_is_free(log):
    found = log("note,game_id,extra,user_id\nhello,2,,1\n,3,\xff,1\n".encode("latin-1"))
    assert rows(found) == [(1, 2, 1.0), (1, 3, 1.0)]


def test_own_column_names_are_mapped(log):
    content = "Spieler;Spiel;Std;hours\n7;9;2,5;99\n"
    found = log(content, columns="user_id=Spieler, game_id=Spiel, weight=Std")
    assert rows(found) == [(7, 9, 2.5)]


def test_names_in_any_script_are_mapped(log):
    assert rows(log("사용자,게임\nㄱ,ㄴ\n", columns="user_id=사용자,game_id=게임")) == [
        ("ㄱ", "ㄴ", 1.0)
    ]


def test_a_column_can_be_left_aside(log):
    assert rows(log("user_id,game_id,hours\n1,2,7\n", columns="weight=")) == [(1, 2, 1.0)]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends(log, separator, end):
    lines = [separator.join(cells) for cells in (("user_id", "game_id", "hours"), "123", "452")]
    assert rows(log(end.join(lines))) == [(1, 2, 3.0), (4, 5, 2.0)]
    assert rows(log(end.join(lines) + end + end)) == [(1, 2, 3.0), (4, 5, 2.0)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(log, encoding):
    assert rows(log("user_id,game_id\nJosé,Zoë\n".encode(encoding))) == [("José", "Zoë", 1.0)]


def test_mixed_encodings_are_read_cell_by_cell_and_counted(log):
    utf8, western = "user_id,game_id\nJosé,1\n".encode(), "José,2\n".encode("cp1252")
    found = log(utf8 + western)
    assert rows(found) == [("José", 1, 1.0), ("José", 2, 1.0)]
    assert found.repairs == {"cells that were not UTF-8, read as Windows-1252": 1}


def test_gzip_is_known_by_its_content_and_hashed_as_it_lies_on_the_disk(log, tmp_path):
    packed = gzip.compress(b"user_id,game_id\n1,2\n") + gzip.compress(b"3,4\n")
    for name in ("plays.csv.gz", "plays.csv"):
        found = log(packed, name)
        assert rows(found) == [(1, 2, 1.0), (3, 4, 1.0)]
        assert found.sha256 == hashlib.sha256(packed).hexdigest()


@pytest.mark.parametrize("size", [10, 200_000])
def test_the_hash_is_of_the_whole_file(log, size):
    content = "user_id,game_id\n" + "".join(f"{n},{n % 7}\n" for n in range(size))
    assert log(content).sha256 == hashlib.sha256(content.encode()).hexdigest()


def test_the_file_is_read_once(log, tmp_path, monkeypatch):
    opened = []
    original = type(tmp_path).open

    def counting(self, *args, **kwargs):
        opened.append(self.name)
        return original(self, *args, **kwargs)

    monkeypatch.setattr(type(tmp_path), "open", counting)
    path = tmp_path / "plays.csv"
    with original(path, "w") as file:
        file.write("user_id,game_id\n1,2\n")
    read_play_log(path)
    assert opened == ["plays.csv"]


def test_parquet_with_its_own_types(log):
    times = pd.DatetimeIndex([pd.Timestamp("2020-01-01T12:00:00.5"), pd.Timestamp("2021-01-01")])
    content = parquet(
        user_id=pa.array([2**62, 1], pa.int64()),
        game_id=pa.array(["a", "b"]).dictionary_encode(),
        hours=pa.array([1.5, 2.0], pa.float32()),
        at=pa.array(times, pa.timestamp("ms", tz="UTC")),
    )
    found = log(content, "plays.parquet")
    assert rows(found) == [(1, "b", 2.0, times[1]), (2**62, "a", 1.5, times[0])]
    assert found.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (pa.array([3, 5], pa.uint64()), [3, 5]),
        (pa.array([2**63 + 3, 5], pa.uint64()), ["5", str(2**63 + 3)]),
        (pa.array([3.0, 5.0], pa.float64()), [3, 5]),
        (pa.array([b"x", b"y"], pa.binary()), ["x", "y"]),
        (pa.array([b"xx", b"yy"], pa.binary(2)), ["xx", "yy"]),
        (pa.array(["x", "y"], pa.large_string()), ["x", "y"]),
        (pa.array([uuid.UUID(int=7).bytes, uuid.UUID(int=8).bytes], pa.uuid()), None),
    ],
    ids=["uint64", "huge", "float", "binary", "fixed", "large", "uuid"],
)
def test_parquet_ids_of_every_type(log, ids, expected):
    found = log(parquet(user_id=ids, game_id=pa.array([1, 1])), "plays.parquet")
    expected = expected or [str(uuid.UUID(int=7)), str(uuid.UUID(int=8))]
    assert found.plays["user_id"].tolist() == expected


def test_nulls_in_parquet_are_bad_rows(log):
    content = parquet(user_id=pa.array([1, None, 3]), game_id=pa.array([1, 1, 1]))
    found = log(content, "plays.parquet", max_bad_share=0.5)
    assert found.plays["user_id"].tolist() == [1, 3]
    assert found.bad_rows[["row", "reason"]].values.tolist() == [[3, "user_id empty"]]


# --- ids ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["1", "-5", "0"], [-5, 0, 1]),
        (["007", "7", "8"], ["007", "7", "8"]),
        (["1", "2", "x"], ["1", "2", "x"]),
        (["1.0", "2.0", "30.0"], [1, 2, 30]),
        (["1.0", "2.5", "x"], ["1", "2.5", "x"]),
        (["1", " 2 ", "\u00a03"], [1, 2, 3]),
        ([str(2**63 - 1), str(-(2**63)), "0"], [-(2**63), 0, 2**63 - 1]),
        ([str(2**63), "1", "2"], ["1", "2", str(2**63)]),
        (["-0", "1", "2"], ["-0", "1", "2"]),
        (["+1", "@me", "-x"], ["+1", "-x", "@me"]),
        (["1e5", "NA", "0x1F"], ["0x1F", "1e5", "NA"]),
        (["5d680c38-ed8c-43f3-a909-26fa05172e0c", "b", "c"], None),
        (["게임", "ß", "😀"], ["ß", "게임", "😀"]),
    ],
)
def test_whole_columns_of_whole_numbers_are_numbers_and_all_else_stays_text(log, ids, expected):
    found = log("user_id,game_id\n" + "".join(f"{i},1\n" for i in ids))
    assert found.plays["user_id"].tolist() == (expected or sorted(ids))


def test_the_type_of_an_id_column_does_not_depend_on_where_a_batch_ends(log, monkeypatch):
    monkeypatch.setattr(playlog_file, "LONGEST_LINE", 1_000)  # bytes of a batch
    head = "user_id,game_id\n" + "".join(f"{n},1\n" for n in range(3_000))
    assert log(head).plays["user_id"].dtype == np.int64
    found = log(head + "last,1\n")
    assert found.plays["user_id"].dtype == "str"
    assert len(found.plays) == 3_001


def test_leading_cells_of_a_header_may_be_empty(log):
    assert rows(log("\n\n\tuser_id\tgame_id\n0\t1\t2\n")) == [(1, 2, 1.0)]


@given(
    st.lists(
        st.text(
            st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters='",'), min_size=1
        ).filter(
            lambda s: (
                s == s.strip()
                and not s.startswith("=")
                and s.lower() not in ("nan", "null", "none", "nat")
                and not s.endswith(".0")
            )
        ),
        min_size=1,
        max_size=8,
    )
)
@settings(max_examples=60, deadline=None)
def test_any_text_id_comes_back_as_it_went_in(tmp_path_factory, ids):
    path = tmp_path_factory.mktemp("log") / "plays.csv"
    path.write_text("user_id,game_id\n" + "".join(f'"{i}",g\n' for i in ids), encoding="utf-8")
    found = read_play_log(path)
    assert {str(user) for user in found.plays["user_id"]} == set(ids)


# --- bad rows -------------------------------------------------------------------------------------

GOOD = "1,2,3,2020-01-01\n"
BAD_CELLS = [
    (",2,3,2020-01-01", "user_id empty"),
    ("nan,2,3,2020-01-01", "user_id empty"),
    ("None,2,3,2020-01-01", "user_id empty"),
    ("1,  ,3,2020-01-01", "game_id empty"),
    ("=1+1,2,3,2020-01-01", "user_id a spreadsheet formula"),
    ("7.65612E+16,2,3,2020-01-01", "user_id in scientific notation, digits are lost"),
    ("a\x00b,2,3,2020-01-01", "user_id a control character inside"),
    (f"{'x' * 201},2,3,2020-01-01", "user_id longer than 200 characters"),
    ("1,2,,2020-01-01", "weight empty"),
    ("1,2,NaN,2020-01-01", "weight empty"),
    ("1,2,many,2020-01-01", "weight not a number"),
    ("1,2,inf,2020-01-01", "weight not finite"),
    ("1,2,-inf,2020-01-01", "weight not finite"),
    ("1,2,-1,2020-01-01", "weight negative"),
    ("1,2,1e300,2020-01-01", "weight above 1e+09"),
    ("1,2,1e-60,2020-01-01", "weight too close to 0"),
    ("1,2,3,", "at empty"),
    ("1,2,3,soon", "at neither ISO 8601 nor seconds since 1970"),
    ("1,2,3,now", "at neither ISO 8601 nor seconds since 1970"),
    ("1,2,3,31.12.2020", "at neither ISO 8601 nor seconds since 1970"),
    ("1,2,3,1066-10-14", "at not between 1970 and 2100"),
    ("1,2", "2 cells, not 4"),
    ("1,2,3,2020-01-01,5", "5 cells, not 4"),
]


@pytest.mark.parametrize(("row", "reason"), BAD_CELLS)
def test_a_bad_row_is_left_out_and_listed_with_its_row_and_reason(log, row, reason):
    content = "user_id,game_id,hours,at\n" + GOOD * 2 + row + "\n" + GOOD * 40
    found = log(content)
    assert found.reasons == {reason: 1}
    assert (found.rows, found.bad, found.repeated, len(found.plays)) == (43, 1, 41, 1)
    assert found.bad_rows["row"].tolist() == [4]  # the header is row 1
    assert found.bad_rows["reason"].tolist() == [reason]
    assert len(found.bad_rows.loc[0, "text"]) < 300


def test_rows_are_numbered_as_in_a_spreadsheet_past_blank_and_misshapen_ones(log):
    lines = ["user_id,game_id", "1,2", "", "3", "4,5,6", ",9", "7,8", "", "9,", "1,1"]
    found = log("\n".join(lines) + "\n", max_bad_share=0.9)
    assert found.bad_rows["row"].tolist() == [4, 5, 6, 9]
    assert rows(found) == [(1, 1, 1.0), (1, 2, 1.0), (7, 8, 1.0)]
    assert (found.rows, found.bad) == (7, 4)


@given(st.lists(st.sampled_from(["1,2", "", "3", "4,5,6", ",9"]), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_every_bad_row_is_counted_once_and_listed_where_it_stands(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("log") / "plays.csv"
    path.write_text("\n".join(["user_id,game_id", "7,7", *lines]) + "\n")
    found = read_play_log(path, max_bad_share=1)
    bad = [row for row, line in enumerate(lines, 3) if line in ("3", "4,5,6", ",9")]
    assert found.bad == len(bad)
    assert found.bad_rows["row"].tolist() == bad[:20]
    assert found.rows == 1 + sum(line != "" for line in lines)


def test_only_the_first_bad_rows_are_listed_but_all_are_counted(log):
    found = log("user_id,game_id\n" + "1,2\n" * 100 + ",3\n" * 50, max_bad_share=0.5)
    assert found.bad == 50
    assert len(found.bad_rows) == 20


def test_row_numbers_hold_beyond_the_first_batch(log, monkeypatch):
    monkeypatch.setattr(playlog_file, "LONGEST_LINE", 1_000)
    content = "user_id,game_id\n" + "1,2\n" * 5_000 + "3\n" + "1,2\n" * 5_000 + ",4\n" + "1,2\n"
    assert log(content).bad_rows["row"].tolist() == [5_002, 10_003]


def test_owned_but_unplayed_games_are_left_out_and_are_no_fault(log):
    found = log("user_id,game_id,hours\n1,2,0\n1,3,0.0\n1,4,2\n", max_bad_share=0)
    assert (found.unplayed, found.bad, rows(found)) == (2, 0, [(1, 4, 2.0)])


def test_more_bad_rows_than_allowed_are_refused_with_count_share_and_first_row(log):
    content = "user_id,game_id\n" + "1,2\n" * 9 + ",2\n"
    assert log(content, max_bad_share=0.1).bad == 1
    with pytest.raises(DataError, match=r"1 of 10 rows .* 0\.05 .* user_id empty .* row 11") as e:
        log(content)
    assert e.value.exit_code == 3
    assert "plays.csv" in str(e.value)


@pytest.mark.parametrize("open_mark", ['"5,g,fine\n', '5,g,"fine\n'], ids=["id", "unread column"])
def test_rows_behind_a_quotation_mark_that_is_never_closed_are_counted(log, open_mark):
    good = "".join(f"{n},g,fine\n" for n in range(100))
    content = "user_id,game_id,note\n1,1,fine\n" + open_mark + good
    with pytest.raises(DataError, match="quotation mark"):
        log(content)
    found = log(content, max_bad_share=1)
    assert (found.rows, found.bad + len(found.plays)) == (102, 102)
    assert found.bad >= 100


def test_the_summary_adds_up(log):
    found = log("user_id,game_id,hours\n1,2,1\n1,2,1\n1,3,0\n,2,1\n4,4,4\n", max_bad_share=0.5)
    table = found.summary().set_index("what")["rows"]
    assert table.iloc[:-1].sum() == table.iloc[-1] == table["interactions"] == 2
    assert found.about()["bad_rows"][0]["row"] == 5


# --- times ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2020-03-01", "2020-03-01"),
        ("20200301", "2020-03-01"),
        ("2020-03-01 10:11:12.123456", "2020-03-01 10:11:12.123456"),
        ("2020-03-01T10:11:12+02:00", "2020-03-01 08:11:12"),
        ("2020-03-01T10:11:12Z", "2020-03-01 10:11:12"),
        ("1583057472", "2020-03-01 10:11:12"),
        ("1583057472.5", "2020-03-01 10:11:12.5"),
        ("1583057472000", "2020-03-01 10:11:12"),
        ("1583057472000000", "2020-03-01 10:11:12"),
        ("1583057472000000000", "2020-03-01 10:11:12"),
    ],
)
def test_times_are_iso_or_counted_from_1970(log, text, expected):
    found = log(f"user_id,game_id,timestamp\n1,2,{text}\n")
    assert found.plays["at"].tolist() == [pd.Timestamp(expected)]


# --- real players ---------------------------------------------------------------------------------


def test_the_real_players_are_read_whole(shared_data):
    path = shared_data / "steam" / "plays.csv.gz"
    found = read_play_log(path)
    raw = pd.read_csv(path).groupby(["user_id", "game_id"], as_index=False)["hours"].sum()
    assert (found.rows, found.repeated, found.bad) == (70_489, 12, 0)
    assert found.plays["user_id"].nunique() == 11_350
    assert found.plays["game_id"].nunique() == 3_600
    assert (found.plays["weight"] == raw["hours"].astype(np.float32)).all()
    assert (found.plays[["user_id", "game_id"]] == raw[["user_id", "game_id"]]).all(axis=None)

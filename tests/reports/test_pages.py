"""Reports: they ask for nothing from elsewhere, do no harm, and tell how a run went."""

import re
from html.parser import HTMLParser

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from gamerec.parameters import Parameter
from gamerec.redaction import Redactor
from gamerec.reports.body import harmless, render
from gamerec.reports.pages import body_of, stage_page
from gamerec.reports.record import (
    RunRecord,
    StageRecord,
    read_record,
    read_records,
    write_record,
)
from gamerec.reports.tables import with_column_classes
from gamerec.reports.writer import ReportWriter, write_index
from gamerec.runs import notebook_name

DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJ"
EVIL = '<script>alert(1)</script><img src="https://evil.example/x.png" onerror="alert(2)">'


class Resources(HTMLParser):
    """Whatever a browser would fetch or run."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.scripts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        for name in ("src", "srcset", "data", "poster", "background"):
            if value := attributes.get(name):
                self.fetched.append(value)
        if tag == "link":
            self.fetched.append(attributes.get("href", ""))
        if tag in ("script", "iframe", "object", "embed", "form", "base"):
            self.scripts.append(tag)
        self.scripts += [name for name in attributes if name.startswith("on")]
        if (attributes.get("href") or "").lower().startswith("javascript:"):
            self.scripts.append("javascript:")


def assert_offline_and_inert(html: str) -> None:
    found = Resources(html)
    assert [url for url in found.fetched if not url.startswith("data:image/")] == []
    assert found.scripts == []
    assert "@import" not in html
    assert not re.search(r"url\((?!['\"]?data:)", html)
    assert "default-src 'none'" in html


def write_notebook(path, *cells):
    nbformat.write(new_notebook(cells=list(cells)), path)


def output_cell(**data):
    return new_code_cell("show()", outputs=[new_output("display_data", data=data)])


@pytest.fixture
def reports(tmp_path):
    return tmp_path / "reports"


@pytest.fixture
def run(reports):
    """A run of two stages whose notebooks hold what the outside world may put into them."""
    record = RunRecord("20260101-000000-000", "failed", "2026-01-01T00:00:00+00:00")
    record.stages = {
        "crawl": StageRecord("done", 1.5, f"40 games {EVIL}", {"games": 40}),
        "eda": StageRecord("failed", 2.0),
        "evaluate": StageRecord("waiting"),
    }
    record.error = {"stage": "eda", "kind": "StageFailed", "message": f"ValueError: {EVIL}"}
    record.resume = "gamerec run --resume 20260101-000000-000"
    record.parameters = {"crawl": {"TAGS": EVIL}}
    folder = reports / record.run_id
    write_record(folder, record, Redactor([]))
    write_notebook(
        folder / "01_crawl.ipynb",
        new_markdown_cell("# Games\n\n| a | b |\n|---|---|\n| 1 | `x < y` |"),
        output_cell(**{"text/html": f"<b>{EVIL}</b>", "text/plain": "x"}),
        output_cell(**{"text/markdown": f"**{EVIL}**", "text/plain": "x"}),
        output_cell(**{"application/javascript": "alert(3)", "text/plain": "<plain & simple>"}),
        output_cell(**{"image/svg+xml": "<svg onload='alert(4)'/>", "text/plain": "a drawing"}),
        output_cell(**{"image/png": DOT, "text/plain": "<Figure>"}),
    )
    trace = ["\x1b[31mValueError\x1b[0m: <script>alert(5)</script>"]
    error = new_output("error", ename="ValueError", evalue="no", traceback=trace)
    write_notebook(folder / "02_eda.ipynb", new_code_cell("fail('<b>')", outputs=[error]))
    return record


@pytest.fixture
def written(reports, run):
    parameter = Parameter("crawl", "TAGS", "str", "free-to-play", "which games")
    writer = ReportWriter(reports, {"crawl": {"TAGS": parameter}}, Redactor([]))
    writer.stage(run, "crawl")
    writer.stage(run, "eda")
    writer.finish(run)
    return reports


def test_no_page_asks_for_anything_or_runs_a_script(written):
    pages = sorted(written.rglob("*.html"))
    assert [page.name for page in pages] == [
        "01_crawl.html",
        "02_eda.html",
        "index.html",
        "index.html",
    ]
    for page in pages:
        assert_offline_and_inert(page.read_text())


def test_what_cells_displayed_is_there_as_text_and_pictures(written, run):
    page = (written / run.run_id / "01_crawl.html").read_text()
    assert f"data:image/png;base64,{DOT}" in page.replace("\n", "")
    assert "&lt;plain &amp; simple&gt;" in page
    assert "a drawing" in page
    assert "<code>x &lt; y</code>" in page


def test_code_is_hidden_behind_a_switch_without_a_script(written, run):
    page = (written / run.run_id / "01_crawl.html").read_text()
    assert '<input type="checkbox" id="code"' in page
    assert '<label class="switch" for="code">' in page
    assert "#code:checked ~ main .input" in page
    assert page.index('id="code"') < page.index("<main>")


def test_the_failed_stage_shows_traceback_message_and_how_to_go_on(written, run):
    page = (written / run.run_id / "02_eda.html").read_text()
    assert "output_error" in page
    assert "ansi-red" in page
    assert "gamerec run --resume 20260101-000000-000" in page
    assert "ValueError: &lt;script&gt;" in page


def test_pages_lead_to_the_other_stages_that_have_one(written, run):
    page = (written / run.run_id / "01_crawl.html").read_text()
    assert 'href="02_eda.html"' in page  # though it was written before that stage had run
    assert 'href="06_evaluate.html"' not in page
    assert 'href="index.html"' in page
    assert 'aria-current="page">1 crawl' in page


def test_parameters_are_shown_with_what_was_given(written, run):
    page = (written / run.run_id / "01_crawl.html").read_text()
    assert "which games" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_the_list_has_the_newest_run_first_with_status_time_figures_and_links(reports, run):
    newer = RunRecord("20260102-000000-000", "done", "2026-01-02T00:00:00+00:00", seconds=75.04)
    newer.stages["evaluate"] = StageRecord("done", 3, "", {"promoted": 1, "ndcg@10": 0.123456})
    write_record(reports / newer.run_id, newer, Redactor([]))
    (reports / "gallery").mkdir()
    (reports / "broken").mkdir()
    (reports / "broken" / "run.json").write_text("{")
    write_index(reports, Redactor([]))
    page = (reports / "index.html").read_text()
    assert page.index(newer.run_id) < page.index(run.run_id)
    assert 'href="20260102-000000-000/index.html"' in page
    for text in ("75.0 s", "0.1235", "failed", "2026-01-02 00:00 UTC"):
        assert text in page
    assert page.index("ndcg@10") < page.index("promoted")
    assert_offline_and_inert(page)


def test_a_record_comes_back_as_it_was_with_the_stages_in_order(reports, run):
    again = read_record(reports / run.run_id)
    assert again == run
    assert list(again.stages) == ["crawl", "eda", "evaluate"]
    assert [record.run_id for record in read_records(reports)] == [run.run_id]
    assert read_records(reports / "absent") == []


def test_secrets_do_not_reach_records_and_pages(reports, run):
    run.stages["crawl"].made = "with s3cret99"
    writer = ReportWriter(reports, {}, Redactor(["s3cret99"]))
    writer.stage(run, "crawl")
    writer.finish(run)
    write_record(reports / run.run_id, run, Redactor(["s3cret99"]))
    for path in reports.rglob("*"):
        assert not path.is_file() or "s3cret99" not in path.read_text(), path


def test_a_page_that_cannot_be_made_fails_nothing_and_is_logged(reports, run, caplog):
    (reports / run.run_id / "01_crawl.ipynb").write_text("not a notebook")
    writer = ReportWriter(reports, {}, Redactor([]))
    writer.stage(run, "crawl")
    writer.finish(run)
    assert "a page of the report could not be written" in caplog.text
    assert (reports / run.run_id / "index.html").exists()


def test_a_body_is_found_again_whatever_is_in_it(run):
    body = "<p>x</p>\n<!-- end of notebook --> <!-- notebook --> y"
    page = stage_page(run, "crawl", body, dict.fromkeys(["crawl", "eda"]) | all_pages(), {})
    assert body_of(page) == body


def all_pages():
    from gamerec.runs import STAGES

    return {stage: f"{notebook_name(stage)}.html" for stage in STAGES}


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<script>alert(1)</script>hi <b onclick='x'>b</b>", "hi <b>b</b>"),
        ('<img src="http://x/y.png" alt="k">', '<img alt="k">'),
        (f'<img src="data:image/png;base64,{DOT}">', f'<img src="data:image/png;base64,{DOT}">'),
        ('<img src="data:image/svg+xml;base64,AA">', "<img>"),
        ('<a href="javascript:alert(1)">x</a>', "<a>x</a>"),
        ('<a href="https://rawg.io">x</a>', '<a href="https://rawg.io">x</a>'),
        ('<p style="color: red; position: fixed">x</p>', '<p style="color: red;">x</p>'),
        ("<style>.a { background: url(http://x) }</style>y", "y"),
        ("<iframe src='x'></iframe><form><input></form>z", "z"),
        ("1 < 2 & 3", "1 &lt; 2 &amp; 3"),
    ],
)
def test_html_is_reduced_to_what_does_no_harm(html, expected):
    assert harmless(html).strip() == expected


def test_the_columns_of_a_table_are_told_apart():
    import pandas as pd

    frame = pd.DataFrame(
        {"n": [1, 20], "share": ["1.5 %", None], "name": ["Doom", "12"], "text": ["x " * 20, "y"]}
    )
    html = with_column_classes(harmless(frame.to_html()))
    heads = re.findall(r"<th( class=\"[^\"]*\")?>(n|share|name|text)</th>", html)
    assert heads == [
        (' class="line"', "n"),
        (' class="line"', "share"),
        (' class="text line"', "name"),
        (' class="text"', "text"),
    ]
    assert '<td class="text line">Doom</td>' in html
    assert '<td class="line">20</td>' in html
    spanning = '<table class="dataframe"><tbody><tr><th rowspan="2">a</th></tr></tbody></table>'
    assert with_column_classes(spanning) == spanning


def test_rendering_a_notebook_leaves_it_as_it_was(reports, run):
    path = reports / run.run_id / "01_crawl.ipynb"
    before = path.read_bytes()
    assert "Games" in render(path)
    assert path.read_bytes() == before

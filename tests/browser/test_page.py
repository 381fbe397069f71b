"""The page in a real browser, against a real server. The first test finds it without a model."""

import sqlite3

import pytest
from pictured_project import PICTURED
from waiting import eventually

from gamerec.database import open_database
from gamerec.settings import load_settings

LOOKS = [
    pytest.param(1280, "en-US", "light", id="desktop-english-light"),
    pytest.param(1280, "ko-KR", "dark", id="desktop-korean-dark"),
    pytest.param(390, "ko-KR", "light", id="phone-korean-light"),
    pytest.param(390, "en-US", "dark", id="phone-english-dark"),
]


def events(server):
    with open_database(load_settings(server.home)) as database:
        return database.event_log().after(0)


def test_without_a_model_the_page_says_so_and_goes_on_when_there_is_one(visit, request):
    visitor = visit()
    visitor.see("There is no model yet")
    assert visitor.faults() == []
    request.getfixturevalue("project")
    assert len(visitor.see_cards()) == 12


@pytest.mark.parametrize(("width", "language", "scheme"), LOOKS)
def test_everybody_can_read_and_use_it(server, visit, width, language, scheme):
    visitor = visit(width=width, language=language, scheme=scheme)
    visitor.see_cards()
    picked = visitor.pick("deep rock")
    assert len(picked) == 12
    assert "Deep Rock Galactic" not in picked
    assert "Deep Rock Galactic" in visitor.text(".gr-reason")
    visitor.open_controls()
    visitor.page.locator(".gr-why summary").first.click()
    assert visitor.faults() == []
    assert not visitor.overflows()
    assert visitor.text("h1") == ("다음에 뭐 하지?" if language == "ko-KR" else "What to play next")
    ground = visitor.page.locator(".gamerec").evaluate("e => getComputedStyle(e).backgroundColor")
    assert (ground == "rgb(18, 17, 28)") == (scheme == "dark")
    assert visitor.page.locator("html").get_attribute("lang") == language[:2]
    assert visitor.page.get_by_role("link", name="RAWG").get_attribute("href") == "https://rawg.io"


def test_language_and_colours_are_chosen_and_remembered(server, visit):
    visitor = visit()
    visitor.see_cards()
    visitor.page.get_by_label("Language").select_option("ko")
    visitor.see("좋아하는 게임 고르기")
    visitor.page.get_by_label("색상").select_option("dark")
    visitor.page.reload()
    visitor.see("좋아하는 게임 고르기")
    assert visitor.page.locator(".gamerec").get_attribute("data-theme") == "dark"


def test_picks_work_by_keys_alone_and_can_be_taken_back(server, visit):
    visitor = visit()
    popular = visitor.see_cards()
    page = visitor.page
    page.locator("input[role=combobox]").focus()
    page.keyboard.type("s")
    page.locator("[role=option]").nth(1).wait_for()
    second = page.locator("[role=option] span").nth(1).inner_text()
    page.keyboard.press("ArrowDown")
    visitor.after(lambda: page.keyboard.press("Enter"))
    pick = page.get_by_role("button", name=f"Remove {second}")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "combobox"
    assert visitor.after(pick.click) == popular
    page.locator("input[role=combobox]").fill("nothing is called so")
    visitor.see("No game of that name")
    page.keyboard.press("Escape")
    assert not page.locator("[role=listbox]").is_visible()


def test_sliders_and_filters_change_the_list(server, visit):
    visitor = visit()
    visitor.see_cards()
    visitor.pick("deep rock")
    assert len(visitor.slide(0, 6)) == 6
    plain = visitor.names()
    deep, mainstream = visitor.slide(1, -1), visitor.slide(1, 1)
    assert deep != mainstream
    visitor.slide(1, 0)
    assert visitor.slide(2, 1) != plain
    chip = visitor.page.get_by_role("button", name="Action: no matter", exact=True)
    visitor.after(chip.click)
    facts = visitor.page.locator(".gr-facts").all_inner_texts()
    assert facts and all("Action" in line for line in facts)
    chip = visitor.page.get_by_role("button", name="Action: wanted", exact=True)
    visitor.after(chip.click)
    facts = visitor.page.locator(".gr-facts").all_inner_texts()
    assert facts and not any("Action" in line for line in facts)
    visitor.after(lambda: visitor.page.get_by_label("From year").fill("2020"))
    years = [int(line[:4]) for line in visitor.page.locator(".gr-facts").all_inner_texts()]
    assert years and min(years) >= 2020
    visitor.after(visitor.page.get_by_role("button", name="Reset").click)
    assert len(visitor.names()) == 12


def test_next_picks_repeat_nothing_and_lead_back_to_the_top(server, visit):
    visitor = visit()
    first = visitor.see_cards()
    second = visitor.after(visitor.page.get_by_role("button", name="Next picks").click)
    assert not set(first) & set(second)
    assert visitor.text(".gr-rank") == "13"
    assert visitor.after(visitor.page.get_by_role("button", name="From the top").click) == first


def test_feedback_changes_the_list_at_once_and_is_kept(server, visit):
    visitor = visit()
    visitor.see_cards()
    names = visitor.enter("7")
    visitor.see("7 has played")
    before = len(events(server))
    for kind, game in (("disliked", names[0]), ("liked", names[1]), ("played", names[2])):
        assert game not in visitor.say(kind, game)
    eventually(lambda: len(events(server)) == before + 3, 60)
    kept = events(server)[-3:]
    assert [(event.kind, event.user_id) for event in kept] == [
        ("disliked", 7),
        ("liked", 7),
        ("played", 7),
    ]
    again = visit()
    again.see_cards()
    assert not set(names[:3]) & set(again.enter("7"))


def test_what_a_guest_likes_joins_the_picks_and_gives_the_reasons(server, visit):
    visitor = visit()
    liked = visitor.see_cards()[0]
    assert liked not in visitor.say("liked", liked)
    assert liked in visitor.text(".gr-picks")
    assert liked in visitor.text(".gr-reason")


def test_an_unknown_user_gets_what_is_popular_and_is_told_so(server, visit):
    visitor = visit()
    popular = visitor.see_cards()
    assert visitor.enter("nobody <b>") == popular
    visitor.see("Nobody with the id “nobody <b>” is known")


def test_similar_games_and_the_way_back(server, visit):
    visitor = visit()
    names = visitor.see_cards()
    assert names[0] not in visitor.say("similar", names[0])
    assert visitor.text(".gr-heading") == f"Similar to {names[0]}"
    assert names[0] in visitor.text(".gr-reason")
    back = visitor.page.get_by_role("button", name="Back to the list")
    assert visitor.after(back.click) == names


def test_a_kept_cover_is_shown_and_others_are_drawn(server, visit):
    visitor = visit()
    visitor.see_cards()
    picture = visitor.page.locator(f"[data-cover='{PICTURED}'] img")
    picture.wait_for()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 600
    assert visitor.page.locator(".gr-cover svg").count() == 11


def test_two_versions_side_by_side(server, visit):
    visitor = visit()
    visitor.see_cards()
    visitor.enter("9")
    visitor.after(visitor.page.get_by_role("button", name="Side by side").click)
    columns = visitor.page.locator(".gr-onelist")
    assert columns.count() == 2
    versions = visitor.page.locator(".gr-version code").all_inner_texts()
    assert versions[0] != versions[1]
    assert visitor.faults() == []
    other = visitor.page.get_by_label("The other version")
    visitor.page.locator("option", has_text=versions[0]).wait_for(state="attached")
    visitor.after(lambda: other.select_option(versions[0]))
    visitor.see(f"Both are {versions[0]}")


def test_a_model_that_is_swapped_meanwhile_renews_the_page(server, project, visit):
    visitor = visit()
    visitor.see_cards()
    version = project.version("item_knn", neighbours=2)
    visitor.see(f"A new model is live: {version}")
    visitor.page.locator(".gr-tiles", has_text=version).wait_for()


def test_while_the_database_is_away_feedback_lives_as_long_as_the_page(server, visit):
    visitor = visit()
    visitor.see_cards()
    names = visitor.enter("11")
    lock = sqlite3.connect(server.home / "store" / "gamerec.db", isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    try:
        assert names[0] not in visitor.say("disliked", names[0])
        visitor.see("your feedback is kept while this page is open")
        assert names[0] not in visitor.slide(0, 14)
    finally:
        lock.rollback()
        lock.close()


def test_a_page_whose_kernel_is_gone_goes_on_with_a_new_one(server, visit):
    visitor = visit()
    visitor.see_cards()
    visitor.pick("deep rock")
    for kernel in server.kernels():
        kernel.kill()
    assert len(visitor.slide(0, 5)) == 5
    assert "Deep Rock Galactic" in visitor.text(".gr-reason")
    # Chromium itself notes the socket that was refused, and nothing else is complained of.
    assert all("Unexpected response code: 404" in said for said in visitor.complaints)
    visitor.complaints.clear()


def test_closed_pages_leave_no_kernel(server, visit):
    visitors = [visit() for _ in range(3)]
    for visitor in visitors:
        visitor.see_cards()
    assert len(server.kernels()) >= 3
    for visitor in visitors:
        visitor.leave()
    eventually(lambda: not server.kernels(), 60)

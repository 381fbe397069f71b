"""Somebody who looks at the page: what they see and do, and what their browser complains of."""

from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator

_SERIOUS = ("serious", "critical")


class Visitor:
    """One page in a fresh browser profile."""

    def __init__(
        self, browser: Browser, url: str, width: int, language: str, scheme: str, height: int = 900
    ) -> None:
        self.url = url
        self.complaints: list[str] = []
        self.context = browser.new_context(
            viewport={"width": width, "height": height},
            locale=language,
            color_scheme=scheme,  # type: ignore[arg-type]
            reduced_motion="reduce",
        )
        self.context.set_default_timeout(60_000)
        self.page = self.context.new_page()
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("request", self._request)
        self.page.goto(url, wait_until="commit")

    def leave(self) -> None:
        """Close the page as a person does."""
        self.page.close(run_before_unload=False)
        self.context.close()

    # What is seen

    @property
    def cards(self) -> Locator:
        return self.page.locator(".gr-card:not(.gr-leaving)")

    def names(self) -> list[str]:
        """The games of the list, in order."""
        return self.page.locator(".gr-name").all_inner_texts()

    def text(self, selector: str) -> str:
        return self.page.locator(selector).first.inner_text()

    def see(self, text: str) -> None:
        """Wait until a text is on the page."""
        self.page.get_by_text(text).first.wait_for()

    def see_cards(self) -> list[str]:
        self.cards.first.wait_for()
        return self.names()

    def faults(self) -> list[str]:
        """Serious accessibility faults, by axe-core."""
        found = Axe().run(self.page).response["violations"]
        return [f"{v['id']}: {v['nodes'][0]['html']}" for v in found if v["impact"] in _SERIOUS]

    def overflows(self) -> bool:
        """Whether the page is wider than its window."""
        return self.page.evaluate("document.documentElement.scrollWidth > innerWidth + 1")

    # What is done; each waits for the list that follows

    def after(self, action: Any) -> list[str]:
        """The list once it has followed an action."""
        before = self.page.locator(".gamerec").get_attribute("data-answers")
        action()
        self.page.wait_for_function(
            "before => { const page = document.querySelector('.gamerec');"
            "return page.dataset.answers !== before && !page.querySelector('[aria-busy]') }",
            arg=before,
        )
        return self.names()

    def pick(self, text: str) -> list[str]:
        """Type in the search field and take the first suggestion."""
        box = self.page.locator("input[role=combobox]")
        box.fill(text)
        self.page.locator("[role=option][id$='-0']").wait_for()
        return self.after(lambda: box.press("Enter"))

    def enter(self, user: str) -> list[str]:
        """Come in as a user."""
        if not self.page.locator(".gr-userform").count():
            self.after(self.page.locator(".gamerec").get_by_role("tab").nth(1).click)
        self.page.locator(".gr-userform input").fill(user)
        return self.after(lambda: self.page.keyboard.press("Enter"))

    def slide(self, number: int, value: float) -> list[str]:
        """Move a slider: 0 how many, 1 popularity, 2 variety."""
        self.open_controls()
        slider = self.page.locator("input[type=range]").nth(number)
        return self.after(lambda: slider.fill(str(value)))

    def open_controls(self) -> None:
        if not self.page.locator(".gr-controls[open]").count():
            self.page.locator(".gr-controls summary").click()

    def say(self, kind: str, game: str) -> list[str]:
        """Press a button of a card: liked, disliked, played or similar."""
        card = self.page.locator(".gr-card").filter(has=self.page.get_by_text(game, exact=True))
        return self.after(card.first.locator(f".gr-{kind}").click)

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def _request(self, request: Any) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.netloc != urlsplit(self.url).netloc:
            self.complaints.append(f"asked another host: {request.url}")

"""`Recommender`: the page as one widget, the same in JupyterLab and in Voilà.

What the browser (see `assets`) asks comes as messages and is answered by a `Session`; what the page
shows first is in `opening`, so that the first cards need no question.
"""

import threading
from collections.abc import Sequence
from typing import Any

import anywidget
import traitlets

from gamerec.redaction import Redactor
from gamerec.serving.answers import Id
from gamerec.settings import Settings, load_settings
from gamerec.storage import open_store
from gamerec.ui import assets
from gamerec.ui.faults import fault
from gamerec.ui.session import Session

_OPENING = "application/vnd.gamerec.opening+json"  # for the page that is not JupyterLab


class Recommender(anywidget.AnyWidget):
    """Recommendations with covers and reasons, for one user or for a few games that one likes.

    user_id: opens with this user's list; without one, with what `games` (ids) lead to, and without
    both with what is popular. k: games per list. language: 'en', 'ko' or 'auto', the browser's.
    theme: 'light', 'dark' or 'auto'. settings: another project than this one.

    A fault is shown in the widget, not raised: the page has visitors who cannot mend it.
    """

    _esm = assets.script()
    _css = assets.STYLE.read_text("utf-8")

    opening = traitlets.Dict().tag(sync=True)
    language = traitlets.Enum(("auto", "en", "ko"), "auto").tag(sync=True)
    theme = traitlets.Enum(("auto", "light", "dark"), "auto").tag(sync=True)

    def __init__(
        self,
        user_id: Id | None = None,
        games: Sequence[Id] = (),
        *,
        k: int = 12,
        language: str = "auto",
        theme: str = "auto",
        settings: Settings | None = None,
    ) -> None:
        self._redact = Redactor(())
        self._session: Session | None = None
        self._settings = settings
        opening = self._open(user_id, games, k)
        super().__init__(opening=opening, language=language, theme=theme)
        self.on_msg(self._asked)

    def close(self) -> None:
        """Let the model and its files go."""
        if self._session is not None:
            self._session.close()
        super().close()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        traits = {"opening": self.opening, "language": self.language, "theme": self.theme}
        return {**data, _OPENING: traits}, metadata

    def _open(self, user_id: Id | None, games: Sequence[Id], k: int) -> dict[str, Any]:
        """What the page shows first."""
        opening: dict[str, Any] = {
            "user_id": user_id,
            "player": None,
            "picks": [],
            "k": k,
            "answer": {"lists": []},
            "status": {"version": None, "metrics": []},
            "catalogue": {"genres": [], "tags": [], "years": [None, None], "example": ""},
            "fault": None,
        }
        try:
            opening |= self._first(user_id, games, k)
        except Exception as error:
            told = fault(error, self._redact)
            opening["fault"] = {
                "kind": told["fault"],
                "id": told["error_id"],
                "message": told["message"],
            }
        return opening

    def _first(self, user_id: Id | None, games: Sequence[Id], k: int) -> dict[str, Any]:
        session = self._ready()
        question = {"user_id": user_id, "games": list(games), "k": k}
        return {
            "picks": session.games(games),
            "player": None if user_id is None else session.player({"user_id": user_id}),
            "answer": session.recommend(question),
            "status": session.status(),
            "catalogue": session.catalogue(),
        }

    def _ready(self) -> Session:
        """The session; made again as long as that has failed."""
        if self._session is None:
            from gamerec.serving.engine import Engine
            from gamerec.ui.shelf import CoverShelf

            settings = self._settings or load_settings()
            self._redact = Redactor(settings.secrets)
            shelf = CoverShelf(open_store(settings.store_uri, settings), settings)
            self._session = Session(lambda channel: Engine.open(settings, channel=channel), shelf)
        return self._session

    def _asked(self, _: Any, message: Any, buffers: Any) -> None:
        """Answer one message of a browser; there is always an answer.

        Feedback may have to wait for the database: lists do not wait for it.
        """
        if not isinstance(message, dict):
            return
        if message.get("what") == "feedback":
            threading.Thread(target=self._answer, args=(message,), daemon=True).start()
        else:
            self._answer(message)

    def _answer(self, message: dict[str, Any]) -> None:
        reply = {"page": message.get("page"), "id": message.get("id")}
        try:
            answer = self._ready().answer(message.get("what", ""), message.get("question") or {})
            self.send(reply | {"answer": answer})
        except Exception as error:
            self.send(reply | fault(error, self._redact))

"""The browser's side of the page: plain modules and one style sheet, without a build step."""

import re
from functools import cache
from pathlib import Path

JUPYTER = Path(__file__).parent / "share" / "jupyter"
PAGE = Path(__file__).parent / "page"
STYLE = PAGE / "page.css"

# In the order of their imports.
MODULES = (
    *("words", "dom", "ask", "cover", "card", "picker", "controls"),
    *("about", "frame", "ways", "results", "page"),
)


@cache
def script() -> str:
    """All modules as one: a widget's code is handed over as text, which can import no neighbour."""
    joined = "\n".join((PAGE / f"{name}.js").read_text("utf-8") for name in MODULES)
    joined = re.sub(r"^import [^;]*;$", "", joined, flags=re.M)
    return re.sub(r"^export (?!default)", "", joined, flags=re.M)

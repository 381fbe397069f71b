"""An executed notebook to a piece of HTML that can do no harm and asks for nothing.

Whatever a cell displays may hold text from outside, such as the name of a game, so outputs are
reduced to plain elements. Importing this module imports nbconvert: some tenths of a second.
"""

import re
import uuid
from functools import cache
from pathlib import Path
from typing import Any

import bleach
import nbformat
from bleach.css_sanitizer import CSSSanitizer
from nbconvert.exporters import HTMLExporter
from nbconvert.filters import markdown2html
from nbconvert.preprocessors import Preprocessor

from gamerec.reports.tables import with_column_classes

_TAGS = """a abbr b blockquote br caption code col colgroup dd details div dl dt em figcaption
    figure h1 h2 h3 h4 h5 h6 hr i img kbd li mark meter ol p pre s samp section small span strong
    sub summary sup table tbody td tfoot th thead tr u ul var"""
_ATTRIBUTES = """alt align class colspan height max min open rowspan start style title value
    width"""
_STYLES = """background-color border color font-style font-weight height text-align vertical-align
    white-space width max-width"""

# Their text would stay and be shown when the elements around it are taken away.
_UNSEEN = re.compile(r"<(style|script)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_PLACE = re.compile(r"picture-[0-9a-f]{32}")
_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")


def render(notebook: Path) -> str:
    """The notebook's cells as HTML; figures are inside it, code stands in `div.input`."""
    cells = nbformat.read(notebook, as_version=4)
    pictures = _take_out_pictures(cells)
    body, _ = _exporter().from_notebook_node(cells)
    return _PLACE.sub(lambda place: pictures.get(place[0], place[0]), body)


def _take_out_pictures(notebook: nbformat.NotebookNode) -> dict[str, str]:
    """Leave a place for every picture: the many parsers on the way need not read them."""
    pictures: dict[str, str] = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            for kind in set(_PICTURES) & set(output.get("data", {})):
                place = f"picture-{uuid.uuid4().hex}"
                pictures[place] = "".join(output.data[kind]).replace("\n", "")
                output.data[kind] = place
    return pictures


@cache
def _exporter() -> HTMLExporter:
    """One for all notebooks: it compiles its templates."""
    exporter = HTMLExporter(
        template_name="basic",
        preprocessors=[_Harmless],
        exclude_anchor_links=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    # It would parse the code that Pygments has just escaped: a third of the time.
    exporter.register_filter("clean_html", lambda html: html)
    return exporter


def harmless(html: str) -> str:
    """The HTML without scripts, styles of whole pages, forms, and pictures from elsewhere."""
    return bleach.clean(
        _UNSEEN.sub("", html),
        tags=set(_TAGS.split()),
        attributes=_may_stay,
        protocols={"http", "https", "data"},
        css_sanitizer=CSSSanitizer(allowed_css_properties=_STYLES.split()),
        strip=True,
    )


def _may_stay(tag: str, attribute: str, value: str) -> bool:
    """A link may lead out, but only a picture that is inside the page is shown."""
    if attribute == "href":
        return tag == "a" and value.startswith(("http://", "https://", "#"))
    if attribute == "src":
        return tag == "img" and value.startswith(tuple(f"data:{kind};" for kind in _PICTURES))
    return attribute in _ATTRIBUTES.split()


class _Harmless(Preprocessor):
    """Reduces every output to a picture, harmless HTML or text."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(enabled=True, **kwargs)

    def preprocess_cell(self, cell: Any, resources: Any, index: int) -> tuple[Any, Any]:
        """Clean the outputs of one cell."""
        for output in cell.get("outputs", []):
            if "data" in output:
                output.data = nbformat.from_dict(_clean(output.data))
        return cell, resources


def _clean(data: dict[str, Any]) -> dict[str, Any]:
    if pictures := {kind: item for kind, item in data.items() if kind in _PICTURES}:
        return pictures
    if "text/html" in data:
        return {"text/html": with_column_classes(harmless(data["text/html"]))}
    if "text/markdown" in data:
        return {"text/html": harmless(markdown2html(data["text/markdown"]))}
    return {"text/plain": data.get("text/plain", "")}

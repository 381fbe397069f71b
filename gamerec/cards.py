"""The model card: what is known of a model version, as Markdown for people."""

from collections.abc import Iterable, Mapping
from typing import Any

METRIC_COLUMNS = ("model", "metric", "k", "value", "low", "high", "n_users")


def model_card(info: Mapping[str, Any]) -> str:
    """The card of a version from its registry info, with its evaluation where there is one."""
    evaluation = info.get("evaluation") or {}
    parts = [
        f"# {info['version']}: {info['model']}",
        f"Trained {info['created_at']} by run `{info['run_id']}` in {info['seconds']} s.",
        _section("Parameters", _pairs(info["params"], ("parameter", "value"))),
        _section("Metrics at training time (validation part)", _metrics(info["metrics"])),
        _section("Metrics of the evaluation (test part)", _metrics(evaluation.get("metrics", []))),
        _section("Verdict", _pairs(evaluation.get("verdict", {}), ("", ""))),
        _section("Origin", _pairs(_origin(info), ("what", "value"))),
        _section("Files", _table(("file", "bytes", "SHA-256"), _files(info["files"]))),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _origin(info: Mapping[str, Any]) -> dict[str, Any]:
    libraries = ", ".join(f"{name} {version}" for name, version in info["libraries"].items())
    origin = {"data hash": info["data_hash"], "code commit": info["code_commit"]}
    return origin | {"libraries": libraries} | info["details"]


def _files(files: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[Any, ...]]:
    return ((name, f"{file['bytes']:,}", f"`{file['sha256']}`") for name, file in files.items())


def _metrics(metrics: Any) -> str:
    """A tidy list of metrics as a table, a plain mapping as pairs."""
    if isinstance(metrics, Mapping):
        return _pairs(metrics, ("metric", "value"))
    columns = [c for c in METRIC_COLUMNS if any(c in row for row in metrics)]
    return _table(columns, ([row.get(c) for c in columns] for row in metrics))


def _pairs(values: Mapping[str, Any], header: tuple[str, str]) -> str:
    return _table(header, values.items())


def _section(title: str, body: str) -> str:
    return f"## {title}\n\n{body}" if body else ""


def _table(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    header = list(header)
    lines = [_line(row) for row in rows]
    return "\n".join([_line(header), "|" + " --- |" * len(header), *lines]) if lines else ""


def _line(cells: Iterable[Any]) -> str:
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(value: Any) -> str:
    """One cell: floats to four digits, and nothing that would end the cell or the row."""
    text = f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)
    return " ".join(text.replace("|", "\\|").split())

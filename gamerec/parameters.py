"""The parameters of the stages: what their notebooks declare, and the check of what a user gives.

A notebook's cell tagged `parameters` holds lines such as `TOP_K: int = 10  # games per list`. They
are read by Python's own parser: Papermill's reader of such cells does not know annotations like
`str | None` or `Literal["taste", "popularity"]`, and takes seconds to import. Nothing is executed.
"""

import ast
import difflib
import io
import json
import re
import tokenize
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from gamerec.errors import UsageError
from gamerec.runs import STAGES, notebook_name

RUN_ID = "RUN_ID"  # given by the pipeline, never by a user

Values = dict[str, dict[str, Any]]  # stage -> parameter -> value
Declared = Mapping[str, Mapping[str, "Parameter"]]  # stage -> parameter -> its declaration

_TYPES = {t.__name__: t for t in (int, float, str, bool, list, dict)} | {
    "Literal": typing.Literal,
    "Any": Any,
    "None": None,
}


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell."""

    stage: str
    name: str
    annotation: str  # as written: 'int', 'list[str]', 'Literal["taste", "popularity"]'
    default: Any
    help: str = ""

    def __str__(self) -> str:
        return f"{self.stage}.{self.name}"

    def check(self, value: Any) -> Any:
        """The value, if it is of the declared type (an int will do where a float is asked for).

        Raises UsageError that shows the type and the default.
        """
        if self._accepts(value):
            return value
        raise UsageError(
            f"{self}: {value!r} is not of type {self.annotation}"
            f"{self._hint(value)} (default {self.default!r})"
        )

    def parse(self, text: str) -> Any:
        """The value of a command line's text: itself for a text parameter, else as YAML."""
        try:
            value = yaml.load(text, Loader=_Loader)
        except yaml.YAMLError:
            value = text
        if self._accepts(text) and not (value is None and self._accepts(None)):
            return text
        return self.check(value)

    @cached_property
    def _adapter(self) -> TypeAdapter:
        return TypeAdapter(eval(self.annotation, {"__builtins__": {}}, _TYPES))

    def _accepts(self, value: Any) -> bool:
        try:
            self._adapter.validate_python(value, strict=True)
        except ValidationError:
            return False
        return True

    def _hint(self, value: Any) -> str:
        if self.annotation.startswith("list") and not isinstance(value, list):
            return f"; a list is written [{value}]"
        choices = [c for c in _literals(self.annotation) if isinstance(c, str)]
        near = difflib.get_close_matches(str(value), choices, n=1)
        return f"; did you mean {near[0]!r}?" if near else ""


class _Loader(yaml.SafeLoader):
    """YAML without dates, and with 1e-3 for a number, as in the notebooks."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if not tag.endswith("timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?[0-9][0-9_]*(\.[0-9]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)


def declared(notebooks: Path, stages: Iterable[str] = STAGES) -> dict[str, dict[str, Parameter]]:
    """What the notebooks of these stages declare.

    Raises UsageError where a notebook is missing, or its parameters cell cannot be read.
    """
    return {stage: _read(notebooks / f"{notebook_name(stage)}.ipynb", stage) for stage in stages}


def from_options(options: Iterable[str], known: Declared) -> Values:
    """Values of `-p stage.NAME=value` options; the last one of a name counts."""
    values: Values = {}
    for option in options:
        name, equals, text = option.partition("=")
        if not equals:
            raise UsageError(f"-p {option}: write it as stage.NAME=value")
        parameter = find(name.strip(), known)
        values.setdefault(parameter.stage, {})[parameter.name] = parameter.parse(text)
    return values


def from_file(path: Path, known: Declared) -> Values:
    """Values of a YAML file {stage: {NAME: value}}; raises UsageError for any other content."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"cannot read parameters from {path}: {error}") from None
    if not isinstance(content, dict) or not all(isinstance(v, dict) for v in content.values()):
        raise UsageError(f"{path} must hold {{stage: {{NAME: value}}}}")
    values: Values = {}
    for stage, given in content.items():
        for name, value in given.items():
            parameter = find(f"{stage}.{name}", known)
            values.setdefault(parameter.stage, {})[parameter.name] = parameter.check(value)
    return values


def merge(*sources: Values) -> Values:
    """All values; a later source wins."""
    stages = {stage for source in sources for stage in source}
    return {
        stage: {k: v for source in sources for k, v in source.get(stage, {}).items()}
        for stage in STAGES
        if stage in stages
    }


def find(name: str, known: Declared) -> Parameter:
    """The parameter called 'stage.NAME'; raises UsageError with the nearest right name."""
    stage, dot, own_name = name.partition(".")
    if not dot:
        raise UsageError(f"unknown parameter {name}{_suggest(name, known)}: write it as stage.NAME")
    check_stage(stage)
    if own_name == RUN_ID:
        raise UsageError(f"{name} is given by the runner; to work in a run, use --resume")
    if own_name in known.get(stage, {}):
        return known[stage][own_name]
    raise UsageError(
        f"unknown parameter {name}{_suggest(name, known)} (`gamerec params {stage}` lists them)"
    )


def check_stage(stage: str) -> str:
    """The stage, if there is one of this name; raises UsageError with the nearest right name."""
    if stage in STAGES:
        return stage
    near = difflib.get_close_matches(stage.lower(), STAGES, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise UsageError(f"unknown stage {stage!r}{hint} The stages are: {', '.join(STAGES)}")


def _suggest(name: str, known: Declared) -> str:
    """The nearest name: in the same stage first, then the same name elsewhere, then anywhere."""
    stage, _, own_name = name.rpartition(".")
    own = [n for n in known.get(stage, {}) if n != RUN_ID]
    if near := difflib.get_close_matches(own_name.upper(), own, n=1):
        return f"; did you mean {stage}.{near[0]}?"
    everywhere = [str(p) for parameters in known.values() for p in parameters.values()]
    for candidate in everywhere:
        if candidate.rpartition(".")[2] == own_name.upper():
            return f"; did you mean {candidate}?"
    near = difflib.get_close_matches(name, everywhere, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _literals(annotation: str) -> list[Any]:
    return [n.value for n in ast.walk(ast.parse(annotation)) if isinstance(n, ast.Constant)]


def _read(path: Path, stage: str) -> dict[str, Parameter]:
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except FileNotFoundError:
        raise UsageError(f"there is no notebook {path}") from None
    except (ValueError, KeyError, TypeError):
        raise UsageError(f"{path} is not a notebook") from None
    tagged = [c for c in cells if "parameters" in c.get("metadata", {}).get("tags", [])]
    if len(tagged) != 1:
        raise UsageError(f"{path} needs one cell tagged 'parameters', it has {len(tagged)}")
    source = "".join(tagged[0]["source"])
    try:
        return {p.name: p for p in _parse(source, stage)}
    except (SyntaxError, ValueError, NameError, TypeError, UsageError) as error:
        raise UsageError(f"the parameters cell of {path} cannot be read: {error}") from None


def _parse(source: str, stage: str) -> Iterable[Parameter]:
    comments = _comments(source)
    for node in ast.parse(source).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            name, annotation = node.target.id, ast.unparse(node.annotation)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name, annotation = node.targets[0].id, ""
        else:
            raise ValueError(f"line {node.lineno} is not of the form NAME: type = value  # help")
        default = ast.literal_eval(node.value)  # type: ignore[arg-type]  # checked above
        annotation = annotation or ("Any" if default is None else type(default).__name__)
        parameter = Parameter(stage, name, annotation, default, comments.get(node.end_lineno, ""))
        parameter.check(default)
        yield parameter


def _comments(source: str) -> dict[int | None, str]:
    """Line number -> comment at its end."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip("# ") for t in tokens if t.type == tokenize.COMMENT}

"""What the fork server imports: what the notebooks to come import, in their order."""

import ast
import json
from collections.abc import Iterable
from pathlib import Path

# After each notebook's imports: what those libraries do at their first use.
WARM = "gamerec.kernels.warm"


def modules_of(notebooks: Iterable[Path]) -> list[str]:
    """Names of the modules that the notebooks import, each followed by `WARM`.

    Of `from a import b` both `a` and `a.b` are named, for b may be a module or not: whoever imports
    them passes over those that cannot be.
    """
    found: dict[str, None] = {}
    for number, notebook in enumerate(notebooks):
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        for cell in cells:
            if cell["cell_type"] == "code":
                found |= dict.fromkeys(_imports("".join(cell["source"])))
        found[f"{WARM}:{number}"] = None
    return [name.partition(":")[0] for name in found]


def _imports(source: str) -> Iterable[str]:
    try:
        statements = list(ast.walk(ast.parse(source)))
    except SyntaxError:  # a cell of IPython's own commands
        return
    for statement in statements:
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            yield statement.module
            yield from (f"{statement.module}.{alias.name}" for alias in statement.names)

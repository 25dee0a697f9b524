"""What a Python source imports, read from its syntax: nothing of it is run."""

import ast
from collections.abc import Iterator


def imported_names(tree: ast.AST, package: str) -> Iterator[str]:
    """Yield the dotted names that a source imports, wherever it does.

    `package` is what its relative imports begin at. Of `from a import b` both `a` and `a.b` are
    named, as `b` may be a module; of `import a` also `a.*`, as any name of it may be used.
    """
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from (alias.name, f"{alias.name}.*")
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            base = parts[: len(parts) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield all statements, wherever they stand; `ast.walk` goes into every expression, too."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for name in ("body", "orelse", "handlers", "finalbody", "cases"):
            waiting += getattr(node, name, ())

"""What a core may not do, read from its source: reach the outside, read a clock, wait.

A core is plain synchronous Python: arguments in, values out, time passed in. Everything here
looks at syntax only, so it cannot see through a callable that was handed in, and need not:
whoever hands it in is a shell.
"""

import ast
from collections.abc import Iterator
from typing import Final

OUTSIDE: Final = frozenset(
    {
        "aiohttp", "alpaca", "asyncio", "asyncpg", "cassandra", "concurrent", "cyclopts", "fcntl", "h2",
        "http", "importlib.metadata", "logging", "mmap", "multiprocessing", "os",
        "prometheus_client", "redis", "requests", "resource", "rich", "secrets", "select", "selectors",
        "shutil", "signal", "socket", "socketserver", "sqlite3", "ssl", "structlog", "subprocess",
        "tempfile", "threading", "time", "urllib.request", "uvloop", "websockets.asyncio",
        "websockets.sync",
    }
)  # fmt: skip
"""Modules (or names in them) that reach a socket, a disk, a clock, a thread or another process."""

CALLS: Final = frozenset({"open", "input", "print", "breakpoint"})
"""Built-in functions that do I/O."""

METHODS: Final = frozenset(
    {
        "now", "utcnow", "today", "uuid1", "uuid4", "urandom",
        "read_text", "read_bytes", "write_text", "write_bytes", "exists", "is_file", "is_dir", "iterdir",
        "glob", "rglob", "mkdir", "rmdir", "touch", "unlink", "stat", "expanduser",
    }
)  # fmt: skip
"""Methods that read a clock, chance or a disk, whatever they are called on. A path as such is a value."""


def impurities(source: str) -> list[str]:
    """What in `source` a core may not have, each as `line: what`."""
    tree = ast.parse(source)
    found = [f"{line}: imports {name}" for line, name in imports(tree) if _is_outside(name)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name(id=name) if name in CALLS:
                    found.append(f"{node.lineno}: calls {name}()")
                case ast.Attribute(attr=name) if name in METHODS:
                    found.append(f"{node.lineno}: calls .{name}()")
        elif isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith):
            found.append(f"{node.lineno}: waits ({type(node).__name__})")
    return found


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything imported at run time; `from a import b` gives `a.b`."""
    for node in _run_time_nodes(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"


def _run_time_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node but those under `if TYPE_CHECKING:`, which never run."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from _run_time_nodes(node)


def _is_outside(name: str) -> bool:
    parts = name.split(".")
    return any(".".join(parts[:end]) in OUTSIDE for end in range(1, len(parts) + 1))

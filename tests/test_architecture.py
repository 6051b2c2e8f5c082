"""The arrows only point down, SQL lives in the store, and one place may catch everything."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("monitor", "sources", "reports")
PURE = (
    "text", "excerpts", "glosses", "folding", "matching", "portions", "sentiment", "stories", "spikes", "bursts",
    "takeoff", "incidents", "digest", "rivals", "doctor", "answering", "holidays", "timetable", "signals", "complaints",
    "travel",
)  # fmt: skip
BASE = {"monitor.model", "monitor.errors"}
SHARED = {
    "monitor.holidays",
    "monitor.text",
    "monitor.excerpts",
    "monitor.glosses",
    "monitor.folding",
    "monitor.portions",
    "monitor.matching",
}

MAY_IMPORT = {
    "monitor.model": set(),
    "monitor.errors": set(),
    "monitor.config": BASE,
    "monitor.privacy": BASE,
    "monitor.schema": BASE,
    **{f"monitor.{stage}": {*BASE, *SHARED} for stage in PURE},
    "monitor.build_han_fold": {*BASE, "monitor.text"},
    "monitor.build_common_pairs": {*BASE, "monitor.text"},
    "monitor.store": {
        *BASE, "monitor.schema", "monitor.holidays", "monitor.incidents", "monitor.stories", "monitor.bursts",
        "monitor.takeoff", "monitor.complaints",
    },
    "sources": BASE,
    "reports": BASE,
    "monitor.work": {*BASE, "monitor.config", "monitor.privacy", "monitor.store", "sources", "reports",
                     *(f"monitor.{stage}" for stage in PURE)},
}  # fmt: skip
MAY_IMPORT["monitor.jobs"] = {*MAY_IMPORT["monitor.work"], "monitor.work"}
MAY_IMPORT["monitor.schedule"] = {*MAY_IMPORT["monitor.jobs"], "monitor.jobs"}
MAY_IMPORT["monitor.rehearsing"] = {*MAY_IMPORT["monitor.jobs"], "monitor.jobs"}
MAY_IMPORT["monitor.demo"] = {*MAY_IMPORT["monitor.schedule"], "monitor.schedule"}
MAY_IMPORT["monitor.cli"] = {*MAY_IMPORT["monitor.demo"], "monitor.demo", "monitor.rehearsing"}
MAY_IMPORT["monitor.__main__"] = {"monitor.cli"}
MAY_IMPORT["monitor"] = set()

FORBIDDEN_IN_PURE = {"sqlite3", "sqlite_utils", "httpx", "socket", "smtplib", "time", "apscheduler", "requests"}


def modules() -> list[tuple[str, Path]]:
    found = []
    for top in OURS:
        for path in sorted((ROOT / top).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found.append((".".join(p for p in parts if p != "__init__"), path))
    return found


def imports(path: Path) -> list[tuple[int, str]]:
    """Every module that a file imports, inside functions too, except under TYPE_CHECKING."""
    tree = ast.parse(path.read_text("utf-8"))
    hidden = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    found = []
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: a relative import hides its arrow"
            found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
    return found


def room(module: str) -> str:
    """The room a module belongs to: the longest name the rules know."""
    known = [name for name in MAY_IMPORT if module == name or module.startswith(name + ".")]
    assert known, f"{module} is in no room of the architecture"
    return max(known, key=len)


@pytest.mark.parametrize(("module", "path"), modules(), ids=lambda value: value if isinstance(value, str) else "")
def test_arrows_only_point_down(module: str, path: Path) -> None:
    own = room(module)
    for line, name in imports(path):
        if name.split(".")[0] not in OURS:
            continue
        target = room(name)
        assert target == own or target in MAY_IMPORT[own], f"{path.name}:{line}: {own} must not know {name}"


@pytest.mark.parametrize("stage", PURE)
def test_pure_stages_never_see_database_clock_or_network(stage: str) -> None:
    for module, path in modules():
        if room(module) != f"monitor.{stage}":
            continue
        found = {name.split(".")[0] for _, name in imports(path)}
        assert not found & FORBIDDEN_IN_PURE, f"{path.name} imports {found & FORBIDDEN_IN_PURE}"
        source = path.read_text("utf-8")
        assert "datetime.now(" not in source, path.name
        assert "time.time(" not in source, path.name


def test_only_the_store_speaks_sql() -> None:
    for module, path in modules():
        if room(module) in ("monitor.store", "monitor.schema", "monitor.demo"):
            continue
        source = path.read_text("utf-8")
        for verb in ("SELECT ", "INSERT INTO ", "DELETE FROM ", "UPDATE posts", ".execute("):
            if (module, verb) == ("reports.evidence", "SELECT "):
                continue  # queries for people: the page shows them, and nothing of ours runs them
            assert verb not in source, f"{path.name} holds {verb!r}"


def test_exactly_one_place_catches_everything() -> None:
    places = []
    for _, path in modules():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ExceptHandler):
                caught = ast.unparse(node.type) if node.type else "BaseException"
                reraises = any(isinstance(n, ast.Raise) and n.exc is None for n in ast.walk(node))
                if {"Exception", "BaseException"} & set(caught.strip("()").split(", ")) and not reraises:
                    places.append(path.name)
    assert places == ["jobs.py"]


def test_help_starts_without_the_heavy_libraries() -> None:
    code = (
        "import sys, contextlib\n"
        "from monitor.cli import cli\n"
        "with contextlib.suppress(SystemExit): cli.main(['--help'])\n"
        "heavy = {'numpy', 'scipy', 'snownlp', 'jinja2'} & set(sys.modules)\n"
        "sys.exit(' '.join(sorted(heavy)) or 0)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr

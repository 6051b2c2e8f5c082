"""Naming: which post and which brand a person means who corrects or denies one."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from sqlite_utils import Database

from monitor.config import Brand
from monitor.errors import UsageError, shown
from monitor.store import brand_names, labels
from monitor.text import fold_text
from monitor.work.app import App


def brand_named(app: App, name: str) -> Brand | None:
    """The brand of this name; else the only one whose name or one of whose terms it is in the other script, another
    case or width."""
    exact = app.config.brand(name)
    if exact is not None:
        return exact
    meant = fold_text(name.strip())
    names = [b for b in app.config.brands if fold_text(b.name) == meant]
    found = names or [b for b in app.config.brands if meant and meant in map(fold_text, b.terms)]
    return found[0] if len(found) == 1 else None


def known_brand(app: App, name: str, what: str = "--brand") -> Brand:
    """The same; UsageError, with a hint, if there is none. ``what``: the argument it was given as."""
    brand = brand_named(app, name)
    if brand is None:
        raise UsageError(f"{what}: {shown(name)} is no brand of {app.config.file}{hint(app, name)}")
    return brand


def stored_brands(app: App, db: Database, name: str) -> list[str]:
    """The names under which a brand is stored: that of the config, and one that was in it, for a brand that was renamed
    keeps under its old name what could not be read again. UsageError if there is none."""
    meant = fold_text(name.strip())
    former = [stored for stored in brand_names(db) if fold_text(stored) == meant]
    if brand_named(app, name) is None and former:
        return former
    return list(dict.fromkeys([known_brand(app, name).name, *former]))


def hint(app: App, name: str) -> str:
    """The brand most like a name, in either script."""
    folded = {fold_text(known): known for known in app.brands}
    close = get_close_matches(fold_text(name), folded, n=1)
    return f'; did you mean "{folded[close[0]]}"?' if close else ""


def the_post(db: Database, name: str) -> int:
    """``name``: see ``labels.find_post``. UsageError if there is no such post."""
    post = labels.find_post(db, name)
    if post is None:
        raise UsageError(f"POST: {shown(name)} is no post here; give its id, its address or platform:id")
    return post


def the_brand(app: App, post: int, brand: str, known: Collection[int]) -> tuple[int, str]:
    """Id and name of the one of the ``known`` brands that is meant: ``brand``, or the only one where that is empty.

    UsageError if it is not among them, or cannot be told.
    """
    names = {identity: name for name, identity in app.brands.items()}
    if not known:
        raise UsageError(f"POST: post {post} mentions none of the watched brands")
    mentioned = ", ".join(names.get(i, f"brand {i}") for i in sorted(known))
    if not brand and len(known) > 1:
        raise UsageError(f"--brand: post {post} mentions {mentioned}; say which one is meant")
    identity = app.brands[known_brand(app, brand).name] if brand else next(iter(known))
    if identity not in known:
        raise UsageError(f"--brand: post {post} does not mention {names.get(identity, brand)}, but {mentioned}")
    return identity, names.get(identity, f"brand {identity}")

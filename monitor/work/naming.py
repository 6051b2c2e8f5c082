"""Naming: which post and which brand a person means who corrects or denies one."""

from __future__ import annotations

from collections.abc import Collection

from sqlite_utils import Database

from monitor.errors import UsageError, nearest, shown
from monitor.store import labels
from monitor.work.app import App


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
    identity = app.brands.get(brand) if brand else next(iter(known))
    if identity is None:
        raise UsageError(f"--brand: {shown(brand)} is no brand of {app.config.file}{nearest(brand, app.brands)}")
    if identity not in known:
        raise UsageError(f"--brand: post {post} does not mention {brand}, but {mentioned}")
    return identity, names.get(identity, f"brand {identity}")

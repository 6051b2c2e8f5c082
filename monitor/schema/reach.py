"""Looks at posts by when they were made, so that those of a quarter of an hour are found without asking every post."""

from __future__ import annotations

LOOKS_BY_TIME = ("CREATE INDEX engagement_by_time ON engagement (seen_at)",)

"""Every kind and shipped theme has a name in each language; a theme of the user's own keeps his."""

from __future__ import annotations

import pytest

from monitor.model import Feeling
from monitor.signals import shipped
from reports.feeling_names import feeling_name, theme_name
from reports.language import LOCALES, language


@pytest.mark.parametrize("code", LOCALES)
def test_names(code: str) -> None:
    words = language(code)
    kinds = [feeling_name(kind, words) for kind in Feeling]
    themes = {theme for kind in Feeling for theme in shipped().themes(kind) if theme}
    names = [theme_name(theme, words) for theme in sorted(themes)]
    assert len(set(kinds)) == len(Feeling)
    assert len(set(names)) == len(themes)
    assert not set(names) & themes
    assert theme_name("停車", words) == "停車"

"""HTML documents that need no other file: data, style and scripts inside. Knows no report."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

WEB = Path(__file__).parent / "web"


def page(title: str, data: Mapping[str, Any], scripts: Sequence[str]) -> str:
    """A document that draws `data`, JSON-ready without NaN, with the scripts of the folder `web`.

    `<` in the data is escaped, so that no text can end an element.
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    code = "\n".join((WEB / name).read_text(encoding="utf-8") for name in scripts)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="data:,">'
        f'<style>{style()}</style></head><body><main id="main"></main><noscript>This page draws its numbers with '
        f'JavaScript.</noscript><script type="application/json" id="data">{text}</script><script>{code}</script>'
        "</body></html>\n"
    )


@functools.cache
def style() -> str:
    """The style sheet of all pages; light unless the root element says `data-theme="dark"`."""
    return (WEB / "style.css").read_text(encoding="utf-8")

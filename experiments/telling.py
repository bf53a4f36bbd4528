"""Where a benchmark's tables go: a Markdown file, the numbers beside it as JSON, and the terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vla.results import write_json


def tell(text: str, found: Mapping[str, Any], out: Path, *, as_json: bool) -> None:
    """Write `text` to `out` and `found` beside it; print the text, and with `as_json` the numbers on the last line."""
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
    write_json(out.with_suffix(".json"), found)
    print(text)
    if as_json:
        print(json.dumps(found))

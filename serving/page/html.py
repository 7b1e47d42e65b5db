"""Pages as HTML: templates that escape everything, and the headers that every page carries."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from vipreco.documents import Holds, safe, shown
from vipreco.lists import chance_text, evidence_text, full_name

FOLDER: Final = Path(str(files("serving.page")))
STATIC: Final = FOLDER / "static"
PLACE: Final = re.compile(r"\{\w+\}")
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def page(template: str, values: Mapping[str, Any], status: int = 200) -> HTMLResponse:
    """Return a template filled with values; text in them stays text, whatever it holds."""
    content = _environment().get_template(template).render({"stamp": stamp(), **values})
    return HTMLResponse(content, status, dict(HEADERS))


def make_ready() -> None:
    """Read all templates, so that nobody waits for it later."""
    for name in _environment().list_templates():
        _environment().get_template(name)


@cache
def stamp() -> str:
    """Return a name of the static files' content, so that a browser may keep them until they change."""
    parts = [path.read_bytes() for path in sorted(STATIC.iterdir())]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:12]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalized,
        auto_reload=False,
    )
    environment.filters.update(number=_number, count=_count, rate=_rate, day=_day, month=_month)
    environment.filters.update(pretty=_pretty, open_places=_open_places)
    environment.filters.update(chance=chance_text, evidence=evidence_text, full_name=full_name)
    return environment


def _finalized(value: object) -> object:
    """Return text without signs that would turn the direction of what stands beside it."""
    return safe(value) if type(value) is str else "" if value is None else value


def _number(value: float | None) -> str:
    return shown(value, Holds.AMOUNT)


def _count(value: int | None) -> str:
    return shown(value, Holds.COUNT)


def _rate(value: float | None) -> str:
    return shown(value, Holds.RATE)


def _day(value: date | None) -> str:
    return shown(value, Holds.DATE)


def _open_places(text: str) -> str:
    """Return the text of a rule with a dot for each fact that a customer's row would fill in.

    >>> _open_places("not offered by {context_channel}")
    'not offered by …'
    """
    return PLACE.sub("…", text).replace("….", "…")


def _pretty(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _month(value: date) -> str:
    return value.isoformat()[:7]

"""Purposes of requests that the audit names: what an assistant reads for a person."""

from __future__ import annotations

from typing import Final

from serving.http.operation import HttpRequest
from vipreco.store import Event

CHANNEL_HEADER: Final = "vipreco-channel"
ASSISTANT: Final = "assistant"


def with_purpose(request: HttpRequest, event: Event) -> Event:
    """Return an audit record with the channel of the request, where it is an assistant's."""
    is_assistant = request.http.headers.get(CHANNEL_HEADER) == ASSISTANT
    return event._replace(purpose=ASSISTANT) if is_assistant else event

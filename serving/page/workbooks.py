"""The call list and the sheet as spreadsheets: the same documents that the command line writes."""

from __future__ import annotations

import io
from typing import Final

from serving.page.cache import alone
from serving.page.page_service import PageService
from vipreco.documents import Document, write_document
from vipreco.lists import call_list_document, sheet_document
from vipreco.store import Member

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def list_workbook(desk: PageService) -> bytes:
    """Return the call list of the reader."""
    manager = desk.scope.manager_id or ""
    plan = desk.plan
    with alone(desk.state):
        return _workbook(call_list_document(plan, manager, desk.answers.model_version, desk.say))


def sheet_workbook(desk: PageService, member: Member) -> bytes:
    """Return the sheet of a customer."""
    day = desk.customer(member)
    with alone(desk.state):
        return _workbook(sheet_document(day, desk.answers.model_version, desk.say))


def _workbook(document: Document) -> bytes:
    stream = io.BytesIO()
    write_document(document, stream, "xlsx")
    return stream.getvalue()

"""The call list and the sheet as spreadsheets: the same documents that the command line writes."""

from __future__ import annotations

import io

from serving.workspace.book_service import BookService
from vipreco.documents import Document, write_document
from vipreco.lists import book_document, call_list_document, sheet_document
from vipreco.store import Member


def list_workbook(service: BookService) -> bytes:
    """Return the call list of the reader."""
    return _workbook(call_list_document(service.call_list(), service.say, service.people))


def sheet_workbook(service: BookService, member: Member) -> bytes:
    """Return the sheet of a customer."""
    person = service.people.get(member.customer_id)
    return _workbook(sheet_document(service.sheet(member), service.say, person))


def book_workbook(service: BookService) -> bytes:
    """Return the whole book of the reader."""
    manager, day = service.scope.manager_id or "", service.plan.date
    return _workbook(book_document(service.book_lines(), manager, day, service.say, service.people))


def _workbook(document: Document) -> bytes:
    stream = io.BytesIO()
    write_document(document, stream, "xlsx")
    return stream.getvalue()

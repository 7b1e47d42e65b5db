"""Documents that people print: one description, and the same content as XLSX, PDF, JSON or CSV."""

from vipreco.printing.document import Column, Document, Holds, Part, shown
from vipreco.printing.writing import PRINT_FORMATS, write_document

__all__ = ["PRINT_FORMATS", "Column", "Document", "Holds", "Part", "shown", "write_document"]

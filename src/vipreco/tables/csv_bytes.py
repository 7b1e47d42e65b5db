"""Encodings of CSV files: their names, strict decoding, and copies that can be scanned byte by byte."""

from __future__ import annotations

import codecs
import tempfile
from pathlib import Path

from vipreco.errors import InputRejectedError, UsageError


def decodes(content: bytes, encoding: str) -> bool:
    """Return whether bytes are text of an encoding, up to a character that is cut at the end."""
    try:
        codecs.getincrementaldecoder(encoding)().decode(content, final=False)
    except UnicodeDecodeError:
        return False
    return True


def looks_utf16(start: bytes) -> bool:
    """Return whether a file begins like UTF-16."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return True
    return len(start) > 3 and (not any(start[1:200:2]) or not any(start[0:200:2]))


def known_encoding(name: str, path: Path) -> str:
    """Return the usual name of an encoding.

    Raises:
        UsageError: There is no such encoding.
    """
    try:
        return codecs.lookup(name).name
    except LookupError as error:
        raise UsageError(f"unknown encoding {name!r}", where=str(path), code="encoding-name") from error


def delimiter_byte(delimiter: str, path: Path) -> int:
    """Return the byte of a delimiter.

    Raises:
        UsageError: It cannot be one.
    """
    if not delimiter.isascii() or delimiter in '"\r\n':
        raise UsageError(f"{delimiter!r} cannot be a delimiter", where=str(path), code="delimiter")
    return ord(delimiter)


def utf8_copy(path: Path, encoding: str, spool: Path | None) -> Path:
    """Write a UTF-8 copy of `path`, strictly.

    Raises:
        InputRejectedError: The file is not in that encoding.
    """
    target = Path(tempfile.mkdtemp(dir=spool)) / path.name
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as source, target.open("wb") as copy:
            while piece := source.read(1 << 20):
                copy.write(decoder.decode(piece).removeprefix("\ufeff").encode())
            copy.write(decoder.decode(b"", final=True).encode())
    except UnicodeError as error:
        raise InputRejectedError(
            f"is not {encoding} text", where=str(path), remedy="declare its encoding", code="encoding"
        ) from error
    return target


def reencoded(line: bytes, encoding: str, *, first: bool) -> bytes:
    """Return a line in the encoding of its file; unchanged without one."""
    if not encoding:
        return line + b"\n"
    text = line.decode() + "\n"
    encoded = text.encode(encoding)
    # utf-16 without a byte order writes a mark each time; one at the start is enough
    mark = codecs.BOM_UTF16 if codecs.lookup(encoding).name == "utf-16" else b""
    return encoded if first else encoded.removeprefix(mark)

"""Documents as PDF, A4 landscape, headings repeated on every page, the same bytes for the same content.

Latin text is set in Helvetica, which every reader has, Chinese in Droid Sans Fallback (Apache License 2.0,
`fonts/`), of which the file carries the signs that it needs: a machine without a Chinese font shows all text.
Signs beyond both, in rare names, name the font STSong-Light, for which a reader puts one of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import groupby
from typing import Any, BinaryIO
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import LongTable, Paragraph, SimpleDocTemplate, Spacer, TableStyle

from vipreco.documents.document import Column, Document, Holds, Language, Part, shown

LATIN, CHINESE, RARE = "Helvetica", "DroidSansFallback", "STSong-Light"
MARGIN = 12 * mm
RIGHT_ALIGNED = 2
RIGHT = {Holds.COUNT, Holds.AMOUNT, Holds.RATE}
GRID = TableStyle(
    [
        ("GRID", (0, 0), (-1, -1), 0.3, colors.grey),
        ("BACKGROUND", (0, 0), (-1, 0), colors.Color(0.9, 0.9, 0.9)),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 2),
        ("RIGHTPADDING", (0, 0), (-1, -1), 2),
        ("TOPPADDING", (0, 0), (-1, -1), 1),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
    ]
)


def write_pdf(document: Document, stream: BinaryIO) -> None:
    """Write the parts one below the other."""
    _register_fonts()
    paper = SimpleDocTemplate(
        stream,
        pagesize=landscape(A4),
        title=document.title,
        invariant=1,
        **dict.fromkeys(("leftMargin", "rightMargin", "topMargin", "bottomMargin"), MARGIN),
    )
    story: list[Any] = [_line(document.title, _style(13, 5))]
    story += [_line(line, _style(9, 2)) for line in document.about]
    for part in document.parts:
        story += [Spacer(1, 4 * mm), *_part(part, document.language, paper.width)]
    number = _numbering(document)
    paper.build(story, onFirstPage=number, onLaterPages=number)


def _part(part: Part, language: Language, width: float) -> list[Any]:
    note = part.line_below(language)
    lines = [_line(part.title, _style(11, 3))] + ([_line(note, _style(8, 3))] if note else [])
    if part.rows.is_empty():
        return lines
    head = [_line(column.title, _style(8)) for column in part.columns]
    cells = [_column(column, part) for column in part.columns]
    total = sum(column.width for column in part.columns)
    widths = [width * column.width / total for column in part.columns]
    return [*lines, LongTable([head, *zip(*cells, strict=True)], colWidths=widths, repeatRows=1, style=GRID)]


def _column(column: Column, part: Part) -> list[Paragraph]:
    style = _style(8, alignment=RIGHT_ALIGNED if column.holds in RIGHT else 0)
    return [_line(shown(value, column.holds), style) for value in part.rows[column.name].to_list()]


def _line(text: str, style: ParagraphStyle) -> Paragraph:
    parts = (
        escape(part).replace("\n", "<br/>") if font == LATIN else f'<font name="{font}">{escape(part)}</font>'
        for font, part in _runs(text)
    )
    return Paragraph("".join(parts), style)


def _runs(text: str) -> Iterator[tuple[str, str]]:
    """Give the parts of a text, each with the font that has its signs."""
    chinese = pdfmetrics.getFont(CHINESE).face.charToGlyph

    def font(sign: str) -> str:
        if sign.isascii() or ("\xa0" <= sign <= "\xff"):
            return LATIN
        return CHINESE if ord(sign) in chinese else RARE

    for name, signs in groupby(text, font):
        yield name, "".join(signs)


@cache  # parsing the font takes a quarter of a second
def _register_fonts() -> None:
    pdfmetrics.registerFont(TTFont(CHINESE, str(files("vipreco.documents") / "fonts" / f"{CHINESE}.ttf")))
    pdfmetrics.registerFont(UnicodeCIDFont(RARE))


def _style(size: int, after: int = 0, alignment: int = 0) -> ParagraphStyle:
    return ParagraphStyle(
        f"size {size}",
        fontName=LATIN,
        fontSize=size,
        leading=size * 1.25,
        spaceAfter=after,
        alignment=alignment,
        wordWrap="CJK",
    )


def _numbering(document: Document) -> Any:
    def draw(canvas: Canvas, paper: SimpleDocTemplate) -> None:
        width = paper.pagesize[0] - 2 * MARGIN
        for text, side in ((document.title, 0), (document.page.format(number=paper.page), RIGHT_ALIGNED)):
            line = _line(text, _style(7, alignment=side))
            line.wrapOn(canvas, width, MARGIN)
            line.drawOn(canvas, MARGIN, MARGIN / 2)

    return draw

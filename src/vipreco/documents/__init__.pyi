from .chart_style import CHART_COLOURS as CHART_COLOURS, CHART_STYLE as CHART_STYLE
from .document import (
    Column as Column,
    Document as Document,
    Holds as Holds,
    Language as Language,
    Part as Part,
    safe as safe,
    shown as shown,
)
from .formats import write_document as write_document
from .inline_charts import chart_axes as chart_axes, chart_uri as chart_uri
from .reader_forms import money as money, spoken_date as spoken_date, unit_of as unit_of
from .text_lines import text_width as text_width
from .xlsx import A4 as A4, FONTS as FONTS

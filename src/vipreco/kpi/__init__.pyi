from .definitions import (
    FIGURES as FIGURES,
    GROUPS as GROUPS,
    Each as Each,
    Figure as Figure,
    Shows as Shows,
    figure_named as figure_named,
)
from .figure_list import (
    FLOWS as FLOWS,
    customer_flows as customer_flows,
    customer_list as customer_list,
)
from .figure_parts import FigureRequest as FigureRequest, figures_in_parts as figures_in_parts
from .model_rows import ModelFigures as ModelFigures, ModelRows as ModelRows, vip_figures as vip_figures
from .numbers import by_manager as by_manager, measures as measures
from .overview import (
    definitions_document as definitions_document,
    figure_document as figure_document,
    overview_document as overview_document,
)
from .rows import (
    FigureInputs as FigureInputs,
    FigureRows as FigureRows,
    check_scope as check_scope,
    figure_rows as figure_rows,
    part_figures as part_figures,
)
from .stored_rows import read_rows as read_rows, save_facts as save_facts, save_part as save_part
from .texts import (
    kpi_texts as kpi_texts,
    limits_text as limits_text,
    number_text as number_text,
    part_text as part_text,
)

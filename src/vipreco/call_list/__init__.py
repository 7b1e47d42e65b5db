"""The call list of a relationship manager, and the sheet of one customer."""

from vipreco.call_list.day import Day, customer_day, plan_day
from vipreco.call_list.listing import call_list_document
from vipreco.call_list.sheet import sheet_document
from vipreco.call_list.wording import Wording

__all__ = ["Day", "Wording", "call_list_document", "customer_day", "plan_day", "sheet_document"]

from .batch_layout import Limits as Limits
from .customer_parts import CustomerParts as CustomerParts, forget_parts as forget_parts, lay_out as lay_out
from .partition import part_name as part_name, part_of as part_of, part_sql as part_sql, parts_of as parts_of
from .storage import Storage as Storage, folder_hash as folder_hash

from .arrays import read_arrays as read_arrays, write_arrays as write_arrays
from .atomic_save import publish as publish, saving as saving, temporary_beside as temporary_beside
from .golden import GOLDEN_ROWS as GOLDEN_ROWS, write_golden as write_golden
from .manifest import (
    LIBRARIES as LIBRARIES,
    Manifest as Manifest,
    sign_artifact as sign_artifact,
    verify as verify,
    verify_signed as verify_signed,
    write_manifest as write_manifest,
)
from .trial import try_in_child as try_in_child

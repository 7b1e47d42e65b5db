from .books import roll_back as roll_back, sync_books as sync_books
from .nightly import (
    Housekeeping as Housekeeping,
    SignedHeads as SignedHeads,
    clean_up as clean_up,
    try_model as try_model,
)
from .nightly_build import NightlyBuild as NightlyBuild, build_release as build_release
from .nightly_parts import BUILD_JOB as BUILD_JOB, EngineFill as EngineFill, PartRequest as PartRequest
from .online_service import DaySettings as DaySettings, OnlineService as OnlineService
from .release import (
    MANIFEST as MANIFEST,
    Releases as Releases,
    read_manifest as read_manifest,
    shown_manifest as shown_manifest,
)
from .shown_sheet import ShownSheet as ShownSheet
from .slates import Slate as Slate, SlateLine as SlateLine

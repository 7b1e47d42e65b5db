from .chances import (
    Basis as Basis,
    ContactEffects as ContactEffects,
    PairChances as PairChances,
    PairEffects as PairEffects,
)
from .effect_fit import learn_effects as learn_effects
from .effect_report import effect_rows as effect_rows, learnt_settings as learnt_settings
from .expectation import Contacted as Contacted, ObservedPairs as ObservedPairs
from .learnt_effects import EffectRow as EffectRow, LearntEffects as LearntEffects
from .response import PastContacts as PastContacts, Response as Response
from .settings import EffectLearning as EffectLearning

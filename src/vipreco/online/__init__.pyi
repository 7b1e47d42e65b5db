from .answering import Answering as Answering, Desk as Desk
from .books import keep_books as keep_books, roll_back as roll_back
from .night import Chores as Chores, tidy as tidy, try_model as try_model
from .preparing import Preparation as Preparation, channels_of as channels_of
from .publication import MANIFEST as MANIFEST, Publications as Publications, read_manifest as read_manifest
from .slates import Line as Line, Slate as Slate

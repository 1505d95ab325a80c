"""The assessment in memory, kept current with the log: `current()` is what pages and API answer from."""

from kybern.server.live._course import course_of, is_drawn
from kybern.server.live._register import register_of
from kybern.server.live._standing import NotReady, Standing, current, forget, standing_if_ready, warm

__all__ = ["NotReady", "Standing", "course_of", "current", "forget", "is_drawn", "register_of", "standing_if_ready", "warm"]

"""Assets over the months as a small drawing: the numbers of an SVG that the template writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

WIDTH, HEIGHT = 320, 120
LEFT, RIGHT, TOP, BOTTOM = 8, 8, 12, 20
HEADROOM = 0.08


@dataclass(frozen=True)
class Mark:
    """A point of the drawing with what it stands for."""

    x: float
    y: float
    day: date
    amount: float


@dataclass(frozen=True)
class Chart:
    """A line of assets by month, with the line of the next tier where it is in reach.

    Args:
        marks: Points from the oldest month to the newest.
        line_y: Height of the line of the next tier; None where there is none, or it lies far above.
        line_amount: Its amount in currency.
    """

    marks: Sequence[Mark]
    line_y: float | None
    line_amount: float | None
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def points(self) -> str:
        """Coordinates as an SVG polyline takes them."""
        return " ".join(f"{mark.x:.1f},{mark.y:.1f}" for mark in self.marks)

    @property
    def area(self) -> str:
        """Coordinates of the area below the line."""
        floor = HEIGHT - BOTTOM
        return f"{self.marks[0].x:.1f},{floor} {self.points} {self.marks[-1].x:.1f},{floor}"

    @property
    def first(self) -> Mark:
        """The oldest month."""
        return self.marks[0]

    @property
    def last(self) -> Mark:
        """The newest month."""
        return self.marks[-1]


def draw(months: Sequence[tuple[date, float | None]], next_line: float | None) -> Chart | None:
    """Return the drawing of assets by month; None for fewer than two known months.

    Args:
        months: Day and assets in currency, oldest first; unknown months are left out of the line.
        next_line: Assets from which on the customer belongs to the next tier. It is drawn while within
            twice the highest assets: above that it would press the line to the floor.
    """
    known = [(day, amount) for day, amount in months if amount is not None]
    if len(known) < 2:
        return None
    most = max(amount for _, amount in known)
    line = next_line if next_line is not None and next_line <= 2 * most else None
    low, high = _bounds([amount for _, amount in known] + ([line] if line is not None else []))
    marks = [
        Mark(_across(place, len(known)), _up(amount, low, high), day, amount)
        for place, (day, amount) in enumerate(known)
    ]
    return Chart(marks, None if line is None else _up(line, low, high), line)


def _bounds(amounts: Sequence[float]) -> tuple[float, float]:
    low, high = min(amounts), max(amounts)
    room = (high - low or abs(high) or 1.0) * HEADROOM
    return max(low - room, 0.0) if low >= 0 else low - room, high + room


def _across(place: int, count: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * place / (count - 1)


def _up(amount: float, low: float, high: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (high - amount) / (high - low)

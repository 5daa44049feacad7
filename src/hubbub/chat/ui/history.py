"""The open place's messages: scrolls back without end, and stays at the newest while one is there."""

from datetime import date
from typing import cast

from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget

from hubbub.chat.state.places import Place
from hubbub.chat.state.rows import NewRow, Row
from hubbub.chat.ui.row_view import RowView, view

NEAR_LINES = 8
"""So far from an end of the window, more is asked for."""


FRAME_SECONDS = 1 / 60
"""Until it is looked again whether what is new was laid out."""


class History(VerticalScroll):
    """Always true, once `show` has returned: it holds a view for each row, in order, and no others."""

    class NearStart(Message):
        pass

    class NearEnd(Message):
        pass

    class Moved(Message):
        """`at_end`: whether the last row is in sight."""

        def __init__(self, *, at_end: bool) -> None:
            super().__init__()
            self.at_end = at_end

    def __init__(self) -> None:
        super().__init__(id="history")
        self._shown: tuple[Place | None, tuple[Row, ...], date] | None = None
        self._place: Place | None = None
        self.settling = False
        """Whether it may still scroll by itself, for rows that have come or gone."""
        self._held: tuple[RowView, int] | None = None
        self._putting = False
        self._finishing = False
        self._fresh = True

    async def show(self, place: Place | None, rows: tuple[Row, ...], today: date) -> None:
        """`rows` in place of those there were, with what is in sight left where it is."""
        if (place, rows, today) == self._shown:
            return
        self._shown = (place, rows, today)
        if place != self._place:
            self._place = place
            self._fresh = True
            self._held = None
            await self.remove_children()
            self.anchor()
        self.settling = True
        if self._held is None:  # else it was not yet scrolled for the rows before
            self._held = self._steady(rows)
        self._putting = True
        await self._put(rows, today)
        self._putting = False
        if not self._finishing:
            self._finishing = True
            self.call_after_refresh(self._finish)

    def to_end(self) -> None:
        self._held = None
        self.anchor()
        self.scroll_end(animate=False, immediate=True)

    # -- the rows ------------------------------------------------------------

    async def _put(self, rows: tuple[Row, ...], today: date) -> None:
        views = {each.row.key: each for each in self._views()}
        wanted = [row.key for row in rows]
        gone = [each for key, each in views.items() if key not in set(wanted)]
        stay = [key for key in views if key in set(wanted)]
        if stay != [key for key in wanted if key in views]:  # moved among each other: rare, so all anew
            gone, stay, views = list(views.values()), [], {}
        if gone:
            await self.remove_children(gone)
        before: Widget | None = None
        run: list[Widget] = []
        for row in reversed(rows):
            known = views.get(row.key)
            if known is None:
                run.insert(0, view(row, today))
                continue
            known.show(row, today)
            if run:
                await self._mount_run(run, before)
            before, run = known, []
        if run:
            await self._mount_run(run, before)

    async def _mount_run(self, run: list[Widget], before: Widget | None) -> None:
        if before is None:
            await self.mount_all(run)
        else:
            await self.mount_all(run, before=before)

    def _views(self) -> list[RowView]:
        return [cast(RowView, each) for each in self.children]

    # -- where it is ---------------------------------------------------------

    @property
    def at_end(self) -> bool:
        return self.max_scroll_y == 0 or self.scroll_offset.y >= self.max_scroll_y - 1

    def _steady(self, rows: tuple[Row, ...]) -> tuple[RowView, int] | None:
        """A row in sight that stays, and its distance from the top; none where the end is held to."""
        if self.at_end:
            return None
        kept = {row.key for row in rows}
        for each in self._views():
            top = each.virtual_region.y - self.scroll_offset.y
            if top >= 0 and each.row.key in kept:
                return each, top
        return None

    def _finish(self) -> None:
        """Scroll to where it belongs, once every row has its place.

        A refresh may come before the layout that new rows wait for, and the layout is asked for when this has
        nothing left to do: so one waits with a timer, and not by calling oneself after the next refresh.
        """
        if self._putting or not self._laid_out:
            self.set_timer(FRAME_SECONDS, self._finish)
            return
        self._finishing = False
        held, self._held = self._held, None
        if self._fresh and self.children:
            self._fresh = False
            self._begin()
        elif held is not None and held[0].is_attached:
            self._jump(held[0].virtual_region.y - held[1])
        self.call_after_refresh(self._settled)

    @property
    def _laid_out(self) -> bool:
        return not self.is_attached or all(each.virtual_region.height for each in self.children)

    def _begin(self) -> None:
        """At the first unread where it would be out of sight at the end; else at the end."""
        unread = next((each for each in self._views() if isinstance(each.row, NewRow)), None)
        if unread is not None and self.virtual_size.height - unread.virtual_region.y > self.size.height:
            self._jump(unread.virtual_region.y - 1)
        else:
            self.to_end()

    def _jump(self, y: int) -> None:
        self.scroll_to(y=y, animate=False, immediate=True, force=True)

    def _settled(self) -> None:
        if not self._finishing:
            self.settling = False
            self._tell()

    def watch_scroll_y(self, old: float, new: float) -> None:
        super().watch_scroll_y(old, new)
        if not self.settling and round(old) != round(new):
            self._tell()

    def _tell(self) -> None:
        if self._fresh:
            return
        self.post_message(self.Moved(at_end=self.at_end))
        if self.scroll_offset.y <= NEAR_LINES:
            self.post_message(self.NearStart())
        if self.scroll_offset.y >= self.max_scroll_y - NEAR_LINES:
            self.post_message(self.NearEnd())

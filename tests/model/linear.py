"""Whether what clients did at once could have happened one after the other, each at a moment between its
question and its answer.

A log makes that simple: the order is its numbers. So the events are gone through as they stand, each as
early as it may have been stored, and whatever was seen or told has to fit in between.

Moments are counted, not measured: each question and each answer has the next number.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Post:
    user: str
    text: str
    key: str | None
    asked: int
    answered: int | None = None
    """None: nobody knows what became of it."""
    seq: int | None = None
    upon: int | None = None
    """The head it was to be posted upon."""
    refused: str | None = None
    head: int | None = None
    """That it was refused with."""

    def may_be(self, event: dict[str, Any]) -> bool:
        return (self.user, self.text, self.key) == (event["sender"], event["text"], event.get("key"))


@dataclass
class Look:
    """Somebody saw the log end at `head`."""

    head: int
    asked: int
    answered: int


@dataclass
class History:
    posts: list[Post] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    heard: list[tuple[int, int]] = field(default_factory=list)
    """The seq of each event that somebody was told, and when."""

    def faults(self, log: list[dict[str, Any]]) -> list[str]:
        """What cannot be, given the whole `log` as it stands in the end."""
        return [*self._of_the_log(log), *self._of_the_answers(log)] or self._of_the_order(log)

    def _of_the_log(self, log: list[dict[str, Any]]) -> list[str]:
        faults = [] if [e["seq"] for e in log] == list(range(1, len(log) + 1)) else ["the log is not dense"]
        keyed = [(event["sender"], event["key"]) for event in log if "key" in event]
        if len(set(keyed)) < len(keyed):
            faults.append("a key is stored twice")
        for event in log:
            of_it = [post for post in self.posts if post.may_be(event)]
            if not of_it:
                faults.append(f"nobody posted {event}")
        for post in self.posts:
            if post.key is None:
                alike = [other for other in self.posts if other.key is None and other.may_be(_as_event(post))]
                stored = [event for event in log if post.may_be(event)]
                told = {other.seq for other in alike if other.seq is not None}
                if not len(told) <= len(stored) <= sum(other.refused is None for other in alike):
                    faults.append(f"{post} is stored {len(stored)} times")
        unkeyed = [post.seq for post in self.posts if post.key is None and post.seq is not None]
        if len(set(unkeyed)) < len(unkeyed):
            faults.append("two posts were acknowledged with one number")
        return faults

    def _of_the_answers(self, log: list[dict[str, Any]]) -> list[str]:
        faults = []
        for post in self.posts:
            if post.seq is not None and not (0 < post.seq <= len(log) and post.may_be(log[post.seq - 1])):
                faults.append(f"{post} is not what stands there")
            if post.refused == "head-moved" and post.head == post.upon:
                faults.append(f"{post} was refused though the head was right")
            if post.refused == "key-reused":
                used = [e for e in log if (e["sender"], e.get("key")) == (post.user, post.key)]
                if not used or used[0]["text"] == post.text:
                    faults.append(f"{post} was refused though its key was free")
        return faults

    def _of_the_order(self, log: list[dict[str, Any]]) -> list[str]:
        """Each event as early as may be; then everybody who saw the log end with it, before the next."""
        looks = [*self.looks]
        looks += [
            Look(post.head or 0, post.asked, post.answered or 0)
            for post in self.posts
            if post.refused == "head-moved"
        ]
        now, stored_at = 0, {}
        for seq in range(len(log) + 1):
            if seq:
                event = log[seq - 1]
                now = max(now, min(post.asked for post in self.posts if post.may_be(event)))
                stored_at[seq] = now
                told = [post.answered for post in self.posts if post.seq == seq and post.answered is not None]
                told += [at for heard, at in self.heard if heard == seq]
                if told and now > min(told):
                    return [f"{event} was told at {min(told)} and cannot have been stored before {now}"]
                if self._upon_another(seq, event):
                    return [f"{event} was posted upon another head"]
            stored = now
            for look in (each for each in looks if each.head == seq):
                if stored > look.answered:
                    return [f"the log was seen to end at {seq} at {look.answered}, and not before {stored}"]
                now = max(now, look.asked)  # which the next event comes after
        if any(look.head > len(log) for look in looks):
            return ["the log was seen to be longer than it is"]
        for post in self.posts:
            if post.refused == "key-reused":
                seq = next(e["seq"] for e in log if (e["sender"], e.get("key")) == (post.user, post.key))
                if stored_at[seq] > (post.answered or 0):
                    return [f"{post} was refused for what was not there yet"]
        return []

    def _upon_another(self, seq: int, event: dict[str, Any]) -> bool:
        """No post that may be this event was to be posted upon what stands before it."""
        upon = {post.upon for post in self.posts if post.may_be(event)}
        return None not in upon and seq - 1 not in upon


def _as_event(post: Post) -> dict[str, Any]:
    return {"sender": post.user, "text": post.text} | ({} if post.key is None else {"key": post.key})

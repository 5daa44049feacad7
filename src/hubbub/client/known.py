"""What a client does not know: a newer server may say more, and the protocol has that passed over."""

from typing import TypeVar, get_args

import msgspec

from hubbub.protocol.frames import ServerFrame

Frame = TypeVar("Frame")


class _Typed(msgspec.Struct, frozen=True):
    type: str


_TYPES = {kind.__struct_config__.tag for kind in get_args(ServerFrame)}
_typed = msgspec.json.Decoder(_Typed)


def known(decoder: msgspec.json.Decoder[Frame], text: bytes | str) -> Frame | None:
    """What `text` says; None when it is of a type that nobody knew when this was written.

    Raises DecodeError, UnicodeDecodeError for what is no frame.
    """
    try:
        return decoder.decode(text)
    except msgspec.ValidationError:
        if _typed.decode(text).type in _TYPES:
            raise
        return None

"""What PostgreSQL takes for a text. Pure."""


def is_storable(text: str) -> bool:
    """Whether the database can hold it: no text there has half of a surrogate pair, or a NUL."""
    if "\0" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

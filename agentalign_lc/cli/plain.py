"""Text from elsewhere, safe for a terminal: nothing in it moves the cursor or turns the line round."""

import re
import unicodedata

__all__ = ["plain"]

_TURNING = "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_UNSAFE = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_TURNING}\ud800-\udfff]")


def plain(text: str) -> str:
    r"""Replace what a terminal would obey by something to look at.

    New lines and tabs stay.

    Example:
        >>> plain("\x1b[31mred"), plain("a\u202eb")
        ('␛[31mred', 'a<U+202E>b')
    """
    return _UNSAFE.sub(_shown, text)


def _shown(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)  # the control pictures
    return f"<U+{code:04X}>" if unicodedata.category(match[0]) != "Cc" else f"<{code:02X}>"

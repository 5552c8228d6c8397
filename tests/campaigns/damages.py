"""Ways to damage the bytes of a file: each takes them and a source of chance, and returns others."""

import random


def flip_bit(content: bytes, chance: random.Random) -> bytes:
    """One bit."""
    place = chance.randrange(max(1, len(content)))
    return content[:place] + bytes([content[place] ^ 1 << chance.randrange(8)]) + content[place + 1 :]


def truncate(content: bytes, chance: random.Random) -> bytes:
    """The end is lost."""
    return content[: chance.randrange(len(content))]


def empty(content: bytes, chance: random.Random) -> bytes:
    """Nothing left."""
    return b""


def insert(content: bytes, chance: random.Random) -> bytes:
    """A few bytes that mean something to somebody."""
    place = chance.randrange(len(content))
    piece = chance.choice(
        [b"\0", b'"', b",", b"\n", b"\r", b"\xff", b"\xef\xbb\xbf", b"-1", b"nan", b"{", b"9" * 30]
    )
    return content[:place] + piece + content[place:]


def cut_out(content: bytes, chance: random.Random) -> bytes:
    """A piece is missing."""
    start = chance.randrange(len(content))
    return content[:start] + content[start + chance.randint(1, 40) :]


def overwrite(content: bytes, chance: random.Random) -> bytes:
    """A piece is noise."""
    start = chance.randrange(len(content))
    noise = chance.randbytes(chance.randint(1, 40))
    return content[:start] + noise + content[start + len(noise) :]


def _lines(content: bytes) -> list[bytes]:
    return content.splitlines(keepends=True)


def drop_line(content: bytes, chance: random.Random) -> bytes:
    """A line is missing."""
    lines = _lines(content)
    lines.pop(chance.randrange(len(lines)))
    return b"".join(lines)


def double_line(content: bytes, chance: random.Random) -> bytes:
    """A line stands twice."""
    lines = _lines(content)
    place = chance.randrange(len(lines))
    return b"".join([*lines[: place + 1], *lines[place:]])


def swap_lines(content: bytes, chance: random.Random) -> bytes:
    """Two lines change places."""
    lines = _lines(content)
    left, right = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[left], lines[right] = lines[right], lines[left]
    return b"".join(lines)


def shuffle_lines(content: bytes, chance: random.Random) -> bytes:
    """All lines but the first are in another order."""
    first, *rest = _lines(content)
    chance.shuffle(rest)
    return b"".join([first, *rest])


def change_digit(content: bytes, chance: random.Random) -> bytes:
    """A digit is another one."""
    places = [place for place, byte in enumerate(content) if chr(byte).isdecimal()]
    place = chance.choice(places)
    return content[:place] + str(chance.randrange(10)).encode() + content[place + 1 :]


def rename_column(content: bytes, chance: random.Random) -> bytes:
    """A letter of the first line changes."""
    place = chance.randrange(len(_lines(content)[0]))
    return content[:place] + bytes([chance.randrange(97, 123)]) + content[place + 1 :]


def crlf(content: bytes, chance: random.Random) -> bytes:
    """Lines end as on Windows."""
    return content.replace(b"\n", b"\r\n")


def other_encoding(content: bytes, chance: random.Random) -> bytes:
    """UTF-16, Latin-1, or a byte order mark."""
    encoding = chance.choice(["utf-16", "utf-16-le", "latin-1", "utf-8-sig"])
    return content.decode().encode(encoding, errors="replace")


def remove(content: bytes, chance: random.Random) -> None:
    """The file is missing, or a folder stands in its place."""
    return


BYTES = (flip_bit, truncate, empty, insert, cut_out, overwrite)
LINES = (drop_line, double_line, swap_lines, shuffle_lines, change_digit, rename_column)
WHOLE = (crlf, other_encoding, remove)

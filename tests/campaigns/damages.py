"""Ways to damage the bytes of a file: each takes them and a source of chance, and returns others."""

import json
import random
import struct


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

FORGED = (
    None,
    True,
    0,
    -1,
    1.5,
    10**18,
    10**40,
    "",
    "x",
    "0.5",
    "\0",
    [],
    {},
    [1],
    {"a": 1},
    {"0": []},
    "[CLS]",
)


def forged(content: bytes, chance: random.Random) -> tuple[bytes, str]:
    """Replace, remove or add a value somewhere in a JSON text; returns the text, and what was done."""
    whole = {"": json.loads(content)}
    part, name = whole, ""
    while isinstance(part[name], dict | list) and part[name] and (part is whole or chance.random() < 0.8):
        part = part[name]
        name = chance.choice(list(part) if isinstance(part, dict) else range(len(part)))
    value = chance.choice(FORGED)
    if isinstance(part[name], int | float) and chance.random() < 0.5:
        value = part[name] * chance.choice((2, 0.5, -1, 100)) + chance.choice((0, 1))
    if isinstance(part, dict) and chance.random() < 0.15 and part is not whole:
        del part[name]
        return json.dumps(whole[""]).encode(), f"{name} was removed"
    part[name] = value
    return json.dumps(whole[""]).encode(), f"{name} is {value!r:.40}"


def forged_tensors(content: bytes, chance: random.Random) -> tuple[bytes, str]:
    """Change the header of a safetensors file, or some of its numbers; returns the file, and what was done."""
    start = 8 + int.from_bytes(content[:8], "little")
    if chance.random() < 0.4:
        place = start + 4 * chance.randrange((len(content) - start) // 4)
        number = chance.choice((float("nan"), float("inf"), -float("inf"), 3e38, -3e38, 1e-45))
        count = chance.choice((1, 1, 4, 64))
        piece = (struct.pack("<f", number) * count)[: len(content) - place]
        return content[:place] + piece + content[place + len(piece) :], f"{count} numbers are {number}"
    header = json.loads(content[8:start])
    name = chance.choice([name for name in header if name != "__metadata__"])
    tensor = header[name]
    shape, (first, last) = tensor["shape"], tensor["data_offsets"]
    change = chance.randrange(9)
    if change == 0:
        tensor["shape"] = shape[::-1]
    elif change == 1:
        tensor["shape"] = [*shape, 1]
    elif change == 2 and shape and shape[0] > 1:  # fewer rows
        rows = chance.randrange(1, shape[0])
        tensor["shape"] = [rows, *shape[1:]]
        tensor["data_offsets"] = [first, first + (last - first) // shape[0] * rows]
    elif change == 3:
        tensor["data_offsets"] = [place + chance.choice((-4, 4, 1, 10**6)) for place in (first, last)]
    elif change == 4:
        tensor["data_offsets"] = chance.choice(
            ([last, first], [-8, -4], [0, 0], [10**30, 10**30 + 4], [0.0, 4.0])
        )
    elif change == 5:
        tensor["dtype"] = chance.choice(("F16", "I32", "BF16", "F64", ""))
    elif change == 6:
        header[chance.choice(list(header))] = header.pop(name)
    elif change == 7:
        tensor["shape"] = chance.choice(([-1], [0], [], [10**30], [1, 2, 3], [2**32, 2**32]))
    else:
        changed, told = forged(json.dumps(header).encode(), chance)
        return len(changed).to_bytes(8, "little") + changed + content[start:], f"header: {told}"
    changed = json.dumps(header).encode()
    return len(changed).to_bytes(8, "little") + changed + content[
        start:
    ], f"header: {name} is {header.get(name)}"

"""Makes a screenshot small: 256 colours are enough for a page of text.

Chromium writes 24 bits for each pixel. A page has a few colours and the shades between
them, at the edges of its letters; shades that no eye can tell apart become one here.
The format: the PNG specification of the W3C, third edition.
"""

import struct
import zlib
from collections import Counter
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
TRUE_COLOUR, PALETTE = 2, 3
MOST_COLOURS = 256
# How near two shades of red, green and blue are that may become one, at first.
NEAR = 8


def size(png: bytes) -> tuple[int, int]:
    """Width and height of a picture, in its own pixels."""
    return struct.unpack(">II", png[16:24])


def shrink(png: bytes) -> bytes:
    """The picture with a palette. `png` has 8 bits each of red, green and blue.

    The most frequent shade stands for those near it, so that areas keep their colour.
    Raises ValueError for any other kind of picture.
    """
    width, height = size(png)
    rows = list(_rows(png))
    pixels = [[row[at : at + 3] for at in range(0, len(row), 3)] for row in rows]
    counts = Counter(pixel for row in pixels for pixel in row)
    nearest = _merge(counts)
    palette = sorted(set(nearest.values()))
    numbers = {pixel: palette.index(one) for pixel, one in nearest.items()}
    data = b"".join(b"\0" + bytes(map(numbers.__getitem__, row)) for row in pixels)
    head = struct.pack(">IIBBBBB", width, height, 8, PALETTE, 0, 0, 0)
    return SIGNATURE + b"".join(
        [
            _chunk(b"IHDR", head),
            _chunk(b"PLTE", b"".join(palette)),
            _chunk(b"IDAT", zlib.compress(data, 9)),
            _chunk(b"IEND", b""),
        ]
    )


def _merge(counts: Counter[bytes]) -> dict[bytes, bytes]:
    """For each colour the one that stands for it, of at most 256."""
    near = NEAR
    while True:
        chosen: dict[tuple[int, ...], bytes] = {}
        nearest = {
            colour: chosen.setdefault(tuple(part // near for part in colour), colour)
            for colour, _ in counts.most_common()
        }
        if len(chosen) <= MOST_COLOURS:
            return nearest
        near += NEAR // 2


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


def _rows(png: bytes) -> Iterator[bytes]:
    """The rows of a picture of true colour, three bytes a pixel, from the top."""
    width, height = size(png)
    if png[:8] != SIGNATURE or png[24:29] != bytes([8, TRUE_COLOUR, 0, 0, 0]):
        raise ValueError("This is no PNG of 24 bits a pixel.")
    packed, at = b"", 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            packed += png[at + 8 : at + 8 + length]
        at += length + 12
    data = zlib.decompress(packed)
    above = bytes(3 * width)
    for start in range(0, height * (3 * width + 1), 3 * width + 1):
        kind, row = data[start], bytearray(data[start + 1 : start + 1 + 3 * width])
        above = _unfilter(kind, row, above)
        yield above


def _unfilter(kind: int, row: bytearray, above: bytes) -> bytes:
    """A row as it was before a filter made its bytes small (specification, 9.2).

    Each byte has been told as what it has more than a guess from its neighbours.
    """
    if kind == 0:
        return bytes(row)
    if kind == 2:
        return bytes(map(_sum, row, above))
    left, corner = bytes(3), bytes(3)
    for at in range(0, len(row), 3):
        up = above[at : at + 3]
        if kind == 1 or (kind == 4 and left == up == corner):
            guess = left
        elif kind == 3:
            guess = bytes((a + b) // 2 for a, b in zip(left, up, strict=True))
        else:
            guess = bytes(map(_paeth, left, up, corner))
        left = row[at : at + 3] = bytes(map(_sum, row[at : at + 3], guess))
        corner = up
    return bytes(row)


def _sum(more: int, guess: int) -> int:
    return (more + guess) & 255


def _paeth(left: int, up: int, corner: int) -> int:
    """The neighbour that is nearest to left + up - corner (specification, 9.4)."""
    a, b, c = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
    if a <= b and a <= c:
        return left
    return up if b <= c else corner

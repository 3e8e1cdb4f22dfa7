"""Reduces a screenshot to 256 colours, which are enough for a page of text."""

import io

from PIL import Image

COLOURS = 256


def shrink(png: bytes) -> bytes:
    """Compress the screenshot `png` with a palette of at most 256 colours."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    small = picture.quantize(COLOURS, dither=Image.Dither.NONE)
    result = io.BytesIO()
    small.save(result, "PNG", optimize=True)
    return result.getvalue()

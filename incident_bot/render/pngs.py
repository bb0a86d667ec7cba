"""A drawing as a PNG, for places that show no SVG. Needs the extra `pdf`, which brings its own fonts."""

from __future__ import annotations

from typing import Final

try:
    import typst
except ImportError:  # The extra is not installed: everything but the PNG works.
    typst = None  # type: ignore[assignment]  # a module or nothing

MISSING: Final = 'PNG needs the extra "pdf": install incident-bot[pdf], or take the SVG'
PIXELS_PER_INCH: Final = 144.0
_PAGE: Final = b"""#set page(width: auto, height: auto, margin: 0pt)
#image(bytes(sys.inputs.svg), format: "svg")
"""


class NoPicture(Exception):
    """There is no PNG; the text says why."""


def png(svg: str) -> bytes:
    """Give a drawing as a PNG at twice its size; raises NoPicture."""
    if typst is None:
        raise NoPicture(MISSING)
    try:
        made = typst.compile(_PAGE, sys_inputs={"svg": svg}, format="png", ppi=PIXELS_PER_INCH)
    except (RuntimeError, ValueError) as error:
        raise NoPicture(f"the PNG could not be drawn: {str(error)[:200]}") from error
    if not isinstance(made, bytes):
        raise NoPicture("the PNG could not be drawn: it is no single page")
    return made

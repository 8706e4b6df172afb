"""Text and data on their way into a page: a run may hold any words, and none is taken for markup.

HTML is written as ``Markup("<p>{}</p>").format(text)``, which escapes what is not Markup itself.
"""

from __future__ import annotations

import json
import re
from typing import Any

from markupsafe import Markup

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


class ScriptJSON(json.JSONEncoder):
    """JSON for a script element: without ``<``, nothing in it opens or closes anything."""

    def encode(self, o: Any) -> str:
        return super().encode(o).replace("<", "\\u003c")


def script(value: Any) -> Markup:
    """A script element that holds ``value`` as JSON.

    Raises
    ------
    ValueError
        For NaN and infinities, which JSON does not know.
    """
    data = json.dumps(value, cls=ScriptJSON, separators=(",", ":"), allow_nan=False)
    return Markup('<script type="application/json">{}</script>').format(Markup(data))


def markdown(text: str) -> str:
    """Markdown that shows ``text`` as it is."""
    return _PUNCTUATION.sub(r"\\\1", " ".join(text.split()))

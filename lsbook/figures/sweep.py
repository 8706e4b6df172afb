"""A measured quantity against α, with every seed in sight."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from lsbook.figures import theme

_SPREAD = {"mean": "mean", "low": "min", "high": "max"}


def against_alpha(
    frame: pd.DataFrame,
    y: str,
    title: str,
    colour: str = theme.SMOOTH,
    dash: Sequence[int] = (1, 0),
    shape: str = "circle",
) -> alt.LayerChart:
    """Mean line, a faint line a seed, and a band from the least to the greatest seed.

    Parameters
    ----------
    frame
        Columns ``alpha``, ``seed`` and ``y``; rows without a value are left out.
    y, title
        The column, and the title of its axis.
    colour, dash, shape
        The look of one idea; the mean at α = 0 has the colour of hard targets where ``colour``
        is that of smoothing.
    """
    frame = frame[["alpha", "seed", y]].dropna()
    spread = frame.groupby("alpha")[y].agg(**_SPREAD).reset_index()
    x = alt.X("alpha:Q", title="label smoothing α",
              scale=alt.Scale(domain=[0, max(0.1, frame["alpha"].max())], nice=False, padding=6))
    band = alt.Chart(spread).mark_area(color=colour, opacity=0.13).encode(x, y="low:Q", y2="high:Q")
    seeds = alt.Chart(frame).mark_line(color=colour, opacity=0.3, strokeWidth=1).encode(
        x, y=alt.Y(f"{y}:Q", title=title), detail="seed:N")
    mean = alt.Chart(spread)
    line = mean.mark_line(color=colour, strokeDash=list(dash)).encode(x, y="mean:Q")
    alphas = spread["alpha"].tolist()
    own = {"color": alt.Color("alpha:O", legend=None, scale=theme.alpha_scale(alphas))}
    points = mean.mark_point(
        color=colour, shape=shape, filled=True, size=46, opacity=1,
    ).encode(
        x, y="mean:Q",
        tooltip=[alt.Tooltip("alpha:Q", title="α"),
                 *(alt.Tooltip(f"{name}:Q", format=".3f") for name in _SPREAD)],
        **(own if colour == theme.SMOOTH else {}),
    )
    return alt.layer(band, seeds, line, points)

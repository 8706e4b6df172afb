"""Figures that the browser computes from a run's evaluations, with no kernel and no network.

One module a kind, named as ``book/_static/explore/<kind>.js``. Each has ``arrays(run)``, what the
page needs of a run, and ``explorer(...)``, which frames the figure. The site's extension writes the
evaluations that a page's explorers name.
"""

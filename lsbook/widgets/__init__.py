"""Figures that need a kernel; the only place where ipywidgets is imported."""

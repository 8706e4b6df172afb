"""What the book measures: calibration, templates, smoothness, information, translation."""

"""lsbook: models, losses and estimators behind the book on "When Does Label Smoothing Help?"."""

__version__ = "0.1.0"

"""Training, plotting, data and exercise checking for the book *Deep Learning, Measured*."""

__version__ = "0.1.0"

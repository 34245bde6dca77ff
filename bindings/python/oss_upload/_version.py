"""The version of this package. Its first two numbers must be those of the library that it loads."""

__version__ = "0.1.0"

"""The one kind of error of this room."""


class ExchangeError(ValueError):
    """A file that cannot be read or written as asked; the message says what was expected, found and where."""

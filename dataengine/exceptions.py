"""What can go wrong, as types. Services raise these; API and console each translate them in one place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, ClassVar

type Messages = str | Sequence[str]
type Path = tuple[str | int, ...]
"""Keys and places in lists that lead to a part of a JSON value; () is the value as a whole."""


def shown(text: object, length: int = 120) -> str:
    """A user's text for use in a message: printable, and cut to ``length``.

    Unprintable characters such as lone surrogates would break the answer that contains them. Line breaks, tabs and
    spaces that do not break are spaces: a message is one line.
    """
    return "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in str(text)[:length])


def some_of(items: Iterable[object], most: int = 5) -> str:
    """The first items for use in a message: ``1, 2, 3``, ``1, 2, 3, 4, 5 and others``."""
    first = [str(item) for item in islice(items, most + 1)]
    return ", ".join(first[:most]) + (" and others" if len(first) > most else "")


class DataEngineError(Exception):
    """An error that users can act on.

    ``message`` is one plain sentence. ``fields`` maps names of inputs to what is wrong with them. ``code`` is for
    programs, ``status`` the HTTP status with which entrances answer. ``details`` adds keys to the API's error object
    (for example ``records`` of a bulk call). ``pointers`` are the places at fault in what was given, as paths, each
    with what is wrong there.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400
    retry_seconds: int | None = None
    """When the same may succeed, as far as one can tell; both entrances say it as Retry-After."""

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        fields: Mapping[str, Messages] | None = None,
        details: Mapping[str, Any] | None = None,
        pointers: Iterable[tuple[Path, str]] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.error_code = code or self.code
        self.fields: dict[str, list[str]] = {
            name: [text] if isinstance(text, str) else list(text) for name, text in (fields or {}).items()
        }
        self.details = dict(details or {})
        self.pointers = list(pointers)


class InvalidInput(DataEngineError):
    """The input is invalid; ``fields`` tells where."""

    code = "invalid_input"
    status = 400

    def within(self, *path: str | int) -> InvalidInput:
        """The same error, where the input is a part of a larger one."""
        self.pointers = [((*path, *inner), text) for inner, text in self.pointers] or [(path, self._reason)]
        return self

    @property
    def _reason(self) -> str:
        """What is wrong, without the name of what it is wrong with."""
        return next((texts[0] for texts in self.fields.values()), self.message)


def together(errors: Iterable[InvalidInput], message: str, *, code: str | None = None) -> InvalidInput:
    """Several errors as one; ``message`` is for more than one input at fault."""
    found = list(errors)
    fields = {name: texts for error in found for name, texts in error.fields.items()}
    name, texts = next(iter(fields.items()))
    pointers = [pointer for error in found for pointer in error.pointers]
    return InvalidInput(
        f"{name}: {texts[0]}" if len(fields) == 1 else message,
        code=code or found[-1].error_code,
        fields=fields,
        pointers=pointers,
    )


class TooLarge(DataEngineError):
    """A file or body is larger than allowed."""

    code = "too_large"
    status = 413


class AccessDenied(DataEngineError):
    """The user may see the thing but not do this with it."""

    code = "permission_denied"
    status = 403


class NotFound(DataEngineError):
    """There is no such thing, or the user must not learn that there is."""

    code = "not_found"
    status = 404


class Conflict(DataEngineError):
    """The input is fine but the present state forbids it: the name is taken, an import is running."""

    code = "conflict"
    status = 409


class Unavailable(DataEngineError):
    """A part of the system does not answer in time; trying again later may work."""

    code = "unavailable"
    status = 503

"""The one tree of errors: what went wrong, why, and what to do about it.

::

    CustodesError                 exit  HTTP
    ├── InputError                  65   422   a file, field or row that was given cannot be used
    │   ├── ImageError              65   422   ... an image
    │   ├── FaceError               65   422   ... an image in which no usable face was found
    │   └── ManifestError           65   422   ... an enrolment manifest, mapping file or one of its rows
    ├── Refused                     77   403   policy said no; carries the rule that said so
    ├── NotSignedIn                 77   401   nobody is signed in, or the session has ended
    ├── NotFound                    66   404   no such record, or none that this person may know of
    ├── Conflict                    73   409   the record is not in a state that allows this
    ├── ModelPackError              69   503   weights unknown, truncated, altered, or not usable here
    ├── ContractMismatch            69   409   templates of different contracts were about to be compared
    ├── Busy                        75   503   too much is going on; it says when to try again
    └── SetupError                  78   500   the installation is incomplete or damaged

Exit codes follow BSD ``sysexits.h``.  ``code`` is stable, dotted and documented in ``docs/errors.md``.
No error carries the content of a file, a name or a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from custodes.text import Text


class CustodesError(Exception):
    """Base of every error a person may meet.

    ``what`` happened, ``why``, and what to do (``hint``) are English gettext templates over ``values``.
    """

    exit_code: ClassVar[int] = 70
    http_status: ClassVar[int] = 500

    def __init__(self, code: str, what: str, /, *, why: str = "", hint: str = "", **values: object) -> None:
        super().__init__(code)
        self.code = code
        self.values: Mapping[str, object] = values
        self.what = Text(what, values)
        self.why = Text(why, values)
        self.hint = Text(hint, values)
        self.is_logged = False

    def __str__(self) -> str:
        return " ".join(part for part in (f"[{self.code}]", str(self.what), str(self.why), str(self.hint)) if part)


class InputError(CustodesError):
    """Something that was given cannot be used; nothing was changed."""

    exit_code = 65
    http_status = 422


class ImageError(InputError):
    """The bytes are not an image that Custodes can decode within its limits."""


class FaceError(InputError):
    """The image decoded, but holds no face, or no single face, that can be used."""


class ManifestError(InputError):
    """An enrolment manifest, its mapping file, or one row of it cannot be read."""


class Refused(CustodesError):
    """Policy refused the action. ``code`` is the rule that refused."""

    exit_code = 77
    http_status = 403


class NotSignedIn(CustodesError):
    """Nobody is signed in."""

    exit_code = 77
    http_status = 401


class NotFound(CustodesError):
    """There is no such record, or none that the actor may know of."""

    exit_code = 66
    http_status = 404


class Conflict(CustodesError):
    """The record is in a state in which this cannot be done."""

    exit_code = 73
    http_status = 409


class ModelPackError(CustodesError):
    """A model pack is unknown, incomplete, altered, or may not be used in this installation."""

    exit_code = 69
    http_status = 503


class ContractMismatch(CustodesError):
    """Templates of different preprocessing contracts must never be compared (ENG-01)."""

    exit_code = 69
    http_status = 409


class SetupError(CustodesError):
    """The installation is incomplete or damaged."""

    exit_code = 78
    http_status = 500


class Busy(CustodesError):
    """Too much is asked at once; the same will work in a while. ``values`` hold ``seconds``: when to try again."""

    exit_code = 75
    http_status = 503

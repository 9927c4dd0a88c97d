"""Every error a user can act on.

    VtbenchError                 a sentence for the user; exit status 2
    ├── UsageError               the command or call cannot be carried out as given
    │   ├── UnknownModel         no such model; the message names the nearest ones
    │   ├── BadOption            an option that does not exist or has the wrong type
    │   ├── BadResolution        a size that the model refuses, with the nearest it takes
    │   ├── BadInput             an --input, a file or a value that cannot be read
    │   ├── NoDevice             a GPU or device that is not there; the message says what is
    │   └── BadSuite             a suite of claims with mistakes, all of them named
    ├── MissingPackage           an optional package is absent; names the extra to install
    ├── ModelError               a model that raised while it was built or run
    ├── Untraceable              a model whose closed form cannot be derived, and why
    └── OutputError              a file that cannot be written

Messages are full sentences that say what was wrong and what to do.
"""

from __future__ import annotations


class VtbenchError(Exception):
    """An error whose message is written for the user."""


class UsageError(VtbenchError):
    """The command or call cannot be carried out as given."""


class UnknownModel(UsageError):
    """No model of that name; the message names the nearest ones."""


class BadOption(UsageError):
    """An option that the model does not have, or a value of the wrong type."""


class BadResolution(UsageError):
    """A size that the model refuses, or would silently crop."""


class BadInput(UsageError):
    """An input shape, a file or a value that cannot be read."""


class NoDevice(UsageError):
    """The device that was asked for is not there; the message says what is."""


class BadSuite(UsageError):
    """A suite of claims with mistakes; the message names file, line and field of each."""


class MissingPackage(VtbenchError):
    """An optional package is absent; the message names the extra that brings it."""


class ModelError(VtbenchError):
    """A model raised while it was built or run."""


class Untraceable(VtbenchError):
    """The closed form of a model cannot be derived; the message says why."""


class OutputError(VtbenchError):
    """A file cannot be written."""

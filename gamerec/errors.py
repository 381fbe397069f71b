"""Errors that a user can act on, each with the exit code that the `gamerec` command ends with.

The message says what is wrong and what to do next. It never holds a secret.
"""


class GamerecError(Exception):
    """Base of all expected errors."""

    exit_code = 1


class UsageError(GamerecError):
    """A wrong option, parameter or setting; nothing has been run."""

    exit_code = 2


class DataError(GamerecError):
    """Input that is missing or unusable: a catalogue, a play log, an artifact, a model file."""

    exit_code = 3


class GateRefused(GamerecError):
    """The run is complete, but the candidate was not good enough to go live."""

    exit_code = 4


class StageFailed(GamerecError):
    """A notebook raised an error or its kernel died."""

    exit_code = 5


class AlreadyRunning(GamerecError):
    """Another run holds the lock."""

    exit_code = 6


class ServiceError(GamerecError):
    """A service outside (RAWG, S3, the database, W&B) refused or could not be reached."""

    exit_code = 7


class Interrupted(GamerecError):
    """Stopped by Ctrl-C or SIGTERM; `--resume` goes on from here."""

    exit_code = 130

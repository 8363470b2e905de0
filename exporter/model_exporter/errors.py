"""The errors that cross a room's door. Each says what happened to the input, not where in the code."""


class ModelExporterError(Exception):
    """Base of all errors this package raises on purpose."""


class DecodeError(ModelExporterError):
    """A whole request cannot be understood; nothing of it was kept.

    Attributes:
        reason: one of a small fixed set of words, safe as a label value.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class UnknownMappingError(DecodeError):
    """A request names a mapping that there is not; the message names those that there are."""

    def __init__(self, message: str) -> None:
        super().__init__("unknown_mapping", message)


class TooLargeError(ModelExporterError):
    """A request is over a size limit, before or after decompression. Sending it again cannot help."""


class SlowError(ModelExporterError):
    """A request takes longer than its caller wants to be held up; nothing of it was kept. It is work for a thread."""


class OverloadedError(ModelExporterError):
    """There is no room for the request now; the same request may succeed after `retry_after_seconds`."""

    def __init__(self, message: str, *, retry_after_seconds: int = 1) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class ConfigError(ModelExporterError):
    """One mistake in the configuration, told so that its author can mend it.

    Args:
        file: the file that holds the mistake.
        path: where in the file, as `models.fraud.features.amount.type`; empty for the file as a whole.
        problem: what is wrong, with the offending value.
        remedy: what to write instead.
        line: the line of the file, from 1; None when the mistake has none.
    """

    def __init__(self, *, file: str, path: str, problem: str, remedy: str, line: int | None = None) -> None:
        place = ": ".join(filter(None, [file if line is None else f"{file}:{line}", path]))
        super().__init__(f"{place}: {problem}. {remedy}")
        self.file = file
        self.line = line
        self.path = path
        self.problem = problem
        self.remedy = remedy


class BaselineError(ModelExporterError):
    """A baseline cannot be built from, read from or written to a file."""


class MappingError(ModelExporterError):
    """A record does not hold what a mapping says; nothing of it was kept.

    Attributes:
        reason: one of a small fixed set of words, safe as a label value.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason

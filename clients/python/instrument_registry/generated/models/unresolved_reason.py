from enum import StrEnum


class UnresolvedReason(StrEnum):
    MALFORMED = "malformed"
    UNKNOWN = "unknown"

    def __str__(self) -> str:
        return str(self.value)

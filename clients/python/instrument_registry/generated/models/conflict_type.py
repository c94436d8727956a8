from enum import StrEnum


class ConflictType(StrEnum):
    DUPLICATE_SUBSCRIPTION = "duplicate_subscription"
    INVALID_INSTRUMENT = "invalid_instrument"
    LIMIT_EXCEEDED = "limit_exceeded"

    def __str__(self) -> str:
        return str(self.value)

from enum import StrEnum


class Reason(StrEnum):
    ALIAS = "alias"
    DUPLICATE = "duplicate"
    EXPIRED = "expired"
    INACTIVE = "inactive"
    MALFORMED = "malformed"
    NOT_ALLOWED = "not_allowed"
    NOT_AT_BROKER = "not_at_broker"
    NOT_OFFERED = "not_offered"
    OVER_CAPACITY = "over_capacity"
    OVER_LIMIT = "over_limit"
    UNKNOWN = "unknown"

    def __str__(self) -> str:
        return str(self.value)

from enum import StrEnum


class ChangeMode(StrEnum):
    MESSAGE = "message"
    RESUBSCRIBE = "resubscribe"

    def __str__(self) -> str:
        return str(self.value)

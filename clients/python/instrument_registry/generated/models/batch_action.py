from enum import StrEnum


class BatchAction(StrEnum):
    CHANGE_MODE = "change_mode"
    CLOSE = "close"
    REQUEST = "request"
    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"

    def __str__(self) -> str:
        return str(self.value)

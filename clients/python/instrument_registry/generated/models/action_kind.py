from enum import StrEnum


class ActionKind(StrEnum):
    CHANGE_MODE = "change_mode"
    MOVE = "move"
    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"

    def __str__(self) -> str:
        return str(self.value)

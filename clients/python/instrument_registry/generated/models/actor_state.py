from enum import StrEnum


class ActorState(StrEnum):
    AT_CAPACITY = "at_capacity"
    RESTARTING = "restarting"
    RUNNING = "running"
    UNRESPONSIVE = "unresponsive"

    def __str__(self) -> str:
        return str(self.value)

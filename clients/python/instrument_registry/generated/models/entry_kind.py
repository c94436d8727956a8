from enum import StrEnum


class EntryKind(StrEnum):
    HOLIDAY = "holiday"
    REGULAR = "regular"
    SESSION = "session"

    def __str__(self) -> str:
        return str(self.value)

from enum import StrEnum


class CatalogueDifference(StrEnum):
    ADDED = "added"
    IDENTITY = "identity"
    REMOVED = "removed"
    TOKEN = "token"

    def __str__(self) -> str:
        return str(self.value)

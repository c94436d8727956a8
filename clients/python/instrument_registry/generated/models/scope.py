from enum import StrEnum


class Scope(StrEnum):
    ACCOUNT = "account"
    CONNECTION = "connection"

    def __str__(self) -> str:
        return str(self.value)

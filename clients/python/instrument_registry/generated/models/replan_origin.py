from enum import StrEnum


class ReplanOrigin(StrEnum):
    CACHED = "cached"
    CREATED = "created"

    def __str__(self) -> str:
        return str(self.value)

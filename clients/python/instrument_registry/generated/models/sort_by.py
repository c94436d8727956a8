from enum import StrEnum


class SortBy(StrEnum):
    EXPIRY = "expiry"
    LOT_SIZE = "lot_size"
    NAME = "name"
    RELEVANCE = "relevance"
    STRIKE = "strike"
    SYMBOL = "symbol"

    def __str__(self) -> str:
        return str(self.value)

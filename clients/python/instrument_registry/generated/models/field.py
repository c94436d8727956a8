from enum import StrEnum


class Field(StrEnum):
    ISIN = "isin"
    NAME = "name"
    SYMBOL = "symbol"
    UNDERLYING_SYMBOL = "underlying_symbol"

    def __str__(self) -> str:
        return str(self.value)

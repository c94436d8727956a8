from enum import StrEnum


class InstrumentField(StrEnum):
    ALIAS = "alias"
    EXPIRY = "expiry"
    ISIN = "isin"
    LOT_SIZE = "lot_size"
    NAME = "name"
    SERIES = "series"
    STRIKE = "strike"
    TICK_SIZE = "tick_size"
    UNDERLYING_SYMBOL = "underlying_symbol"

    def __str__(self) -> str:
        return str(self.value)

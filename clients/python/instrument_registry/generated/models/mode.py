from enum import StrEnum


class Mode(StrEnum):
    DEPTH20 = "depth20"
    DEPTH200 = "depth200"
    DEPTH30 = "depth30"
    DEPTH50 = "depth50"
    FULL = "full"
    GREEKS = "greeks"
    LTP = "ltp"
    QUOTE = "quote"

    def __str__(self) -> str:
        return str(self.value)

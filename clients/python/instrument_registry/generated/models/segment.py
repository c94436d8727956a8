from enum import StrEnum


class Segment(StrEnum):
    BCD_FO = "BCD_FO"
    BSE_EQ = "BSE_EQ"
    BSE_FO = "BSE_FO"
    BSE_INDEX = "BSE_INDEX"
    GLOBAL_INDEX = "GLOBAL_INDEX"
    MCX_FO = "MCX_FO"
    MCX_INDEX = "MCX_INDEX"
    NCD_FO = "NCD_FO"
    NSEIX = "NSEIX"
    NSE_COM = "NSE_COM"
    NSE_EQ = "NSE_EQ"
    NSE_FO = "NSE_FO"
    NSE_INDEX = "NSE_INDEX"

    def __str__(self) -> str:
        return str(self.value)

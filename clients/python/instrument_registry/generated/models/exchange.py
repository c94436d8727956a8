from enum import StrEnum


class Exchange(StrEnum):
    BCD = "BCD"
    BFO = "BFO"
    BSE = "BSE"
    CDS = "CDS"
    GLOBAL = "GLOBAL"
    MCX = "MCX"
    NCO = "NCO"
    NFO = "NFO"
    NSE = "NSE"
    NSEIX = "NSEIX"

    def __str__(self) -> str:
        return str(self.value)

from enum import StrEnum


class InstrumentType(StrEnum):
    CE = "CE"
    COM = "COM"
    DEBT = "DEBT"
    EQ = "EQ"
    FUND = "FUND"
    FUT = "FUT"
    INDEX = "INDEX"
    PE = "PE"

    def __str__(self) -> str:
        return str(self.value)

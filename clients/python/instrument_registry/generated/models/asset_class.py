from enum import StrEnum


class AssetClass(StrEnum):
    COMMODITY = "commodity"
    CURRENCY = "currency"
    DEBT = "debt"
    EQUITY = "equity"
    EQUITY_DERIVATIVE = "equity_derivative"
    FUND = "fund"
    INDEX = "index"

    def __str__(self) -> str:
        return str(self.value)

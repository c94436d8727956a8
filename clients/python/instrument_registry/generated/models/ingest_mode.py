from enum import StrEnum


class IngestMode(StrEnum):
    FULL_CATALOG = "full_catalog"
    INCREMENTAL = "incremental"
    ON_DEMAND = "on_demand"

    def __str__(self) -> str:
        return str(self.value)

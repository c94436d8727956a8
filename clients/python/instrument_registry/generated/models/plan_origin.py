from enum import StrEnum


class PlanOrigin(StrEnum):
    CACHED = "cached"
    CREATED = "created"
    DRY_RUN = "dry_run"

    def __str__(self) -> str:
        return str(self.value)

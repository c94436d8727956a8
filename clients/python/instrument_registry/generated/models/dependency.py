from enum import StrEnum


class Dependency(StrEnum):
    CONFIG_SERVICE = "config_service"
    DATABASE = "database"
    REDIS = "redis"

    def __str__(self) -> str:
        return str(self.value)

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.config_answer_configuration import ConfigAnswerConfiguration
    from ..models.config_answer_sources import ConfigAnswerSources


T = TypeVar("T", bound="ConfigAnswer")


@_attrs_define
class ConfigAnswer:
    """The settings of the planner in effect.

    Attributes:
        configuration (ConfigAnswerConfiguration): The value of each setting, as the config service holds it.
        correlation_id (str): The correlation id of the request.
        last_updated (datetime.datetime): The time of the last change of a value.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
        sources (ConfigAnswerSources): The source of each value.
        version (str): The version of the settings. Equal settings have equal versions.
    """

    configuration: ConfigAnswerConfiguration
    correlation_id: str
    last_updated: datetime.datetime
    response_time_ms: int
    sources: ConfigAnswerSources
    version: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        configuration = self.configuration.to_dict()

        correlation_id = self.correlation_id

        last_updated = self.last_updated.isoformat()

        response_time_ms = self.response_time_ms

        sources = self.sources.to_dict()

        version = self.version

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "configuration": configuration,
                "correlation_id": correlation_id,
                "last_updated": last_updated,
                "response_time_ms": response_time_ms,
                "sources": sources,
                "version": version,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.config_answer_configuration import ConfigAnswerConfiguration
        from ..models.config_answer_sources import ConfigAnswerSources

        d = dict(src_dict)
        configuration = ConfigAnswerConfiguration.from_dict(d.pop("configuration"))

        correlation_id = d.pop("correlation_id")

        last_updated = datetime.datetime.fromisoformat(d.pop("last_updated"))

        response_time_ms = d.pop("response_time_ms")

        sources = ConfigAnswerSources.from_dict(d.pop("sources"))

        version = d.pop("version")

        config_answer = cls(
            configuration=configuration,
            correlation_id=correlation_id,
            last_updated=last_updated,
            response_time_ms=response_time_ms,
            sources=sources,
            version=version,
        )

        config_answer.additional_properties = d
        return config_answer

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties

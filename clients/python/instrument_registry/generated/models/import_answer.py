from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.import_result import ImportResult


T = TypeVar("T", bound="ImportAnswer")


@_attrs_define
class ImportAnswer:
    """The result of an import.

    Attributes:
        correlation_id (str): The correlation id of the request.
        created (int): The number of profiles that were created and are active.
        deactivated (int): The number of profiles that were created, then deactivated because of a later profile in the
            file.
        duration_ms (int): The time that the import took, in milliseconds.
        failed (int): The number of profiles that failed.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
        results (list[ImportResult]): One result for each profile, in the order of the file.
    """

    correlation_id: str
    created: int
    deactivated: int
    duration_ms: int
    failed: int
    response_time_ms: int
    results: list[ImportResult]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        correlation_id = self.correlation_id

        created = self.created

        deactivated = self.deactivated

        duration_ms = self.duration_ms

        failed = self.failed

        response_time_ms = self.response_time_ms

        results = []
        for results_item_data in self.results:
            results_item = results_item_data.to_dict()
            results.append(results_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "correlation_id": correlation_id,
                "created": created,
                "deactivated": deactivated,
                "duration_ms": duration_ms,
                "failed": failed,
                "response_time_ms": response_time_ms,
                "results": results,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.import_result import ImportResult

        d = dict(src_dict)
        correlation_id = d.pop("correlation_id")

        created = d.pop("created")

        deactivated = d.pop("deactivated")

        duration_ms = d.pop("duration_ms")

        failed = d.pop("failed")

        response_time_ms = d.pop("response_time_ms")

        results = []
        _results = d.pop("results")
        for results_item_data in _results:
            results_item = ImportResult.from_dict(results_item_data)

            results.append(results_item)

        import_answer = cls(
            correlation_id=correlation_id,
            created=created,
            deactivated=deactivated,
            duration_ms=duration_ms,
            failed=failed,
            response_time_ms=response_time_ms,
            results=results,
        )

        import_answer.additional_properties = d
        return import_answer

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

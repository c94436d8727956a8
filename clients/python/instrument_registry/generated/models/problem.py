from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.fault import Fault
    from ..models.profile_conflict import ProfileConflict


T = TypeVar("T", bound="Problem")


@_attrs_define
class Problem:
    """A problem document (RFC 9457).

    Attributes:
        code (str): The code of the problem: a stable word for programs. `/docs/errors` explains every code.
        correlation_id (str): The correlation id of the request.
        detail (str): The cause of the problem and, if there is one, the remedy.
        instance (str): The path of the request.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
        status (int): The HTTP status.
        title (str): The name of the HTTP status.
        type_ (str): The address of the explanation of the code, relative to the service: `/docs/errors#` and the code.
        conflicts (list[ProfileConflict] | Unset): The conflicts that prevent a change of a profile.
        errors (list[Fault] | Unset): Every validation error of the request. Present if validation failed.
    """

    code: str
    correlation_id: str
    detail: str
    instance: str
    response_time_ms: int
    status: int
    title: str
    type_: str
    conflicts: list[ProfileConflict] | Unset = UNSET
    errors: list[Fault] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        code = self.code

        correlation_id = self.correlation_id

        detail = self.detail

        instance = self.instance

        response_time_ms = self.response_time_ms

        status = self.status

        title = self.title

        type_ = self.type_

        conflicts: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.conflicts, Unset):
            conflicts = []
            for conflicts_item_data in self.conflicts:
                conflicts_item = conflicts_item_data.to_dict()
                conflicts.append(conflicts_item)

        errors: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.errors, Unset):
            errors = []
            for errors_item_data in self.errors:
                errors_item = errors_item_data.to_dict()
                errors.append(errors_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "code": code,
                "correlation_id": correlation_id,
                "detail": detail,
                "instance": instance,
                "response_time_ms": response_time_ms,
                "status": status,
                "title": title,
                "type": type_,
            }
        )
        if conflicts is not UNSET:
            field_dict["conflicts"] = conflicts
        if errors is not UNSET:
            field_dict["errors"] = errors

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.fault import Fault
        from ..models.profile_conflict import ProfileConflict

        d = dict(src_dict)
        code = d.pop("code")

        correlation_id = d.pop("correlation_id")

        detail = d.pop("detail")

        instance = d.pop("instance")

        response_time_ms = d.pop("response_time_ms")

        status = d.pop("status")

        title = d.pop("title")

        type_ = d.pop("type")

        _conflicts = d.pop("conflicts", UNSET)
        conflicts: list[ProfileConflict] | Unset = UNSET
        if _conflicts is not UNSET:
            conflicts = []
            for conflicts_item_data in _conflicts:
                conflicts_item = ProfileConflict.from_dict(conflicts_item_data)

                conflicts.append(conflicts_item)

        _errors = d.pop("errors", UNSET)
        errors: list[Fault] | Unset = UNSET
        if _errors is not UNSET:
            errors = []
            for errors_item_data in _errors:
                errors_item = Fault.from_dict(errors_item_data)

                errors.append(errors_item)

        problem = cls(
            code=code,
            correlation_id=correlation_id,
            detail=detail,
            instance=instance,
            response_time_ms=response_time_ms,
            status=status,
            title=title,
            type_=type_,
            conflicts=conflicts,
            errors=errors,
        )

        problem.additional_properties = d
        return problem

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

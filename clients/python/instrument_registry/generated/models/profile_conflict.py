from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.conflict_status import ConflictStatus
from ..models.conflict_type import ConflictType

if TYPE_CHECKING:
    from ..models.profile_conflict_conflict_data import ProfileConflictConflictData
    from ..models.profile_conflict_resolution_data_type_0 import (
        ProfileConflictResolutionDataType0,
    )


T = TypeVar("T", bound="ProfileConflict")


@_attrs_define
class ProfileConflict:
    """A conflict of a profile with a limit, the catalog or another profile.

    Attributes:
        conflict_data (ProfileConflictConflictData): The details of the conflict.
        conflict_id (str): The id of a conflict.
        conflict_type (ConflictType): The type of a conflict of a profile.
        created_at (datetime.datetime): The time when the conflict was detected.
        profile_id (str): The id of a profile.
        resolution_data (None | ProfileConflictResolutionDataType0): The details of the resolution. Null if there are
            none.
        resolution_strategy (None | str): The strategy that resolved the conflict, or `manual`. Null while the conflict
            is pending.
        resolved_at (datetime.datetime | None): The time when the conflict was resolved or failed. Null while the
            conflict is pending.
        status (ConflictStatus): The status of a conflict.
        user_id (str): The user that the profile belongs to.
    """

    conflict_data: ProfileConflictConflictData
    conflict_id: str
    conflict_type: ConflictType
    created_at: datetime.datetime
    profile_id: str
    resolution_data: None | ProfileConflictResolutionDataType0
    resolution_strategy: None | str
    resolved_at: datetime.datetime | None
    status: ConflictStatus
    user_id: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.profile_conflict_resolution_data_type_0 import (
            ProfileConflictResolutionDataType0,
        )

        conflict_data = self.conflict_data.to_dict()

        conflict_id = self.conflict_id

        conflict_type = self.conflict_type.value

        created_at = self.created_at.isoformat()

        profile_id = self.profile_id

        resolution_data: dict[str, Any] | None
        if isinstance(self.resolution_data, ProfileConflictResolutionDataType0):
            resolution_data = self.resolution_data.to_dict()
        else:
            resolution_data = self.resolution_data

        resolution_strategy: None | str
        resolution_strategy = self.resolution_strategy

        resolved_at: None | str
        if isinstance(self.resolved_at, datetime.datetime):
            resolved_at = self.resolved_at.isoformat()
        else:
            resolved_at = self.resolved_at

        status = self.status.value

        user_id = self.user_id

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "conflict_data": conflict_data,
                "conflict_id": conflict_id,
                "conflict_type": conflict_type,
                "created_at": created_at,
                "profile_id": profile_id,
                "resolution_data": resolution_data,
                "resolution_strategy": resolution_strategy,
                "resolved_at": resolved_at,
                "status": status,
                "user_id": user_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.profile_conflict_conflict_data import ProfileConflictConflictData
        from ..models.profile_conflict_resolution_data_type_0 import (
            ProfileConflictResolutionDataType0,
        )

        d = dict(src_dict)
        conflict_data = ProfileConflictConflictData.from_dict(d.pop("conflict_data"))

        conflict_id = d.pop("conflict_id")

        conflict_type = ConflictType(d.pop("conflict_type"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        profile_id = d.pop("profile_id")

        def _parse_resolution_data(
            data: object,
        ) -> None | ProfileConflictResolutionDataType0:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                resolution_data_type_0 = ProfileConflictResolutionDataType0.from_dict(
                    data
                )

                return resolution_data_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | ProfileConflictResolutionDataType0, data)

        resolution_data = _parse_resolution_data(d.pop("resolution_data"))

        def _parse_resolution_strategy(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        resolution_strategy = _parse_resolution_strategy(d.pop("resolution_strategy"))

        def _parse_resolved_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                resolved_at_type_0 = datetime.datetime.fromisoformat(data)

                return resolved_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        resolved_at = _parse_resolved_at(d.pop("resolved_at"))

        status = ConflictStatus(d.pop("status"))

        user_id = d.pop("user_id")

        profile_conflict = cls(
            conflict_data=conflict_data,
            conflict_id=conflict_id,
            conflict_type=conflict_type,
            created_at=created_at,
            profile_id=profile_id,
            resolution_data=resolution_data,
            resolution_strategy=resolution_strategy,
            resolved_at=resolved_at,
            status=status,
            user_id=user_id,
        )

        profile_conflict.additional_properties = d
        return profile_conflict

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

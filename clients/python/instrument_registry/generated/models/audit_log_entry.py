from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.action import Action

if TYPE_CHECKING:
    from ..models.audit_actor import AuditActor
    from ..models.audit_log_entry_new_data_type_0 import AuditLogEntryNewDataType0
    from ..models.audit_log_entry_old_data_type_0 import AuditLogEntryOldDataType0


T = TypeVar("T", bound="AuditLogEntry")


@_attrs_define
class AuditLogEntry:
    """An entry of the audit log.

    Attributes:
        action (Action): The kind of a change of a profile.
        actor (AuditActor): The caller that made a change.
        audit_id (int): The id of the entry. A later entry of the profile has a greater id.
        correlation_id (str): The correlation id of the request that made the change.
        created_at (datetime.datetime): The time of the change.
        new_data (AuditLogEntryNewDataType0 | None): The profile after the change, or the conflict if the change is
            `resolve_conflict`.
        old_data (AuditLogEntryOldDataType0 | None): The profile before the change, or the conflict if the change is
            `resolve_conflict`. Null if it did not exist
            before.
    """

    action: Action
    actor: AuditActor
    audit_id: int
    correlation_id: str
    created_at: datetime.datetime
    new_data: AuditLogEntryNewDataType0 | None
    old_data: AuditLogEntryOldDataType0 | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.audit_log_entry_new_data_type_0 import AuditLogEntryNewDataType0
        from ..models.audit_log_entry_old_data_type_0 import AuditLogEntryOldDataType0

        action = self.action.value

        actor = self.actor.to_dict()

        audit_id = self.audit_id

        correlation_id = self.correlation_id

        created_at = self.created_at.isoformat()

        new_data: dict[str, Any] | None
        if isinstance(self.new_data, AuditLogEntryNewDataType0):
            new_data = self.new_data.to_dict()
        else:
            new_data = self.new_data

        old_data: dict[str, Any] | None
        if isinstance(self.old_data, AuditLogEntryOldDataType0):
            old_data = self.old_data.to_dict()
        else:
            old_data = self.old_data

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "action": action,
                "actor": actor,
                "audit_id": audit_id,
                "correlation_id": correlation_id,
                "created_at": created_at,
                "new_data": new_data,
                "old_data": old_data,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.audit_actor import AuditActor
        from ..models.audit_log_entry_new_data_type_0 import AuditLogEntryNewDataType0
        from ..models.audit_log_entry_old_data_type_0 import AuditLogEntryOldDataType0

        d = dict(src_dict)
        action = Action(d.pop("action"))

        actor = AuditActor.from_dict(d.pop("actor"))

        audit_id = d.pop("audit_id")

        correlation_id = d.pop("correlation_id")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        def _parse_new_data(data: object) -> AuditLogEntryNewDataType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                new_data_type_0 = AuditLogEntryNewDataType0.from_dict(data)

                return new_data_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(AuditLogEntryNewDataType0 | None, data)

        new_data = _parse_new_data(d.pop("new_data"))

        def _parse_old_data(data: object) -> AuditLogEntryOldDataType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                old_data_type_0 = AuditLogEntryOldDataType0.from_dict(data)

                return old_data_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(AuditLogEntryOldDataType0 | None, data)

        old_data = _parse_old_data(d.pop("old_data"))

        audit_log_entry = cls(
            action=action,
            actor=actor,
            audit_id=audit_id,
            correlation_id=correlation_id,
            created_at=created_at,
            new_data=new_data,
            old_data=old_data,
        )

        audit_log_entry.additional_properties = d
        return audit_log_entry

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

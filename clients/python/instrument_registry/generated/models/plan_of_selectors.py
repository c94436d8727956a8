from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..models.broker import Broker
from ..models.capacity_word import CapacityWord
from ..models.filtering_strictness import FilteringStrictness
from ..models.mode import Mode
from ..models.optimization_level import OptimizationLevel
from ..models.placement_strategy import PlacementStrategy
from ..models.subscription_type import SubscriptionType
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.selector import Selector


T = TypeVar("T", bound="PlanOfSelectors")


@_attrs_define
class PlanOfSelectors:
    """A plan request that selects its instruments from the catalog on the date of the plan.

    Attributes:
        plan_name (str): The name of the plan.
        selectors (list[Selector]): The selectors of the instruments. The plan includes every instrument that at least
            one of them selects.
        subscription_type (SubscriptionType): The use of the instruments.
        accounts (int | list[str] | None | Unset):
        as_of (datetime.date | None | Unset): The trading date that the plan is for. If it is absent or null, it is
            today in Asia/Kolkata.
        broker (Broker | None | Unset):
        capacity (CapacityWord | None | Unset):
        connections (int | None | Unset): The minimum number of connections. If it is absent or null, it is the smallest
            number that the limits of the
            broker require. Requires `broker`.
        description (None | str | Unset): The description of the plan. If it is absent or null, it is created from the
            subscription type.
        dry_run (bool | None | Unset): Whether the plan is only computed and returned, and neither stored nor cached.
            Cannot be combined with
            `Idempotency-Key`.
        filtering_strictness (FilteringStrictness | None | Unset):
        max_instruments (int | None | Unset): The maximum number of instruments. It lowers the configured maximum and
            never raises it.
        min_mode (Mode | None | Unset):
        mode (Mode | None | Unset):
        optimization_level (None | OptimizationLevel | Unset):
        placement (None | PlacementStrategy | Unset):
        previous_plan_id (None | str | Unset):
        tier (None | str | Unset): The tier of the accounts. It lowers the tier of the settings; only a dry run can
            raise it. Requires `broker`.
    """

    plan_name: str
    selectors: list[Selector]
    subscription_type: SubscriptionType
    accounts: int | list[str] | None | Unset = UNSET
    as_of: datetime.date | None | Unset = UNSET
    broker: Broker | None | Unset = UNSET
    capacity: CapacityWord | None | Unset = UNSET
    connections: int | None | Unset = UNSET
    description: None | str | Unset = UNSET
    dry_run: bool | None | Unset = UNSET
    filtering_strictness: FilteringStrictness | None | Unset = UNSET
    max_instruments: int | None | Unset = UNSET
    min_mode: Mode | None | Unset = UNSET
    mode: Mode | None | Unset = UNSET
    optimization_level: None | OptimizationLevel | Unset = UNSET
    placement: None | PlacementStrategy | Unset = UNSET
    previous_plan_id: None | str | Unset = UNSET
    tier: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        plan_name = self.plan_name

        selectors = []
        for selectors_item_data in self.selectors:
            selectors_item = selectors_item_data.to_dict()
            selectors.append(selectors_item)

        subscription_type = self.subscription_type.value

        accounts: int | list[str] | None | Unset
        if isinstance(self.accounts, Unset):
            accounts = UNSET
        elif isinstance(self.accounts, list):
            accounts = self.accounts

        else:
            accounts = self.accounts

        as_of: None | str | Unset
        if isinstance(self.as_of, Unset):
            as_of = UNSET
        elif isinstance(self.as_of, datetime.date):
            as_of = self.as_of.isoformat()
        else:
            as_of = self.as_of

        broker: None | str | Unset
        if isinstance(self.broker, Unset):
            broker = UNSET
        elif isinstance(self.broker, Broker):
            broker = self.broker.value
        else:
            broker = self.broker

        capacity: None | str | Unset
        if isinstance(self.capacity, Unset):
            capacity = UNSET
        elif isinstance(self.capacity, CapacityWord):
            capacity = self.capacity.value
        else:
            capacity = self.capacity

        connections: int | None | Unset
        if isinstance(self.connections, Unset):
            connections = UNSET
        else:
            connections = self.connections

        description: None | str | Unset
        if isinstance(self.description, Unset):
            description = UNSET
        else:
            description = self.description

        dry_run: bool | None | Unset
        if isinstance(self.dry_run, Unset):
            dry_run = UNSET
        else:
            dry_run = self.dry_run

        filtering_strictness: None | str | Unset
        if isinstance(self.filtering_strictness, Unset):
            filtering_strictness = UNSET
        elif isinstance(self.filtering_strictness, FilteringStrictness):
            filtering_strictness = self.filtering_strictness.value
        else:
            filtering_strictness = self.filtering_strictness

        max_instruments: int | None | Unset
        if isinstance(self.max_instruments, Unset):
            max_instruments = UNSET
        else:
            max_instruments = self.max_instruments

        min_mode: None | str | Unset
        if isinstance(self.min_mode, Unset):
            min_mode = UNSET
        elif isinstance(self.min_mode, Mode):
            min_mode = self.min_mode.value
        else:
            min_mode = self.min_mode

        mode: None | str | Unset
        if isinstance(self.mode, Unset):
            mode = UNSET
        elif isinstance(self.mode, Mode):
            mode = self.mode.value
        else:
            mode = self.mode

        optimization_level: None | str | Unset
        if isinstance(self.optimization_level, Unset):
            optimization_level = UNSET
        elif isinstance(self.optimization_level, OptimizationLevel):
            optimization_level = self.optimization_level.value
        else:
            optimization_level = self.optimization_level

        placement: None | str | Unset
        if isinstance(self.placement, Unset):
            placement = UNSET
        elif isinstance(self.placement, PlacementStrategy):
            placement = self.placement.value
        else:
            placement = self.placement

        previous_plan_id: None | str | Unset
        if isinstance(self.previous_plan_id, Unset):
            previous_plan_id = UNSET
        else:
            previous_plan_id = self.previous_plan_id

        tier: None | str | Unset
        if isinstance(self.tier, Unset):
            tier = UNSET
        else:
            tier = self.tier

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "plan_name": plan_name,
                "selectors": selectors,
                "subscription_type": subscription_type,
            }
        )
        if accounts is not UNSET:
            field_dict["accounts"] = accounts
        if as_of is not UNSET:
            field_dict["as_of"] = as_of
        if broker is not UNSET:
            field_dict["broker"] = broker
        if capacity is not UNSET:
            field_dict["capacity"] = capacity
        if connections is not UNSET:
            field_dict["connections"] = connections
        if description is not UNSET:
            field_dict["description"] = description
        if dry_run is not UNSET:
            field_dict["dry_run"] = dry_run
        if filtering_strictness is not UNSET:
            field_dict["filtering_strictness"] = filtering_strictness
        if max_instruments is not UNSET:
            field_dict["max_instruments"] = max_instruments
        if min_mode is not UNSET:
            field_dict["min_mode"] = min_mode
        if mode is not UNSET:
            field_dict["mode"] = mode
        if optimization_level is not UNSET:
            field_dict["optimization_level"] = optimization_level
        if placement is not UNSET:
            field_dict["placement"] = placement
        if previous_plan_id is not UNSET:
            field_dict["previous_plan_id"] = previous_plan_id
        if tier is not UNSET:
            field_dict["tier"] = tier

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.selector import Selector

        d = dict(src_dict)
        plan_name = d.pop("plan_name")

        selectors = []
        _selectors = d.pop("selectors")
        for selectors_item_data in _selectors:
            selectors_item = Selector.from_dict(selectors_item_data)

            selectors.append(selectors_item)

        subscription_type = SubscriptionType(d.pop("subscription_type"))

        def _parse_accounts(data: object) -> int | list[str] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                componentsschemas_account_choice_type_1 = cast(list[str], data)

                return componentsschemas_account_choice_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(int | list[str] | None | Unset, data)

        accounts = _parse_accounts(d.pop("accounts", UNSET))

        def _parse_as_of(data: object) -> datetime.date | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                as_of_type_0 = datetime.date.fromisoformat(data)

                return as_of_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.date | None | Unset, data)

        as_of = _parse_as_of(d.pop("as_of", UNSET))

        def _parse_broker(data: object) -> Broker | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                broker_type_0 = Broker(data)

                return broker_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Broker | None | Unset, data)

        broker = _parse_broker(d.pop("broker", UNSET))

        def _parse_capacity(data: object) -> CapacityWord | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                capacity_type_0 = CapacityWord(data)

                return capacity_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(CapacityWord | None | Unset, data)

        capacity = _parse_capacity(d.pop("capacity", UNSET))

        def _parse_connections(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        connections = _parse_connections(d.pop("connections", UNSET))

        def _parse_description(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        description = _parse_description(d.pop("description", UNSET))

        def _parse_dry_run(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        dry_run = _parse_dry_run(d.pop("dry_run", UNSET))

        def _parse_filtering_strictness(
            data: object,
        ) -> FilteringStrictness | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                filtering_strictness_type_0 = FilteringStrictness(data)

                return filtering_strictness_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(FilteringStrictness | None | Unset, data)

        filtering_strictness = _parse_filtering_strictness(
            d.pop("filtering_strictness", UNSET)
        )

        def _parse_max_instruments(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        max_instruments = _parse_max_instruments(d.pop("max_instruments", UNSET))

        def _parse_min_mode(data: object) -> Mode | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                min_mode_type_0 = Mode(data)

                return min_mode_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Mode | None | Unset, data)

        min_mode = _parse_min_mode(d.pop("min_mode", UNSET))

        def _parse_mode(data: object) -> Mode | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                mode_type_0 = Mode(data)

                return mode_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Mode | None | Unset, data)

        mode = _parse_mode(d.pop("mode", UNSET))

        def _parse_optimization_level(data: object) -> None | OptimizationLevel | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                optimization_level_type_0 = OptimizationLevel(data)

                return optimization_level_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | OptimizationLevel | Unset, data)

        optimization_level = _parse_optimization_level(
            d.pop("optimization_level", UNSET)
        )

        def _parse_placement(data: object) -> None | PlacementStrategy | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                placement_type_0 = PlacementStrategy(data)

                return placement_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | PlacementStrategy | Unset, data)

        placement = _parse_placement(d.pop("placement", UNSET))

        def _parse_previous_plan_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        previous_plan_id = _parse_previous_plan_id(d.pop("previous_plan_id", UNSET))

        def _parse_tier(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        tier = _parse_tier(d.pop("tier", UNSET))

        plan_of_selectors = cls(
            plan_name=plan_name,
            selectors=selectors,
            subscription_type=subscription_type,
            accounts=accounts,
            as_of=as_of,
            broker=broker,
            capacity=capacity,
            connections=connections,
            description=description,
            dry_run=dry_run,
            filtering_strictness=filtering_strictness,
            max_instruments=max_instruments,
            min_mode=min_mode,
            mode=mode,
            optimization_level=optimization_level,
            placement=placement,
            previous_plan_id=previous_plan_id,
            tier=tier,
        )

        return plan_of_selectors

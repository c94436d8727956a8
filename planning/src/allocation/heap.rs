//! The memory that the part of a plan at its broker uses.

use std::sync::Arc;

use super::{
    AllocatedConnection, Allocation, BrokerPart, LoweredMode, Needed, SubscribedInstrument, SubscribedLeg,
    Subscriptions, SubstitutedMode, Terms, UsedLimit,
};
use crate::heap::{Heap, arc};
use crate::keys::KeyList;

impl BrokerPart {
    /// Returns the size of all blocks of memory that the part uses, its own included, except the instruments of the
    /// plan.
    pub(crate) fn heap_bytes(&self, instruments: &Arc<KeyList>) -> usize {
        let BrokerPart { allocation, subscriptions, request } = self;
        arc::<BrokerPart>()
            + arc::<Allocation>()
            + allocation.heap_bytes()
            + subscriptions.heap_bytes()
            + request.heap_bytes(instruments)
    }
}

impl Heap for Allocation {
    fn heap_bytes(&self) -> usize {
        self.tier.heap_bytes()
            + self.accounts.heap_bytes()
            + self.connections.heap_bytes()
            + self.limits.heap_bytes()
            + self.lowered.heap_bytes()
            + self.substituted.heap_bytes()
            + self.needed.heap_bytes()
            + self.assumed.heap_bytes()
    }
}

impl Heap for AllocatedConnection {
    fn heap_bytes(&self) -> usize {
        self.account.heap_bytes() + self.endpoint.heap_bytes() + self.modes.heap_bytes()
    }
}

impl Heap for UsedLimit {
    fn heap_bytes(&self) -> usize {
        self.limit.heap_bytes() + self.scope.heap_bytes() + self.source.heap_bytes()
    }
}

impl Heap for LoweredMode {
    fn heap_bytes(&self) -> usize {
        self.instrument.heap_bytes() + self.limit.heap_bytes()
    }
}

impl Heap for SubstitutedMode {
    fn heap_bytes(&self) -> usize {
        self.instrument.heap_bytes()
    }
}

impl Heap for Needed {
    fn heap_bytes(&self) -> usize {
        self.limit.heap_bytes() + self.text.heap_bytes()
    }
}

impl Heap for Subscriptions {
    fn heap_bytes(&self) -> usize {
        self.catalogue_version.heap_bytes()
            + self.terms.heap_bytes()
            + self.instruments.heap_bytes()
            + self.legs.heap_bytes()
    }
}

impl Heap for SubscribedInstrument {
    fn heap_bytes(&self) -> usize {
        self.token.heap_bytes()
    }
}

impl Heap for Terms {
    fn heap_bytes(&self) -> usize {
        0
    }
}

impl Heap for SubscribedLeg {
    fn heap_bytes(&self) -> usize {
        0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::allocation::stored::tests::any_subscriptions;
    use crate::heap::block;
    use crate::vocabulary::Mode;

    #[test]
    fn texts_of_an_allocation_count_with_their_length() {
        let limit = |source: &str| UsedLimit {
            limit: "connections".to_owned(),
            scope: "account a".to_owned(),
            used: 1,
            allowed: 3,
            binding: false,
            source: source.to_owned(),
            seen: None,
        };
        let lowered = LoweredMode {
            instrument: "NSE:TCS".to_owned(),
            from: Mode::Full,
            to: Mode::Ltp,
            limit: "modes.full.alone".to_owned(),
        };
        let substituted = SubstitutedMode { instrument: "k".repeat(200), from: Mode::Quote, to: Mode::Full };
        let needed = Needed { limit: "accounts".to_owned(), add: 1, admits: 2, text: "t".repeat(40) };
        let connection = AllocatedConnection {
            connection: 1,
            account: "a".to_owned(),
            endpoint: "market".to_owned(),
            instruments: 1,
            modes: [(Mode::Full, 1)].into(),
            messages_per_second: crate::instrument::Amount::ZERO,
            bytes_per_second: 0,
        };

        assert_eq!(limit(&"s".repeat(1000)).heap_bytes(), 16 + 16 + block(1000));
        assert_eq!(vec![limit("")].heap_bytes(), block(size_of::<UsedLimit>()) + 16 + 16);
        assert_eq!(lowered.heap_bytes(), 8 + 16);
        assert_eq!(substituted.heap_bytes(), block(200));
        assert_eq!(needed.heap_bytes(), 8 + 48);
        assert_eq!(connection.heap_bytes(), 8 + 8 + connection.modes.heap_bytes());
        assert!(connection.modes.heap_bytes() > 0);
    }

    proptest! {
        #[test]
        fn subscriptions_own_their_lists_and_tokens(subscriptions in any_subscriptions()) {
            let Subscriptions { catalogue_version, terms, instruments, legs } = &subscriptions;
            let tokens: usize = instruments.iter().flat_map(|of| &of.token).map(|token| block(token.len())).sum();

            let lists = block(instruments.capacity() * size_of::<SubscribedInstrument>())
                + block(terms.capacity() * size_of::<Terms>())
                + block(legs.capacity() * size_of::<SubscribedLeg>());
            prop_assert_eq!(subscriptions.heap_bytes(), block(catalogue_version.capacity()) + lists + tokens);
        }
    }
}

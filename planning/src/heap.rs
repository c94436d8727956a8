//! The memory that values use on the heap, for budgets of caches.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::size_of;

use crate::vocabulary::Mode;

/// Number of entries of a full node of a `BTreeMap`.
const NODE_ENTRIES: usize = 11;
/// Size of the counters in front of the value of an `Arc`.
const ARC_COUNTERS: usize = 2 * size_of::<usize>();

/// Size of a page of memory.
const PAGE: usize = 4096;
/// The largest block that shares its pages with others.
const SMALL_MAX: usize = 14 << 10;

/// Returns the size of the block that jemalloc, the allocator of the service, uses for this number of bytes. It has
/// four sizes between two powers of two; blocks of whole pages have any number of them.
pub const fn block(bytes: usize) -> usize {
    match bytes {
        0 => 0,
        1..=8 => 8,
        9..=128 => bytes.next_multiple_of(16),
        129..=SMALL_MAX => bytes.next_multiple_of(bytes.next_power_of_two() / 8),
        _ => bytes.next_multiple_of(PAGE),
    }
}

/// Returns the size of a value behind an `Arc`, without the blocks that the value owns.
pub const fn arc<T>() -> usize {
    block(ARC_COUNTERS + size_of::<T>())
}

/// Returns the size of a string behind an `Arc`.
pub const fn arc_text(text: &str) -> usize {
    block((ARC_COUNTERS + text.len()).next_multiple_of(size_of::<usize>()))
}

/// Values that own blocks of memory.
pub(crate) trait Heap {
    /// Returns the size of all blocks that the value owns, without its own size.
    fn heap_bytes(&self) -> usize;
}

impl Heap for String {
    fn heap_bytes(&self) -> usize {
        block(self.capacity())
    }
}

impl<T: Heap> Heap for Option<T> {
    fn heap_bytes(&self) -> usize {
        self.as_ref().map_or(0, Heap::heap_bytes)
    }
}

impl<T: Heap> Heap for Vec<T> {
    fn heap_bytes(&self) -> usize {
        block(self.capacity() * size_of::<T>()) + self.iter().map(Heap::heap_bytes).sum::<usize>()
    }
}

impl Heap for Box<str> {
    fn heap_bytes(&self) -> usize {
        block(self.len())
    }
}

impl Heap for Mode {
    fn heap_bytes(&self) -> usize {
        0
    }
}

impl<K: Heap, V> Heap for BTreeMap<K, V> {
    fn heap_bytes(&self) -> usize {
        nodes::<K, V>(self.len()) + self.keys().map(Heap::heap_bytes).sum::<usize>()
    }
}

impl<K: Heap> Heap for BTreeSet<K> {
    fn heap_bytes(&self) -> usize {
        nodes::<K, ()>(self.len()) + self.iter().map(Heap::heap_bytes).sum::<usize>()
    }
}

/// Returns the size of the nodes of a tree. Approximate, because the shape of the tree is not visible: nodes are full,
/// as in a map that is collected.
fn nodes<K, V>(count: usize) -> usize {
    // Each node has a pointer to its parent and two small numbers.
    let node = NODE_ENTRIES * (size_of::<K>() + size_of::<V>()) + 2 * size_of::<usize>();
    // One node of the next level per twelve nodes, with their pointers.
    let leaves = count.div_ceil(NODE_ENTRIES);
    let parents = leaves / (NODE_ENTRIES + 1);
    leaves * block(node) + parents * block(node + (NODE_ENTRIES + 1) * size_of::<usize>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_have_the_sizes_of_the_allocator() {
        for (bytes, size) in [
            (0, 0),
            (1, 8),
            (9, 16),
            (17, 32),
            (33, 48),
            (113, 128),
            (129, 160),
            (225, 256),
            (257, 320),
            (513, 640),
            (4097, 5120),
            (14_336, 14_336),
            (14_337, 16_384),
            (16_385, 20_480),
            (100_000, 102_400),
            (1 << 20, 1 << 20),
        ] {
            assert_eq!(block(bytes), size, "{bytes}");
        }
    }

    #[test]
    fn a_list_owns_its_block_and_those_of_its_elements() {
        let mut list = Vec::with_capacity(10);
        list.push("twelve bytes".to_owned());

        assert_eq!(list.heap_bytes(), block(10 * size_of::<String>()) + 16);
        assert_eq!(Some(list).heap_bytes(), 272);
        assert_eq!(None::<String>.heap_bytes(), 0);
    }
}

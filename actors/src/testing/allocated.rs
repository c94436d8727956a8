//! Counts the bytes that each thread has allocated.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;

use tikv_jemallocator::{Jemalloc, usable_size};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
}

/// The allocator of the service, with a counter.
struct Counting;

// SAFETY: every call is passed on to the allocator unchanged; the counter touches no memory of the caller.
#[allow(unsafe_code, reason = "an allocator requires it")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller complies with the contract of this function, which is that of the allocator.
        let pointer = unsafe { Jemalloc.alloc(layout) };
        count(size_of_block(pointer));
        pointer
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-size_of_block(pointer));
        // SAFETY: as above.
        unsafe { Jemalloc.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(-size_of_block(pointer));
        // SAFETY: as above.
        let pointer = unsafe { Jemalloc.realloc(pointer, layout, size) };
        count(size_of_block(pointer));
        pointer
    }
}

fn size_of_block(pointer: *mut u8) -> isize {
    // SAFETY: the pointer is null or comes from this allocator.
    #[allow(unsafe_code, reason = "the allocator knows only pointers")]
    let size = if pointer.is_null() { 0 } else { unsafe { usable_size(pointer) } };
    isize::try_from(size).unwrap_or(isize::MAX)
}

fn count(bytes: isize) {
    LIVE.set(LIVE.get() + bytes);
}

/// Returns the number of bytes by which the memory of this thread grows during `make`, and the result.
pub(crate) fn growth_of<T>(make: impl FnOnce() -> T) -> (usize, T) {
    let before = LIVE.get();
    let made = make();
    (usize::try_from(LIVE.get() - before).expect("the memory grows"), made)
}

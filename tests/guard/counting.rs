//! The system's allocator, which counts how often it is asked and for how much: for the benches of the
//! rules, of the server and of the load generator.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

/// Asks the system, and counts.
pub(crate) struct Counting {
    allocations: AtomicU64,
    reallocations: AtomicU64,
    bytes: AtomicU64,
}

/// What was asked for since the process began, or since an earlier count.
#[derive(Clone, Copy)]
pub(crate) struct Counts {
    /// How often memory was asked for anew.
    pub(crate) allocations: u64,
    /// How often memory was asked to grow or shrink.
    pub(crate) reallocations: u64,
    /// The bytes of both; what grows counts with its whole new size, since it may be copied.
    pub(crate) bytes: u64,
}

impl Counts {
    /// What came after an earlier count.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            allocations: self.allocations - earlier.allocations,
            reallocations: self.reallocations - earlier.reallocations,
            bytes: self.bytes - earlier.bytes,
        }
    }
}

impl Counting {
    pub(crate) const fn new() -> Self {
        Self {
            allocations: AtomicU64::new(0),
            reallocations: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    /// All that was asked for so far, by any thread.
    pub(crate) fn counts(&self) -> Counts {
        Counts {
            allocations: self.allocations.load(Ordering::Relaxed),
            reallocations: self.reallocations.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }

    fn note(&self, count: &AtomicU64, bytes: usize) {
        count.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

#[expect(
    unsafe_code,
    reason = "an allocator is unsafe by its trait; this one only counts"
)]
// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.note(&self.allocations, layout.size());
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.note(&self.allocations, layout.size());
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: it came from an allocation above, that is from the system.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        self.note(&self.reallocations, size);
        // SAFETY: it came from an allocation above, that is from the system.
        unsafe { System.realloc(memory, layout, size) }
    }
}

//! What the allocator says about memory, and asking it to give memory back.

use tikv_jemalloc_ctl::{Access, AsName, arenas, epoch, stats, stats_print, version};

/// Bytes as the allocator counts them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AllocatorBytes {
    /// Handed out.
    pub(super) allocated: u64,
    /// In pages that hold something handed out.
    pub(super) active: u64,
    /// In pages that are mapped and may be resident.
    pub(super) resident: u64,
    /// In pages kept but given up to the system.
    pub(super) muzzy: u64,
}

/// Returns the allocator's figures; zeros if the process runs on another one.
pub(super) fn bytes() -> AllocatorBytes {
    // The figures are those of the moment of the last `advance`.
    if epoch::advance().is_err() {
        return AllocatorBytes::default();
    }
    // 4096 stands for all arenas together.
    let wide = |read: tikv_jemalloc_ctl::Result<usize>| read.unwrap_or(0) as u64;
    AllocatorBytes {
        allocated: wide(stats::allocated::read()),
        active: wide(stats::active::read()),
        resident: wide(stats::resident::read()),
        muzzy: wide(b"stats.arenas.4096.pmuzzy\0".name().read())
            * wide(b"arenas.page\0".name().read()),
    }
}

/// Returns name and version of the allocator, `jemalloc-5.3.0`.
pub(super) fn name() -> String {
    let Ok(text) = version::read() else { return "libc".into() };
    let number = text.split('-').next().unwrap_or(text);
    format!("jemalloc-{number}")
}

/// Returns the allocator's own report, or `None` if there is none.
pub(super) fn report() -> Option<Vec<u8>> {
    version::read().ok()?;
    let mut text = Vec::new();
    stats_print::stats_print(&mut text, stats_print::Options::default()).ok()?;
    Some(text)
}

/// Returns unused pages of all arenas to the system; says whether the allocator could.
pub(super) fn purge() -> bool {
    let Ok(count) = arenas::narenas::read() else { return false };
    for arena in 0..count {
        for kind in ["dirty", "muzzy"] {
            let name = format!("arena.{arena}.{kind}_decay_ms\0");
            let decay: tikv_jemalloc_ctl::Result<isize> = name.name().read();
            // An arena that was never used has nothing to return and refuses.
            if let Ok(decay_ms) = decay {
                // A time of zero returns everything at once; then the old time is back in force.
                let _ = name.name().write(0_isize);
                let _ = name.name().write(decay_ms);
            }
        }
    }
    true
}

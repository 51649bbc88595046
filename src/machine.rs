//! What this machine has: memory and processors.

use std::thread;
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

/// Bytes of memory that this process can use: those of the machine, or fewer if it was given fewer.
pub fn memory() -> u64 {
    let memory = MemoryRefreshKind::nothing().with_ram();
    let system = System::new_with_specifics(RefreshKind::nothing().with_memory(memory));
    let given = system.cgroup_limits().map(|limits| limits.total_memory);
    let all = system.total_memory();
    // A system that does not tell says 0.
    let all = if all == 0 { u64::MAX } else { all };
    [given, address_space()].into_iter().flatten().fold(all, u64::min)
}

/// Bytes that the process may map at most, where it has such a limit, as `ulimit -v` sets it.
#[cfg(unix)]
fn address_space() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::As).current
}

#[cfg(not(unix))]
fn address_space() -> Option<u64> {
    None
}

/// Name of the processor.
pub fn processor() -> String {
    let cpu = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing());
    let system = System::new_with_specifics(cpu);
    let name = system.cpus().first().map(|cpu| cpu.brand().trim()).unwrap_or_default();
    if name.is_empty() { std::env::consts::ARCH.to_owned() } else { name.to_owned() }
}

/// Threads that can run at the same time.
pub fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_has_memory_and_a_processor() {
        assert!(memory() > 64 << 20, "{}", memory());
        assert!(!processor().is_empty());
        assert!(threads() > 0);
    }
}

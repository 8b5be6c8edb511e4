//! Keeps the memory of this process, which holds passwords, from files and from other processes.

/// Forbids core files and, on Linux, that other processes of the same user read this one's memory.
///
/// Windows has no means for it that needs no unsafe code.
pub fn begin() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        // Lowering a limit is always allowed.
        let _ignored = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        // A core limit of 0 does not hold for a program that the kernel pipes core files to; this does.
        let _ignored = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

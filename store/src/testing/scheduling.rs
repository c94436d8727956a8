//! The priorities of the threads of this process.

use std::fs;
use std::path::Path;

/// The scheduling of a thread by Linux.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheduling {
    /// The nice value: 0 is the default, higher ones give way.
    pub nice: i32,
    /// The policy: 0 is the default, 5 the idle class.
    pub policy: i32,
}

/// Returns the scheduling of the calling thread.
///
/// # Panics
/// If the system does not report it.
pub fn of_this_thread() -> Scheduling {
    read_thread(Path::new("/proc/thread-self")).unwrap().1
}

/// Returns the names and the scheduling of all threads of the process. Threads that end meanwhile are left out.
///
/// # Panics
/// If the system does not report them.
pub fn of_all_threads() -> Vec<(String, Scheduling)> {
    let threads = fs::read_dir("/proc/self/task").unwrap();
    threads.filter_map(|thread| read_thread(&thread.ok()?.path())).collect()
}

/// See `proc_pid_stat(5)`. The name is in parentheses and may contain spaces.
fn read_thread(thread: &Path) -> Option<(String, Scheduling)> {
    let stat = fs::read_to_string(thread.join("stat")).ok()?;
    let (start, rest) = stat.rsplit_once(')')?;
    let (_, name) = start.split_once('(')?;
    // The first of these fields is the third one of the file.
    let field = |number: usize| rest.split_whitespace().nth(number - 3)?.parse().ok();
    Some((name.to_owned(), Scheduling { nice: field(19)?, policy: field(41)? }))
}

//! What uploads must not leave in a process: threads and open files.

use std::fs;

use super::wait_until;

/// How things stood before.
#[derive(Debug)]
pub struct Traces {
    files: usize,
}

impl Traces {
    /// Takes stock. No other test of the process may run until [`Traces::assert_none`] has returned.
    pub fn take() -> Traces {
        Traces { files: open_files().len() }
    }

    /// Everything that was begun since has gone.
    pub fn assert_none(&self) {
        wait_until("threads are left behind", || library_threads().is_empty());
        let told = format!("files are left open; there were {}, now {:?}", self.files, open_files());
        wait_until(&told, || open_files().len() <= self.files);
    }
}

/// The names of the library's threads that are alive.
pub fn library_threads() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").expect("the threads of this process").flatten();
    let names = tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    let names = names.map(|name| name.trim().to_owned());
    names.filter(|name| name.starts_with("oss-") && name != "oss-server").collect()
}

fn open_files() -> Vec<String> {
    let files = fs::read_dir("/proc/self/fd").expect("the files of this process").flatten();
    files.filter_map(|file| Some(fs::read_link(file.path()).ok()?.display().to_string())).collect()
}

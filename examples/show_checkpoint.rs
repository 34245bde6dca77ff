//! Says what a checkpoint file holds: `cargo run --example show_checkpoint -- FILE`.
//!
//! It may be the checkpoint of a running upload: nothing is locked or changed.

use std::env::args_os;
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = args_os().skip(1);
    let (Some(path), None) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: show_checkpoint FILE");
        return ExitCode::from(2);
    };
    match oss_upload::describe_checkpoint(&PathBuf::from(path)) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

//! How the executors of all languages are started.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::languages::Language;

pub type Commands = BTreeMap<Language, Box<dyn Fn() -> Command + Send + Sync>>;

/// Of the languages whose tools are there. What must be built is built now, in `tools`.
pub fn prepare(tools: &Path) -> Commands {
    let mut commands = Commands::new();
    for language in [Language::Rust, Language::C, Language::Cpp, Language::Python, Language::Go] {
        if let Some(command) = language.executor(tools) {
            commands.insert(language, Box::new(command));
        }
    }
    commands
}

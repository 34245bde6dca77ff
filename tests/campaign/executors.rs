//! The processes that upload: one of each language for a worker, started when it is needed.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::executor::Executor;
use crate::languages::Language;

/// How each language's executor is started.
pub struct Commands(BTreeMap<Language, Box<dyn Fn() -> Command + Send + Sync>>);

impl Commands {
    pub fn prepare(tools: &Path) -> Commands {
        let all = [Language::Rust, Language::C, Language::Cpp, Language::Python, Language::Go];
        let mut commands = Commands(BTreeMap::new());
        for language in all {
            if let Some(command) = language.executor(tools) {
                commands.0.insert(language, Box::new(command));
            }
        }
        commands
    }
}

pub struct Executors<'a> {
    commands: &'a Commands,
    running: BTreeMap<Language, Executor>,
}

impl<'a> Executors<'a> {
    pub fn new(commands: &'a Commands) -> Executors<'a> {
        Executors { commands, running: BTreeMap::new() }
    }

    pub fn languages(&self) -> Vec<Language> {
        self.commands.0.keys().copied().collect()
    }

    /// One that nobody else uses, to be given back.
    pub fn take(&mut self, language: Language) -> Executor {
        self.running.remove(&language).unwrap_or_else(|| Executor::start(&mut self.commands.0[&language]()))
    }

    pub fn give_back(&mut self, language: Language, executor: Executor) {
        self.running.insert(language, executor);
    }

    pub fn end(self) {
        self.running.into_values().for_each(Executor::end);
    }
}

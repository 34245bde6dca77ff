//! The processes that upload: one of each language for a worker, started when it is needed.

use std::collections::BTreeMap;

use crate::commands::Commands;
use crate::executor::Executor;
use crate::languages::Language;

pub struct Executors<'a> {
    commands: &'a Commands,
    running: BTreeMap<Language, Executor>,
}

impl<'a> Executors<'a> {
    pub fn new(commands: &'a Commands) -> Executors<'a> {
        Executors { commands, running: BTreeMap::new() }
    }

    pub fn languages(&self) -> Vec<Language> {
        self.commands.keys().copied().collect()
    }

    /// One that nobody else uses, to be given back.
    pub fn take(&mut self, language: Language) -> Executor {
        self.running.remove(&language).unwrap_or_else(|| Executor::start(&mut self.commands[&language]()))
    }

    pub fn give_back(&mut self, language: Language, executor: Executor) {
        self.running.insert(language, executor);
    }

    pub fn end(self) {
        self.running.into_values().for_each(Executor::end);
    }
}

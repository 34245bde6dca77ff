//! One run, as its seed chooses it: what is uploaded, how, and what happens on the way.

use std::time::Duration;

use fastrand::Rng;
use oss_server::Policy;

use crate::common::PART;
use crate::faults;
use crate::languages::Language;

#[derive(Debug)]
pub struct Plan {
    pub language: Language,
    pub source: Source,
    pub size: usize,
    pub part_size: u64,
    /// 0: the library chooses.
    pub routines: u32,
    pub checkpoint: Checkpoint,
    /// Credentials come from a program; else they are given, and replaced by a call.
    pub by_program: bool,
    pub policy: Policy,
    pub versioned: bool,
    /// Lists of parts have no CRC-64.
    pub no_part_crc: bool,
    pub way: Way,
    pub fail_on_change: bool,
    pub verify_resume: &'static str,
    pub content_md5: bool,
    pub faults: String,
    /// Calls that something happens to. One more follows, to which nothing happens: it must succeed.
    pub lives: Vec<Life>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    File,
    Memory,
    Stream,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checkpoint {
    Off,
    BesideFile,
    File,
    Directory,
}

/// How the server is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Plain,
    Tls,
    Proxy,
}

/// One call.
#[derive(Debug, Default)]
pub struct Life {
    pub before: Vec<Event>,
    /// When the server has got so many requests of the call, and a little later.
    pub during: Vec<(usize, Duration, Event)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    Kill,
    Pause,
    Cancel,
    Change(Change),
    /// The server's clock, in seconds ahead.
    Clock(i64),
    /// New credentials; the old ones end.
    Rotate,
    Policy(Policy),
    /// Another process begins the same upload.
    Second,
    Lose(Loss),
}

/// What becomes of the file: a single system call each, so that it has one content or the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Patch,
    /// The modification time is put back.
    PatchUnseen,
    Append,
    Truncate,
    Replace,
    /// Only the modification time.
    Touch,
    /// Only the change time: the content stays, and so must the upload.
    Chmod,
}

/// What becomes of the checkpoint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    Remove,
    /// This share is kept.
    Truncate(f64),
    /// One bit, at this share of it.
    Flip(f64),
}

impl Plan {
    pub fn choose(rng: &mut Rng, languages: Vec<Language>) -> Plan {
        let part_size = [PART, PART, 2 * PART + 17][rng.usize(..3)];
        let parts = [1, 1, 2, 3, 4, 6, 9][rng.usize(..7)];
        let size = (parts * part_size - [0, 1, 17, rng.u64(..PART)][rng.usize(..4)]) as usize;
        let source =
            [Source::File, Source::File, Source::File, Source::File, Source::Memory, Source::Stream][rng.usize(..6)];
        let checkpoints = [Checkpoint::Off, Checkpoint::BesideFile, Checkpoint::File, Checkpoint::Directory];
        let checkpoint = match source {
            Source::File => checkpoints[rng.usize(..4)],
            Source::Memory => Checkpoint::Off,
            Source::Stream => [Checkpoint::Off, Checkpoint::File][rng.usize(..2)],
        };
        let mut plan = Plan {
            // Python takes long to start; all others are for nothing.
            language: match languages[rng.usize(..languages.len())] {
                Language::Python if rng.u32(..3) > 0 => Language::C,
                language => language,
            },
            source,
            size: if rng.u32(..16) == 0 { 0 } else { size },
            part_size,
            routines: [0, 1, 1, 2, 3, 8][rng.usize(..6)],
            checkpoint,
            by_program: rng.u32(..6) == 0,
            policy: if rng.u32(..3) == 0 { Policy::PutOnly } else { Policy::All },
            versioned: rng.u32(..6) == 0,
            no_part_crc: rng.u32(..8) == 0,
            way: [Way::Plain, Way::Plain, Way::Plain, Way::Plain, Way::Tls, Way::Proxy][rng.usize(..6)],
            fail_on_change: rng.u32(..4) == 0,
            verify_resume: ["in-doubt", "in-doubt", "always", "never"][rng.usize(..4)],
            content_md5: rng.u32(..6) == 0,
            faults: faults::choose(rng),
            lives: Vec::new(),
        };
        plan.lives = (0..rng.usize(..4)).map(|number| plan.life(number, rng)).collect();
        plan
    }

    fn life(&self, number: usize, rng: &mut Rng) -> Life {
        let mut life = Life::default();
        if number > 0 && rng.u32(..3) == 0 {
            let events = [
                Event::Change(self.change(rng)),
                Event::Clock([-3600, 0, 1200, 100_000][rng.usize(..4)]),
                Event::Rotate,
                Event::Policy(self.other_policy(rng)),
                Event::Lose([Loss::Remove, Loss::Truncate(rng.f64()), Loss::Flip(rng.f64())][rng.usize(..3)]),
            ];
            life.before.extend(events[rng.usize(..events.len())..].first());
        }
        let requests = self.size.div_ceil(self.part_size as usize) + 3;
        for _ in 0..rng.usize(..3) {
            let event = [
                Event::Change(self.change(rng)),
                Event::Clock([-3600, 1200, 100_000][rng.usize(..3)]),
                Event::Rotate,
                Event::Policy(self.other_policy(rng)),
                Event::Second,
            ][rng.usize(..5)];
            life.during.push((rng.usize(..requests), soon(rng), event));
        }
        if rng.u32(..4) > 0 {
            let event = [Event::Kill, Event::Kill, Event::Pause, Event::Cancel][rng.usize(..4)];
            life.during.push((rng.usize(..requests), soon(rng), event));
        }
        life.during.retain(|(_, _, event)| self.makes_sense(*event));
        life.before.retain(|event| self.makes_sense(*event));
        life.during.sort_by_key(|(requests, ..)| *requests);
        life
    }

    fn change(&self, rng: &mut Rng) -> Change {
        let changes = [
            Change::Patch,
            Change::PatchUnseen,
            Change::Append,
            Change::Truncate,
            Change::Replace,
            Change::Touch,
            Change::Chmod,
        ];
        changes[rng.usize(..changes.len())]
    }

    fn other_policy(&self, rng: &mut Rng) -> Policy {
        [Policy::All, Policy::PutOnly][rng.usize(..2)]
    }

    fn makes_sense(&self, event: Event) -> bool {
        match event {
            // Who asks for no verification gets none of what leaves no trace.
            Event::Change(Change::PatchUnseen | Change::Chmod) => {
                self.source == Source::File && self.verify_resume != "never"
            }
            Event::Change(_) => self.source == Source::File,
            Event::Pause | Event::Cancel => self.source == Source::File,
            Event::Rotate => self.by_program || self.source == Source::File,
            Event::Lose(_) => self.has_checkpoint(),
            Event::Kill | Event::Clock(_) | Event::Policy(_) | Event::Second => true,
        }
    }

    pub fn has_checkpoint(&self) -> bool {
        self.checkpoint != Checkpoint::Off
    }

    /// Parts that may be in flight when something ends the call.
    pub fn in_flight(&self) -> usize {
        if self.routines == 0 { 64 } else { self.routines as usize }
    }
}

/// Mostly at once: the next thing that an upload does may take less than a millisecond.
pub fn soon(rng: &mut Rng) -> Duration {
    Duration::from_micros((3000.0 * rng.f64().powi(3)) as u64)
}

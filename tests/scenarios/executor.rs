//! A program in one of the languages that carries out orders and says what came out, a line each.
//!
//! An order is a word, then names with values: `upload_file object_key=key part_size=102400`. A response begins with "= "
//! and has names with values too. Values are percent-encoded; a name may come several times.
#![allow(dead_code, reason = "each test binary uses some of it")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

/// What takes longer hangs: also under valgrind, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'/').remove(b':');

pub struct Executor {
    child: Child,
    orders: Option<ChildStdin>,
    responses: Receiver<String>,
}

pub struct Order(String);

impl Order {
    pub fn new(word: &str) -> Order {
        Order(word.to_owned())
    }

    pub fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Order {
        self.0 += &format!(" {name}={}", percent_encode(value.as_ref(), ENCODED));
        self
    }
}

/// Names with their values, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub struct Response(BTreeMap<String, Vec<String>>);

impl Response {
    pub fn of<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Response {
        Response(pairs.map(|(name, value)| (name.to_owned(), vec![value.to_owned()])).collect())
    }

    fn parse(line: &str) -> Response {
        let mut response = Response::default();
        for pair in line.split_whitespace() {
            let (name, value) = pair.split_once('=').unwrap_or_else(|| panic!("no value: {line}"));
            let value = percent_decode_str(value).decode_utf8_lossy().into_owned();
            response.0.entry(name.to_owned()).or_default().push(value);
        }
        response
    }

    /// The value of this name, which was told once.
    pub fn get(&self, name: &str) -> &str {
        match self.all(name) {
            [value] => value,
            values => panic!("{name} was told {} times in {self:?}", values.len()),
        }
    }

    pub fn number(&self, name: &str) -> u64 {
        let value = self.get(name);
        value.parse().unwrap_or_else(|_| panic!("{name} is {value:?}, not a number"))
    }

    pub fn all(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl Executor {
    pub fn start(command: &mut Command) -> Executor {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the executor starts");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        let (tell, responses) = channel();
        thread::spawn(move || {
            // Test harnesses print lines of their own.
            for line in output.lines().map_while(Result::ok) {
                if let Some(response) = line.strip_prefix("= ").or(line.strip_prefix("=")) {
                    // Whoever has given up does not listen any more.
                    let _ = tell.send(response.to_owned());
                }
            }
        });
        let orders = child.stdin.take();
        Executor { child, orders, responses }
    }

    pub fn ask(&mut self, order: Order) -> Response {
        self.send(&order);
        self.response(PATIENCE).unwrap_or_else(|| panic!("no response to {}", order.0))
    }

    /// Gives an order without waiting for what comes out.
    pub fn send(&mut self, order: &Order) {
        let orders = self.orders.as_mut().expect("it has not been ended");
        writeln!(orders, "{}", order.0).unwrap_or_else(|error| panic!("{}: {error}", order.0));
    }

    /// What came out of the order that was sent; `None` when nothing has within `patience`.
    pub fn response(&mut self, patience: Duration) -> Option<Response> {
        match self.responses.recv_timeout(patience) {
            Ok(line) => Some(Response::parse(&line)),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => panic!("it has ended, with {:?}", self.status()),
        }
    }

    /// How it has ended. `None`: not within a second, since whoever traces it keeps it.
    fn status(&mut self) -> Option<ExitStatus> {
        for _ in 0..100 {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            thread::sleep(Duration::from_millis(10));
        }
        None
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// By SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().expect("it is killed");
        let status = self.child.wait().expect("its end");
        assert!(status.code().is_none(), "it had ended by itself, with {status}");
    }

    /// No more orders: it ends, and well.
    pub fn end(mut self) {
        self.orders = None;
        let status = self.child.wait().expect("the executor ends");
        assert!(status.success(), "the executor ended with {status}");
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        // One that has ended is not there any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

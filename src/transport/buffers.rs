//! How much is held of a request and of a response.

/// What is read of a file goes straight into this buffer, and from there to the socket. Smaller ones cost more system
/// calls and wake the receiver more often (64 KiB an eighth more CPU time); much larger ones cost memory (benches/).
pub(super) const OUTPUT_BUFFER: usize = 256 * 1024;
/// Bytes that lie in memory are sent from there, unless there are so few that they wait in the buffer for others.
pub(super) const WORTH_LENDING: usize = HELD;
/// The head of a request leaves together with the beginning of its body, and a small file with one system call.
pub(super) const HELD: usize = 16 * 1024;
/// The longest head of a response: gateways add policies and cookies to what OSS sends, and other clients take as much.
pub(super) const MOST_HEAD: usize = 64 * 1024;
/// It has room for the longest head, and for what shows that one is longer.
pub(super) const INPUT_BUFFER: usize = MOST_HEAD + 4096;

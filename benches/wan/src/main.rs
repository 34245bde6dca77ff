//! A wide-area link between two network namespaces, for kernels without netem: a TUN device in each, and between them, in
//! this process, a queue with a rate, a length, a delay and random losses for each direction.
//!
//! usage: wan NAMESPACE_A NAMESPACE_B DELAY_MS BITS_PER_SECOND QUEUE_BYTES LOSS
//!
//! A gets 10.99.0.1, B gets 10.99.0.2. DELAY_MS is one way, LOSS a share of the frames from 0 to 1. Prints "ready" and
//! runs until it is killed; the devices go with it.

mod packet;

use std::collections::VecDeque;
use std::ffi::CString;
use std::io::{Error, Result};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::process::{Command, exit};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use packet::Packet;

/// The kernel hands over several frames at once, up to 64 KiB.
const MOST_BYTES: usize = 70_000;
const SEED: u64 = 88_172_645_463_325_252;

#[derive(Clone, Copy)]
struct Link {
    delay: Duration,
    bytes_per_second: f64,
    queue: f64,
    loss: f64,
}

/// What is on its way in one direction, and when it arrives.
#[derive(Default)]
struct OnTheWay {
    packets: Mutex<VecDeque<(Instant, Packet)>>,
    more: Condvar,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [from, to, delay, rate, queue, loss] = arguments.as_slice() else {
        eprintln!("usage: wan NAMESPACE_A NAMESPACE_B DELAY_MS BITS_PER_SECOND QUEUE_BYTES LOSS");
        exit(2);
    };
    let number = |text: &String| text.parse::<f64>().unwrap_or_else(|_| panic!("{text} is no number"));
    let link = Link {
        delay: Duration::from_secs_f64(number(delay) / 1000.0),
        bytes_per_second: number(rate) / 8.0,
        queue: number(queue),
        loss: number(loss),
    };
    let a = Arc::new(tun(from, "wan-a", "10.99.0.1")?);
    let b = Arc::new(tun(to, "wan-b", "10.99.0.2")?);
    let mut threads = Vec::new();
    for (way_number, from, to) in [(0, a.clone(), b.clone()), (1, b, a)] {
        let way = Arc::new(OnTheWay::default());
        let arrivals = way.clone();
        threads.push(thread::spawn(move || take_in(&from, &way, link, Dice(SEED + way_number))));
        threads.push(thread::spawn(move || deliver(&to, &arrivals)));
    }
    println!("ready");
    threads.into_iter().for_each(|thread| thread.join().expect("a thread that does not panic"));
    Ok(())
}

/// A TUN device in a namespace that exists. A thread can be moved to another namespace only as a whole, so it is one of
/// its own.
fn tun(namespace: &str, device: &str, address: &str) -> Result<OwnedFd> {
    let (namespace, device, address) = (namespace.to_owned(), device.to_owned(), address.to_owned());
    thread::spawn(move || {
        let namespace_file = CString::new(format!("/var/run/netns/{namespace}")).expect("a name without NUL");
        enter(&open(&namespace_file)?)?;
        let tun = open(c"/dev/net/tun")?;
        let mut request = [0u8; 40];
        request[..device.len()].copy_from_slice(device.as_bytes());
        let flags = libc::IFF_TUN | libc::IFF_NO_PI | libc::IFF_VNET_HDR;
        request[16..18].copy_from_slice(&(flags as i16).to_ne_bytes());
        // Checksums and segmentation are left to the link: one packet then holds up to 45 frames.
        let offloads = libc::TUN_F_CSUM | libc::TUN_F_TSO4;
        // SAFETY: the request is an ifreq, which has 40 bytes.
        check(unsafe { libc::ioctl(tun.as_raw_fd(), libc::TUNSETIFF, request.as_ptr()) })?;
        // SAFETY: the argument is a number.
        check(unsafe { libc::ioctl(tun.as_raw_fd(), libc::TUNSETOFFLOAD, offloads) })?;
        for command in [
            format!("addr add {address}/24 dev {device}"),
            format!("link set {device} mtu 1500 txqueuelen 10000 up"),
            "link set lo up".to_owned(),
        ] {
            let status = Command::new("ip").args(["-n", &namespace]).args(command.split(' ')).status()?;
            assert!(status.success(), "ip -n {namespace} {command}");
        }
        Ok(tun)
    })
    .join()
    .expect("a thread that does not panic")
}

fn open(path: &std::ffi::CStr) -> Result<OwnedFd> {
    // SAFETY: the path ends with NUL; the descriptor is new and nobody else's.
    unsafe {
        let file = libc::open(path.as_ptr(), libc::O_RDWR | libc::O_CLOEXEC);
        let file = if file < 0 { libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) } else { file };
        check(file)?;
        Ok(OwnedFd::from_raw_fd(file))
    }
}

fn enter(namespace: &OwnedFd) -> Result<()> {
    // SAFETY: plain numbers.
    check(unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) })
}

fn check(result: i32) -> Result<()> {
    if result < 0 { Err(Error::last_os_error()) } else { Ok(()) }
}

/// Reads what is sent, decides the fate of each frame, and when the others arrive.
fn take_in(from: &OwnedFd, way: &OnTheWay, link: Link, mut dice: Dice) {
    let mut buffer = vec![0u8; MOST_BYTES];
    let mut free_at = Instant::now();
    loop {
        // SAFETY: the buffer is as long as is said.
        let count = unsafe { libc::read(from.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len()) };
        let Ok(count @ 1..) = usize::try_from(count) else { return };
        let Some(packet) = Packet::new(&buffer[..count]) else { continue };
        let now = Instant::now();
        free_at = free_at.max(now);
        let survives = |frame: usize| {
            let wire = packet.wire_bytes(frame);
            let backlog = (free_at - now).as_secs_f64() * link.bytes_per_second;
            if backlog + wire > link.queue || dice.roll() < link.loss {
                return false;
            }
            free_at += Duration::from_secs_f64(wire / link.bytes_per_second);
            true
        };
        let pieces = packet.keep(survives);
        let mut packets = way.packets.lock().expect("no panic");
        packets.extend(pieces.into_iter().map(|piece| (free_at + link.delay, piece)));
        way.more.notify_one();
    }
}

fn deliver(to: &OwnedFd, way: &OnTheWay) {
    loop {
        let mut packets = way.packets.lock().expect("no panic");
        while packets.is_empty() {
            packets = way.more.wait(packets).expect("no panic");
        }
        let now = Instant::now();
        let wait = packets[0].0.saturating_duration_since(now);
        if !wait.is_zero() {
            drop(packets);
            thread::sleep(wait);
            continue;
        }
        let due = packets.partition_point(|(arrival, _)| *arrival <= now);
        let batch: Vec<_> = packets.drain(..due).collect();
        drop(packets);
        for (_, packet) in batch {
            // A packet that the kernel does not take is one more that is lost.
            // SAFETY: the bytes are the packet's.
            unsafe { libc::write(to.as_raw_fd(), packet.bytes().as_ptr().cast(), packet.bytes().len()) };
        }
    }
}

/// The same numbers in every run (xorshift).
struct Dice(u64);

impl Dice {
    /// From 0 to 1.
    fn roll(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

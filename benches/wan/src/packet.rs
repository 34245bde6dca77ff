//! What the kernel hands over at once: one frame, or many TCP segments in one packet (segmentation offload).

/// Before every packet: struct virtio_net_hdr.
const OFFLOAD_HEADER: usize = 10;
const GSO_TYPE: usize = 1;
const GSO_SIZE: usize = 4;
const GSO_TCP4: u8 = 1;
const GSO_ECN: u8 = 0x80;

/// Preamble, gap, Ethernet header and checksum around a frame.
const ETHERNET: f64 = 38.0;

const FIN_AND_PSH: u8 = 0x09;
const CWR: u8 = 0x80;

pub struct Packet {
    bytes: Vec<u8>,
    /// Of IP and TCP.
    headers: usize,
    tcp: usize,
    /// Payload of a full frame.
    segment: usize,
    frames: usize,
}

impl Packet {
    pub fn new(bytes: &[u8]) -> Option<Packet> {
        let ip = bytes.get(OFFLOAD_HEADER..)?;
        let mut packet = Packet { bytes: bytes.to_vec(), headers: 0, tcp: 0, segment: ip.len().max(1), frames: 1 };
        if bytes[GSO_TYPE] & !GSO_ECN == GSO_TCP4 {
            packet.tcp = OFFLOAD_HEADER + usize::from(ip.first()? & 0x0f) * 4;
            packet.headers = packet.tcp - OFFLOAD_HEADER + usize::from(bytes.get(packet.tcp + 12)? >> 4) * 4;
            packet.segment = usize::from(u16::from_ne_bytes([bytes[GSO_SIZE], bytes[GSO_SIZE + 1]])).max(1);
            packet.frames = ip.len().checked_sub(packet.headers)?.div_ceil(packet.segment).max(1);
        }
        Some(packet)
    }

    /// With what the kernel needs to know about it in front.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What a frame, counted from 0, takes up of the wire.
    pub fn wire_bytes(&self, frame: usize) -> f64 {
        let payload = self.bytes.len() - OFFLOAD_HEADER - self.headers;
        (self.headers + (payload - frame * self.segment).min(self.segment)) as f64 + ETHERNET
    }

    /// What is left when only the frames get through that `survive`: a packet for each run of neighbours.
    pub fn keep(&self, survive: impl FnMut(usize) -> bool) -> Vec<Packet> {
        let fate: Vec<bool> = (0..self.frames).map(survive).collect();
        let mut pieces = Vec::new();
        let mut frame = 0;
        while frame < self.frames {
            let run = fate[frame..].iter().take_while(|survives| **survives).count();
            if run > 0 {
                pieces.push(self.piece(frame, run));
            }
            frame += run.max(1);
        }
        pieces
    }

    /// `count` frames from the one numbered `first`.
    fn piece(&self, first: usize, count: usize) -> Packet {
        let start = OFFLOAD_HEADER + self.headers;
        let from = start + first * self.segment;
        let to = (from + count * self.segment).min(self.bytes.len());
        let mut bytes = [&self.bytes[..start], &self.bytes[from..to]].concat();
        if count < self.frames {
            self.set_headers(&mut bytes, first, first + count == self.frames, count);
        }
        Packet { bytes, frames: count, ..*self }
    }

    /// The TCP checksum is left as it is: a packet that says it still needs one is not checked by the receiving kernel.
    fn set_headers(&self, bytes: &mut [u8], first: usize, is_last: bool, count: usize) {
        if count == 1 {
            bytes[GSO_TYPE] = 0;
            bytes[GSO_SIZE..GSO_SIZE + 2].fill(0);
        }
        let sequence = self.tcp + 4..self.tcp + 8;
        let number = u32::from_be_bytes(bytes[sequence.clone()].try_into().expect("four bytes"));
        bytes[sequence].copy_from_slice(&number.wrapping_add((first * self.segment) as u32).to_be_bytes());
        let flags = &mut bytes[self.tcp + 13];
        *flags &= if is_last { !0 } else { !FIN_AND_PSH };
        *flags &= if first == 0 { !0 } else { !CWR };
        let length = (bytes.len() - OFFLOAD_HEADER) as u16;
        let ip = &mut bytes[OFFLOAD_HEADER..self.tcp];
        ip[2..4].copy_from_slice(&length.to_be_bytes());
        ip[10..12].fill(0);
        let checksum = checksum(ip);
        ip[10..12].copy_from_slice(&checksum.to_be_bytes());
    }
}

fn checksum(header: &[u8]) -> u16 {
    let sum: u32 = header.chunks_exact(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    !((sum & 0xffff) + (sum >> 16)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three segments: 1000, 1000 and 500 bytes, sequence number 7, FIN, PSH and CWR.
    fn packet() -> Packet {
        let mut bytes = vec![0; OFFLOAD_HEADER + 40];
        bytes[GSO_TYPE] = GSO_TCP4;
        bytes[GSO_SIZE..GSO_SIZE + 2].copy_from_slice(&1000u16.to_ne_bytes());
        bytes[OFFLOAD_HEADER] = 0x45;
        bytes[OFFLOAD_HEADER + 27] = 7;
        bytes[OFFLOAD_HEADER + 32] = 0x50;
        bytes[OFFLOAD_HEADER + 33] = 0x10 | FIN_AND_PSH | CWR;
        bytes.extend((0..2500u32).map(|i| (i / 1000) as u8));
        Packet::new(&bytes).unwrap()
    }

    #[test]
    fn what_is_not_lost_is_unchanged() {
        let whole = packet();
        assert_eq!((whole.frames, whole.wire_bytes(0), whole.wire_bytes(2)), (3, 1078.0, 578.0));
        let kept = whole.keep(|_| true);
        assert_eq!((kept.len(), kept[0].bytes()), (1, whole.bytes()));
        assert!(whole.keep(|_| false).is_empty());
    }

    #[test]
    fn a_lost_frame_splits_a_packet() {
        let kept = packet().keep(|frame| frame != 1);
        assert_eq!(kept.len(), 2);
        let [first, last] = [kept[0].bytes(), kept[1].bytes()];
        assert_eq!((first.len(), last.len()), (OFFLOAD_HEADER + 1040, OFFLOAD_HEADER + 540));
        assert!(first[OFFLOAD_HEADER + 40..].iter().all(|byte| *byte == 0));
        assert!(last[OFFLOAD_HEADER + 40..].iter().all(|byte| *byte == 2));
        assert_eq!((first[OFFLOAD_HEADER + 27], last[OFFLOAD_HEADER + 26..OFFLOAD_HEADER + 28].to_vec()), (7, vec![7, 215]));
        assert_eq!((first[OFFLOAD_HEADER + 33], last[OFFLOAD_HEADER + 33]), (0x10 | CWR, 0x10 | FIN_AND_PSH));
        assert_eq!(checksum(&last[OFFLOAD_HEADER..OFFLOAD_HEADER + 20]), 0);
    }
}

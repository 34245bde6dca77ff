//! Uploads that report, and programs that listen, in many schedules.

use shuttle::thread;

use super::*;
use crate::sync::schedules::in_every_schedule;

/// Two report to a queue that is nearly full while two take events: each event is heard once, or counted as dropped, and those
/// of one upload are heard in their order.
#[test]
fn every_event_is_heard_or_counted() {
    in_every_schedule(|| {
        let client = Arc::new(ClientEvents::default());
        client.queue.next();
        let first = Event::new(EventKind::Ended, &Events::of_client(client.clone()));
        client.queue.lock().events.extend((0..CAPACITY - 2).map(|_| first.clone()));
        let reporters = ["a", "b"].map(|key| {
            let events = Events::new(client.clone(), key);
            thread::spawn(move || (1..=3).for_each(|part| events.tell(EventKind::PartDone, |e| e.part_number = part)))
        });
        let listeners = [0, 1].map(|_| {
            let client = client.clone();
            thread::spawn(move || (0..2).filter_map(|_| client.queue.next()).collect::<Vec<_>>())
        });
        reporters.into_iter().for_each(|reporter| reporter.join().unwrap());
        let mut heard: Vec<Event> = listeners.into_iter().flat_map(|listener| listener.join().unwrap()).collect();
        heard.extend(std::iter::from_fn(|| client.queue.next()));
        let dropped: u64 = heard.iter().map(|event| event.dropped).sum();
        assert_eq!(heard.len() as u64 + dropped, CAPACITY as u64 - 2 + 6);
        for key in ["a", "b"] {
            let parts: Vec<_> = heard.iter().filter(|e| e.object_key == key).map(|e| e.part_number).collect();
            assert_eq!(parts, [1, 2, 3], "only older ones were dropped");
        }
    });
}

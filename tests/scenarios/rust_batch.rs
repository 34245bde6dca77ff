//! The executor for Rust: many files.

use std::path::Path;
use std::time::Duration;

use oss_upload::{
    Batch, BatchMode, BatchOptions, BatchOutcome, BatchProgress, BatchResult, BatchSource, Client, KeyEncoding,
    NextOutcome, OnFileChange, OutcomeStatus, PartSize, Routines, Symlinks,
};

use crate::rust::{Pairs, Told, headers, status_of, tell_end};

pub fn batch(client: &Client, given: &Pairs, told: &mut Told) {
    let started = client.start_batch(batch_options(given));
    let Ok(batch) = started else { return tell_end(told, &started) };
    for pair in given.all("pair") {
        let (path, key) = pair.split_once('\t').map_or((pair.as_str(), None), |(path, key)| (path, Some(key)));
        batch.add(Path::new(path), key).expect("the batch takes it");
    }
    batch.seal();
    take_outcomes(&batch, given, told);
    let end = batch.wait(Duration::MAX).expect("an end");
    tell_end(told, &end.error.map_or(Ok(()), Err));
    tell_result(told, &end.result);
    tell_progress(told, &batch.progress());
}

fn take_outcomes(batch: &Batch, given: &Pairs, told: &mut Told) {
    let (stop, at_outcomes) = (given.text("stop"), given.number::<u32>("at_outcomes"));
    let mut count = 0;
    while let NextOutcome::Outcome(outcome) = batch.next_outcome(Duration::MAX) {
        tell_outcome(told, &outcome);
        count += 1;
        match stop.as_deref() {
            Some("pause") if count == at_outcomes => batch.pause(),
            Some("cancel") if count == at_outcomes => batch.cancel(),
            _ => (),
        }
    }
}

fn batch_options(given: &Pairs) -> BatchOptions {
    BatchOptions {
        bucket: given.text("bucket").unwrap_or_default(),
        key_prefix: given.text("key_prefix").unwrap_or_default(),
        source: match (given.path("directory"), given.path("list_path")) {
            (Some(directory), _) => BatchSource::Directory(directory),
            (_, Some(path)) => BatchSource::List { path, null_separated: given.is_on("list_null_separated") },
            _ => BatchSource::Pushed,
        },
        manifest: given.path("manifest_path"),
        mode: match given.text("mode").as_deref() {
            None | Some("all") => BatchMode::All,
            Some("changed") => BatchMode::Changed,
            Some("retry_failed") => BatchMode::RetryFailed,
            Some("verify") => BatchMode::Verify,
            Some("verify_full") => BatchMode::VerifyFull,
            Some(mode) => panic!("mode {mode}"),
        },
        compare_remote: given.is_on("compare_remote"),
        exclude: given.text("exclude").unwrap_or_default(),
        include: given.text("include").unwrap_or_default(),
        ignore_files: given.is_on("ignore_files"),
        symlinks: match given.text("symlinks").as_deref() {
            Some("skip") => Symlinks::Skip,
            Some("refuse") => Symlinks::Refuse,
            _ => Symlinks::Follow,
        },
        key_encoding: match given.text("key_encoding").as_deref() {
            Some("percent") => KeyEncoding::Percent,
            _ => KeyEncoding::Refuse,
        },
        headers: headers(given),
        part_size: match given.text("part_size").as_deref() {
            None | Some("auto") => PartSize::Auto,
            Some(bytes) => PartSize::Bytes(bytes.parse().expect("a number")),
        },
        connections: match given.text("connections").as_deref() {
            None | Some("auto") => Routines::Auto,
            Some(count) => Routines::Count(count.parse().expect("a number")),
        },
        max_requests_per_second: given.number("max_requests_per_second"),
        on_file_change: match given.text("on_file_change").as_deref() {
            Some("fail") => OnFileChange::Fail,
            _ => OnFileChange::Restart,
        },
        empty_directories: given.is_on("empty_directories"),
        keep_mtime: given.is_on("keep_mtime"),
        stop_on_error: given.is_on("stop_on_error"),
        dry_run: given.is_on("dry_run"),
        outcomes: given.is_on("outcomes"),
        shard_index: given.number("shard_index"),
        shard_count: given.number("shard_count"),
    }
}

fn tell_outcome(told: &mut Told, outcome: &BatchOutcome) {
    let status = match outcome.status {
        OutcomeStatus::Stored => "stored",
        OutcomeStatus::Unchanged => "unchanged",
        OutcomeStatus::Skipped => "skipped",
        OutcomeStatus::Failed => "failed",
        OutcomeStatus::Planned => "planned",
        _ => "unknown",
    };
    let error = outcome.error.as_ref().map(|error| format!("{}: {}", status_of(error), error.message()));
    let fields = [
        status.to_owned(),
        u32::from(outcome.resumed).to_string(),
        outcome.size.to_string(),
        outcome.crc64.to_string(),
        outcome.attempts.to_string(),
        outcome.key.clone(),
        outcome.etag.clone(),
        outcome.version_id.clone(),
        outcome.request_id.clone(),
        shown(&outcome.path),
        outcome.rule.clone(),
        error.unwrap_or_default(),
    ];
    told.tell("outcome", fields.join("|"));
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn tell_result(told: &mut Told, result: &BatchResult) {
    told.tell("batch.files_stored", result.files_stored);
    told.tell("batch.files_resumed", result.files_resumed);
    told.tell("batch.files_unchanged", result.files_unchanged);
    told.tell("batch.files_skipped", result.files_skipped);
    told.tell("batch.files_failed", result.files_failed);
    told.tell("batch.files_planned", result.files_planned);
    told.tell("batch.bytes_stored", result.bytes_stored);
    told.tell("batch.bytes_sent", result.bytes_sent);
    told.tell("batch.requests", result.requests);
    told.tell("batch.manifest_lines_damaged", result.manifest_lines_damaged);
    told.tell("batch.elapsed_ms", result.elapsed.as_millis());
}

fn tell_progress(told: &mut Told, progress: &BatchProgress) {
    told.tell("batch_progress.files_found", progress.files_found);
    told.tell("batch_progress.bytes_found", progress.bytes_found);
    told.tell("batch_progress.totals_known", u32::from(progress.totals_known));
    told.tell("batch_progress.files_stored", progress.files_stored);
    told.tell("batch_progress.files_resumed", progress.files_resumed);
    told.tell("batch_progress.files_unchanged", progress.files_unchanged);
    told.tell("batch_progress.files_skipped", progress.files_skipped);
    told.tell("batch_progress.files_failed", progress.files_failed);
    told.tell("batch_progress.bytes_done", progress.bytes_done);
    told.tell("batch_progress.bytes_sent", progress.bytes_sent);
    told.tell("batch_progress.requests", progress.requests);
    told.tell("batch_progress.retries", progress.retries);
    told.tell("batch_progress.bytes_per_second", progress.bytes_per_second);
    told.tell("batch_progress.files_per_second", progress.files_per_second);
    told.tell("batch_progress.eta_known", u32::from(progress.eta.is_some()));
    told.tell("batch_progress.current_path", &progress.current_path);
    told.tell("batch_progress.current_done", progress.current_done);
    told.tell("batch_progress.current_size", progress.current_size);
    told.tell("batch_progress.ended", u32::from(progress.ended));
}

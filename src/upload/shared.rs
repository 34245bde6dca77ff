//! One object from several hosts: what each of their calls does.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::SystemTime;

use super::job::{Job, OpenSource};
use super::prove::is_denied;
use super::received::{Sent, Trust};
use super::remote::Remote;
use super::resume::{adopt, is_among};
use super::round::{MultipartUpload, Round};
use super::sharing::{Collected, FileTimes, Fragment, SharedStep, Token, part_names};
use super::state::UploadState;
use crate::error::{Error, ErrorKind, Result};
use crate::options::VerifyResume;
use crate::source::{FileSource, MemorySource, Source};
use crate::transfer::{Plan, Step};

/// What is to be done about a file of the wrong size.
const ANOTHER_FILE: &str = "it is another file, or it has changed: all hosts must send the same bytes";
const STOPPED: &str = "what was sent of the shared upload is still on the server, until it is finished or aborted";
const NO_UPLOAD: &str = "the shared upload has been finished or aborted, or the server has removed it: begin anew";

impl Job {
    /// Carries out `step`. What fails leaves the shared upload as it was, for the other hosts.
    pub(super) fn share(self: &Arc<Self>, step: &SharedStep, state: &mut UploadState) -> Result<()> {
        let remote = self.remote(self.control.begin_round());
        remote.meter.enter(Step::Preparing);
        let shared = match step {
            SharedStep::Begin => self.begin_shared(&remote, state),
            SharedStep::Send(token, parts) => self.send_shared(&remote, token, parts.clone(), state),
            SharedStep::Finish(token, parts) => self.finish_shared(&remote, token, parts, state),
            SharedStep::Abort(token) => remote.abort(&token.upload_id),
        };
        shared.map_err(|error| {
            let is_gone = error.service_code() == "NoSuchUpload";
            let error = self.clean_up(None, if is_gone { error.hint(NO_UPLOAD) } else { error }, state);
            match (error.kind(), step.token()) {
                (ErrorKind::Paused | ErrorKind::Cancelled, Some(_)) => error.hint(STOPPED),
                _ => error,
            }
        })
    }

    fn begin_shared(self: &Arc<Self>, remote: &Remote<'_>, state: &mut UploadState) -> Result<()> {
        let source = self.open_source(&remote.stop)?;
        let plan = Plan::new(source.bytes().size(), self.request.part_size)?;
        if plan.size == 0 {
            return Err(Error::invalid(
                "file_path is an empty file, of which there are no parts: upload it in one call",
            ));
        }
        source.bytes().check_end()?;
        let (bytes, file) = (source.bytes(), source.file());
        let mut round = Round { job: self, remote, source: &bytes, file, journal: None, state };
        let upload = round.initiate(&plan)?;
        round.note_plan(&plan, &upload.upload_id);
        let object = self.request.object();
        let token = Token::text(object.bucket, object.key, &upload.upload_id, self.request.shape(), &plan)?;
        state.result.token = token.into();
        // From now on it belongs to who has the token.
        state.open = None;
        Ok(())
    }

    fn send_shared(
        self: &Arc<Self>,
        remote: &Remote<'_>,
        token: &Token,
        numbers: RangeInclusive<u32>,
        state: &mut UploadState,
    ) -> Result<()> {
        let source = self.open_source(&remote.stop)?;
        let bytes = source.bytes();
        check_size(&source, token)?;
        bytes.check_end()?;
        let Some(file) = source.file() else {
            return Err(Error::new(ErrorKind::Internal, "only a file is shared"));
        };
        let parts = numbers.clone().map(|number| token.plan.part(number));
        let (size, count) = parts.fold((0, 0), |(size, count), part| (size + part.size, count + 1));
        remote.meter.begin_round(size, count);
        let mut round = Round { job: self, remote, source: &bytes, file: Some(file), journal: None, state };
        round.note_plan(&token.plan, &token.upload_id);
        let sent = on_server(remote, file, token, &numbers)?;
        sent.iter().for_each(|sent| round.part_resumed(&sent.record.part));
        let mut upload = upload_of(token, sent);
        round.send_missing(&mut upload, numbers)?;
        round.verify(&mut upload.sent)?;
        upload.sent.sort_unstable_by_key(|sent| sent.record.part.number);
        let records = upload.sent.iter().map(|sent| &sent.record);
        state.result.fragment = Fragment::text(token, FileTimes::of(&file.identity()), records)?.into();
        Ok(())
    }

    fn finish_shared(
        self: &Arc<Self>,
        remote: &Remote<'_>,
        token: &Token,
        parts: &Collected,
        state: &mut UploadState,
    ) -> Result<()> {
        let has_file = !self.request.path().as_os_str().is_empty();
        let source = if has_file { Some(self.open_source(&remote.stop)?) } else { None };
        let file = source.as_ref().and_then(OpenSource::file);
        source.as_ref().map_or(Ok(()), |source| check_size(source, token))?;
        let verify = self.request.options.verify_resume;
        if file.is_none() && verify != VerifyResume::Never {
            parts.check_times()?;
        }
        let now = file.map(|file| FileTimes::of(&file.identity()));
        let sent = parts.0.iter().map(|(record, then)| {
            let trust = trust(verify, now.is_none_or(|now| now == *then));
            Sent { record: record.clone(), trust }
        });
        let mut upload = upload_of(token, sent.collect());
        let bytes = source.as_ref().map_or_else(nothing, OpenSource::bytes);
        let mut round = Round { job: self, remote, source: &bytes, file, journal: None, state };
        round.show(&upload);
        let send_again = |error: Error| match error.part_number() {
            0 => error,
            _ => error.hint("send that part again, and finish with its fragment"),
        };
        round.verify(&mut upload.sent).map_err(send_again)?;
        round.complete(&mut upload).map_err(|error| lost_parts(remote, &upload, error))
    }
}

impl Collected {
    /// Fails when the parts may come from different states of the file.
    fn check_times(&self) -> Result<()> {
        let Some((_, first)) = self.0.first() else { return Ok(()) };
        let Some((other, _)) = self.0.iter().find(|(_, times)| times != first) else { return Ok(()) };
        let number = other.part.number;
        let message = format!("part {number} was read from a file with other times than part 1: it may have changed");
        Err(Error::new(ErrorKind::FileChanged, message).with_part(number).hint(
            "set file_path, so that the parts are compared with the file, or verify_resume to never if all hosts have \
             copies with the same bytes",
        ))
    }
}

/// With equal times it is the file that was sent, as it was: each host has made sure that a later write would show.
fn trust(verify: VerifyResume, is_same: bool) -> Trust {
    match verify {
        VerifyResume::Never => Trust::Exempt,
        VerifyResume::WhenInDoubt if is_same => Trust::ReadSince(SystemTime::UNIX_EPOCH),
        VerifyResume::WhenInDoubt | VerifyResume::Always => Trust::Doubted,
    }
}

fn check_size(source: &OpenSource, token: &Token) -> Result<()> {
    let (size, wanted) = (source.bytes().size(), token.plan.size);
    if size == wanted {
        return Ok(());
    }
    let path = source.file().map(|file| file.path().display().to_string()).unwrap_or_default();
    let message = format!("{path} has {size} bytes, but the shared upload is of a file of {wanted} bytes");
    Err(Error::new(ErrorKind::FileChanged, message).hint(ANOTHER_FILE))
}

/// It may have been completed by a call whose end nobody heard of.
fn upload_of(token: &Token, sent: Vec<Sent>) -> MultipartUpload {
    MultipartUpload { upload_id: token.upload_id.clone(), plan: token.plan, sent, completing: true, rate: None }
}

fn nothing() -> Arc<dyn Source> {
    Arc::new(MemorySource::new(Arc::new([])))
}

/// Which of the parts the server has already, from a sender that was killed.
fn on_server(
    remote: &Remote<'_>,
    file: &FileSource,
    token: &Token,
    numbers: &RangeInclusive<u32>,
) -> Result<Vec<Sent>> {
    match remote.list_parts_in(&token.upload_id, numbers) {
        Ok(listed) => adopt(remote, file, None, &token.plan, &BTreeMap::new(), listed, Trust::Doubted),
        // A policy with oss:PutObject alone must be enough.
        Err(error) if is_denied(&error) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Says which parts the server does not have as the fragments tell.
fn lost_parts(remote: &Remote<'_>, upload: &MultipartUpload, error: Error) -> Error {
    if error.service_code() != "InvalidPart" {
        return error;
    }
    let Ok(listed) = remote.list_parts(&upload.upload_id) else { return error };
    let lost = upload.sent.iter().filter(|sent| !is_among(&sent.record, &listed));
    let lost: Vec<u32> = lost.map(|sent| sent.record.part.number).collect();
    let Some(first) = lost.first() else { return error };
    let names = part_names(&lost);
    error.with_part(*first).hint(format_args!("the server does not have {names} as sent: send them again"))
}

//! Whom a client trusts, and what is wrong with a certificate that it does not trust.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::CertificateError::{Expired, ExpiredContext, NotValidYet, NotValidYetContext};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use crate::error::{Error, ErrorKind, Result};
use crate::options::{CertificateAuthorities, ClientOptions};
use crate::os::descriptor;
use crate::text::{self, date};

pub(super) fn config(options: &ClientOptions) -> Result<TlsConfig> {
    let roots = match &options.certificate_authorities {
        CertificateAuthorities::BuiltIn => RootCerts::WebPki,
        CertificateAuthorities::Platform => RootCerts::PlatformVerifier,
        CertificateAuthorities::File(path) => RootCerts::new_with_certs(&certificates(path)?),
    };
    Ok(TlsConfig::builder().root_certs(roots).disable_verification(options.insecure_skip_verify).build())
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>> {
    let unreadable = |error| Error::os(ErrorKind::Io, format!("cannot read the CA file {}", path.display()), &error);
    let mut pem = Vec::new();
    let file = descriptor::open(|| File::open(path));
    file.and_then(|mut file| file.read_to_end(&mut pem)).map_err(unreadable)?;
    let pem = text::lines_without_marks(&pem)
        .map_err(|why| Error::invalid(format!("the CA file {} {why}", path.display())))?;
    let found: Vec<_> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if found.is_empty() {
        return Err(Error::invalid(format!("the CA file {} contains no PEM certificate", path.display())));
    }
    Ok(found)
}

/// Why the server's certificate is not trusted, and what to do; `None` when it is not about its certificate.
pub(super) fn distrust(error: &ureq::Error) -> Option<String> {
    let cause = cause(error)?;
    let now = SystemTime::now();
    match cause {
        rustls::Error::InvalidCertificate(reason) => {
            let clock = clock_trouble(reason, now);
            Some(clock.unwrap_or_else(|| format!("({cause}); set a CA file if it is signed by your own authority")))
        }
        // Before 1970.
        rustls::Error::FailedToGetCurrentTime => Some(format!("because {}, before 1970; set the clock", clock_of(now))),
        _ => None,
    }
}

fn clock_trouble(reason: &rustls::CertificateError, now: SystemTime) -> Option<String> {
    let at = |time: &rustls::pki_types::UnixTime| {
        date::to_the_minute(UNIX_EPOCH.checked_add(Duration::from_secs(time.as_secs())))
    };
    let clock = clock_of(now);
    match reason {
        NotValidYet => Some(format!("yet: {clock}, and its time has not begun; set the clock")),
        NotValidYetContext { not_before, .. } => {
            Some(format!("yet: it is valid from {} on, but {clock}; set the clock", at(not_before)))
        }
        Expired => Some(format!(
            "any more: it has expired, and {clock}; set the clock if it is wrong, otherwise the server needs a new certificate"
        )),
        ExpiredContext { not_after, .. } => Some(format!(
            "any more: it was valid until {}, and {clock}; set the clock when that is wrong, else the server needs a new \
             certificate",
            at(not_after)
        )),
        _ => None,
    }
}

fn clock_of(now: SystemTime) -> String {
    format!("this machine's clock says {}", date::to_the_minute(Some(now)))
}

fn cause(error: &ureq::Error) -> Option<&rustls::Error> {
    match error {
        ureq::Error::Rustls(error) => Some(error),
        ureq::Error::Io(error) => error.get_ref()?.downcast_ref(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rustls::CertificateError;
    use rustls::pki_types::UnixTime;

    use super::*;

    const BILLION: Duration = Duration::from_secs(1_000_000_000);

    fn said(reason: CertificateError, clock: SystemTime) -> Option<String> {
        clock_trouble(&reason, clock)
    }

    #[test]
    fn dates_that_do_not_fit_name_the_clock() {
        let (clock, time, border) =
            (UNIX_EPOCH, UnixTime::since_unix_epoch(Duration::ZERO), UnixTime::since_unix_epoch(BILLION));
        for reason in [NotValidYet, NotValidYetContext { time, not_before: border }] {
            let text = said(reason, clock).unwrap();
            assert!(text.starts_with("yet: ") && text.contains("clock says 1970-01-01 00:00 UTC"), "{text}");
            assert!(text.ends_with("set the clock"), "{text}");
        }
        for reason in [Expired, ExpiredContext { time, not_after: border }] {
            let text = said(reason, UNIX_EPOCH + 4 * BILLION).unwrap();
            assert!(text.starts_with("any more: ") && text.contains("clock says 2096-10-02 07:06 UTC"), "{text}");
            assert!(text.contains("set the clock") && text.contains("new certificate"), "{text}");
        }
        assert!(
            said(ExpiredContext { time, not_after: border }, clock).unwrap().contains("until 2001-09-09 01:46 UTC")
        );
        assert_eq!(said(CertificateError::UnknownIssuer, clock), None);
    }

    #[test]
    fn a_clock_before_1970_is_named_and_other_errors_are_not_about_certificates() {
        let error = ureq::Error::Rustls(rustls::Error::FailedToGetCurrentTime);
        assert!(distrust(&error).unwrap().contains("set the clock"));
        assert_eq!(distrust(&ureq::Error::Rustls(rustls::Error::DecryptError)), None);
        assert_eq!(distrust(&ureq::Error::HostNotFound), None);
    }
}

//! A certificate authority that lives as long as the server, and one certificate from it.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::config::TlsFlaw;

/// The names that the server's certificate is good for, besides those that it is configured with.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

pub(crate) struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) ca_pem: String,
}

impl Tls {
    /// Makes an authority and a certificate for localhost and for `more` names, valid between the days of `valid_days`.
    pub(crate) fn new(
        more: impl IntoIterator<Item = String>,
        valid_days: Option<(i64, i64)>,
        flaw: Option<TlsFlaw>,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let ca_key = KeyPair::generate()?;
        let mut ca = CertificateParams::default();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        ca.distinguished_name.push(DnType::CommonName, "oss-server test CA");
        let ca_certificate = ca.self_signed(&ca_key)?;

        let key = KeyPair::generate()?;
        let names: Vec<String> = NAMES.map(str::to_owned).into_iter().chain(more).collect();
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, "oss-server");
        if let Some((first, last)) = valid_days {
            let now = OffsetDateTime::now_utc();
            (params.not_before, params.not_after) = (now + Duration::days(first), now + Duration::days(last));
        }
        params.use_authority_key_identifier_extension = true;
        if flaw == Some(TlsFlaw::ForClients) {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        }
        let authority = Issuer::new(ca, &ca_key);
        let chain = match flaw {
            Some(TlsFlaw::SelfSigned) => vec![params.self_signed(&key)?],
            Some(TlsFlaw::SignedByServer) => {
                let signer_key = KeyPair::generate()?;
                let signer = params.signed_by(&signer_key, &authority)?;
                let certificate = params.signed_by(&key, &Issuer::new(params.clone(), &signer_key))?;
                vec![certificate, signer]
            }
            Some(TlsFlaw::ForClients) | None => vec![params.signed_by(&key, &authority)?],
        };

        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain.iter().map(|certificate| certificate.der().clone()).collect(), private)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), ca_pem: ca_certificate.pem() })
    }
}

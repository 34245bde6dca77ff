//! Signature version 4: HMAC-SHA256 with a key derived for a day, a region and a product (OSS: include a V4 signature
//! in the header).

use std::time::SystemTime;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::request::{ApiRequest, SignatureHeaders};
use crate::credentials::Credentials;
use crate::text::hex::hex;
use crate::text::{date, percent};

const ALGORITHM: &str = "OSS4-HMAC-SHA256";

/// OSS takes no hash of the body: TLS and the CRC-64 of the response protect it.
const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// What the signatures of one second have in common. The key costs five times as much as a signature, and the dates as
/// much as one.
///
/// It has no `Debug`: it holds a key.
pub struct Signer {
    http_date: String,
    /// As in `20231216T162057Z`.
    date: String,
    /// What a signature is good for.
    scope: String,
    /// What `Authorization` begins with.
    credential: String,
    key: Zeroizing<[u8; 32]>,
}

impl Signer {
    /// Signs with `credentials` as of `now`.
    pub fn new(credentials: &Credentials, region: &str, product: &str, now: SystemTime) -> Signer {
        let date = date::iso_basic(now);
        let day = date.split('T').next().unwrap_or_default();
        let scope = format!("{day}/{region}/{product}/aliyun_v4_request");
        let credential = format!("{ALGORITHM} Credential={}/{scope}", credentials.access_key_id());
        let key = signing_key(credentials, day, region, product);
        Signer { http_date: date::http_date(now), date, scope, credential, key }
    }

    /// The headers that sign `request`. Headers that are added to it later must not be signed ones.
    pub fn sign(&self, request: &ApiRequest, credentials: &Credentials) -> SignatureHeaders {
        self.sign_with(request, credentials, &[])
    }

    /// Signs the headers `additional` (lower-case) too, beside those that are always signed.
    fn sign_with(&self, request: &ApiRequest, credentials: &Credentials, additional: &[&str]) -> SignatureHeaders {
        let mut headers = self.headers(credentials);
        let additional = additional_headers(request, additional);
        let signature = self.signature(&canonical_request(request, &headers, &additional));
        let listed =
            if additional.is_empty() { String::new() } else { format!(",AdditionalHeaders={}", additional.join(";")) };
        let authorization = [&self.credential, listed.as_str(), ",Signature=", &signature].concat();
        headers.push(("authorization", authorization));
        headers
    }

    /// All but the signature.
    fn headers(&self, credentials: &Credentials) -> SignatureHeaders {
        let mut headers = Vec::with_capacity(5);
        headers.push(("date", self.http_date.clone()));
        headers.push(("x-oss-date", self.date.clone()));
        headers.push(("x-oss-content-sha256", UNSIGNED_PAYLOAD.to_owned()));
        headers.extend(credentials.security_token().map(|token| ("x-oss-security-token", token.to_owned())));
        headers
    }

    fn signature(&self, canonical_request: &str) -> String {
        let digest = hex(&Sha256::digest(canonical_request));
        let string_to_sign = [ALGORITHM, &self.date, &self.scope, &digest].join("\n");
        hex(hmac(self.key.as_slice(), &string_to_sign).as_slice())
    }
}

fn is_always_signed(name: &str) -> bool {
    name == "content-type" || name == "content-md5" || name.starts_with("x-oss-")
}

/// Those of `wanted` that are in the request and not signed anyway: sorted, each once.
fn additional_headers<'a>(request: &ApiRequest, wanted: &[&'a str]) -> Vec<&'a str> {
    let is_additional = |name: &&str| !is_always_signed(name) && request.header(name).is_some();
    let mut names: Vec<&str> = wanted.iter().copied().filter(is_additional).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// `added` is what the signature adds to the request's own headers.
fn canonical_request(request: &ApiRequest, added: &[(&'static str, String)], additional: &[&str]) -> String {
    let is_signed = |name: &str| is_always_signed(name) || additional.contains(&name);
    let own = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let added = added.iter().map(|(name, value)| (*name, value.as_str()));
    let mut headers: Vec<(&str, &str)> = own.chain(added).filter(|(name, _)| is_signed(name)).collect();
    headers.sort_unstable();
    let mut text = String::with_capacity(512);
    text.push_str(request.method.as_str());
    text.push('\n');
    push_resource(&mut text, request);
    text.push('\n');
    push_query(&mut text, request);
    text.push('\n');
    for (name, value) in headers {
        [name, ":", value.trim(), "\n"].into_iter().for_each(|piece| text.push_str(piece));
    }
    text.push('\n');
    text.push_str(&additional.join(";"));
    text.push('\n');
    text.push_str(UNSIGNED_PAYLOAD);
    text
}

/// `/bucket/key`, whatever the URL's style is.
fn push_resource(text: &mut String, request: &ApiRequest) {
    text.push('/');
    if !request.bucket.is_empty() {
        percent::push_path(text, &request.bucket);
        text.push('/');
        percent::push_path(text, &request.key);
    }
}

/// All parameters, sorted by their encoded names.
fn push_query(text: &mut String, request: &ApiRequest) {
    let mut query: Vec<&(String, Option<String>)> = request.query.iter().collect();
    query.sort_by(|(one, _), (other, _)| percent::compare_encoded(one, other));
    percent::push_query(text, query);
}

fn signing_key(credentials: &Credentials, day: &str, region: &str, product: &str) -> Zeroizing<[u8; 32]> {
    let secret = Zeroizing::new(format!("aliyun_v4{}", credentials.access_key_secret()));
    let key = hmac(secret.as_bytes(), day);
    let key = hmac(key.as_slice(), region);
    let key = hmac(key.as_slice(), product);
    hmac(key.as_slice(), "aliyun_v4_request")
}

fn hmac(key: &[u8], text: &str) -> Zeroizing<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
    mac.update(text.as_bytes());
    Zeroizing::new(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::super::request::tests::request;
    use super::*;
    use crate::http::Method;
    use std::time::{Duration, UNIX_EPOCH};

    type Query<'a> = [(&'a str, Option<&'a str>)];

    const SIX: &Query<'static> = &[
        ("param1", Some("value1")),
        ("+param1", Some("value3")),
        ("|param1", Some("value4")),
        ("+param2", Some("")),
        ("|param2", None),
        ("param2", None),
    ];
    const P1_TIME: u64 = 1_702_743_657;

    fn keys(token: Option<&str>) -> Credentials {
        Credentials::new("ak", "sk", token.map(str::to_owned))
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    /// Request P of Alibaba Cloud's SDK tests.
    fn p() -> ApiRequest {
        let headers = [
            ("x-oss-head1", "value"),
            ("abc", "value"),
            ("ZAbc", "value"),
            ("XYZ", "value"),
            ("content-type", "text/plain"),
        ];
        request(Method::Put, "bucket", "1234+-/123/1.txt", SIX, &headers)
    }

    fn authorization(request: ApiRequest, token: Option<&str>, seconds: u64, additional: &[&str]) -> String {
        let signer = Signer::new(&keys(token), "cn-hangzhou", "oss", at(seconds));
        value(&signer.sign_with(&request, &keys(token), additional), "authorization").to_owned()
    }

    /// Signs without a token.
    fn signed(request: &ApiRequest, region: &str, product: &str, now: SystemTime) -> SignatureHeaders {
        Signer::new(&keys(None), region, product, now).sign(request, &keys(None))
    }

    fn value<'a>(headers: &'a SignatureHeaders, wanted: &str) -> &'a str {
        headers.iter().find(|(name, _)| *name == wanted).map_or("", |(_, value)| value)
    }

    #[test]
    fn vectors_of_the_vendors_sdks() {
        let scope = "OSS4-HMAC-SHA256 Credential=ak/20231216/cn-hangzhou/oss/aliyun_v4_request";
        let signature = "e21d18daa82167720f9b1047ae7e7f1ce7cb77a31e8203a7d5f4624fa0284afe";
        assert_eq!(authorization(p(), None, P1_TIME, &[]), format!("{scope},Signature={signature}"));
        let p2 = authorization(p(), Some("token"), 1_702_784_856, &[]);
        assert_eq!(
            p2,
            "OSS4-HMAC-SHA256 Credential=ak/20231217/cn-hangzhou/oss/aliyun_v4_request,\
             Signature=b94a3f999cf85bcdc00d332fbd3734ba03e48382c36fa4d5af5df817395bd9ea"
        );
        let signature = "4a4183c187c07c8947db7620deb0a6b38d9fbdd34187b6dbaccb316fa251212f";
        let p3 = format!("{scope},AdditionalHeaders=abc;zabc,Signature={signature}");
        assert_eq!(authorization(p(), None, 1_702_747_512, &["zabc", "abc"]), p3);
        let p4 = ["zabc", "x-oss-no-exist", "abc", "x-oss-head1", "abc"];
        assert_eq!(authorization(p(), None, 1_702_747_512, &p4), p3);
    }

    #[test]
    fn vector_of_a_cloud_box() {
        assert_eq!(
            value(&signed(&p(), "cb-123", "oss-cloudbox", at(P1_TIME)), "authorization"),
            "OSS4-HMAC-SHA256 Credential=ak/20231216/cb-123/oss-cloudbox/aliyun_v4_request,\
             Signature=94ce1f12c17d148ea681030275a94449d3357f5b5b21133996eec80af3e08a43"
        );
    }

    #[test]
    fn intermediate_values_of_the_first_vector() {
        let signer = Signer::new(&keys(None), "cn-hangzhou", "oss", at(P1_TIME));
        let headers = signer.headers(&keys(None));
        assert_eq!(value(&headers, "x-oss-date"), "20231216T162057Z");
        assert_eq!(value(&headers, "date"), "Sat, 16 Dec 2023 16:20:57 GMT");
        let canonical = "PUT\n/bucket/1234%2B-/123/1.txt\n\
            %2Bparam1=value3&%2Bparam2&%7Cparam1=value4&%7Cparam2&param1=value1&param2\n\
            content-type:text/plain\nx-oss-content-sha256:UNSIGNED-PAYLOAD\nx-oss-date:20231216T162057Z\n\
            x-oss-head1:value\n\n\nUNSIGNED-PAYLOAD";
        assert_eq!(canonical_request(&p(), &headers, &[]), canonical);
        let digest = hex(&Sha256::digest(canonical));
        assert_eq!(digest, "f4613657f1b108998e8dbd10a1aa5da621dc2c6e02c9ddec0f163664848704c4");
        assert_eq!(signer.scope, "20231216/cn-hangzhou/oss/aliyun_v4_request");
        assert_eq!(hex(signer.key.as_slice()), "b412a03b134ebddd720f5167b5de6db66620ebb3b01cff4d49e3ccb09f8de97f");
    }

    #[test]
    fn vectors_of_the_c_sdk() {
        for (date, query, region, product, expected) in [
            (
                "2022-10-16T04:07:19Z",
                SIX,
                "cn-hangzhou",
                "oss",
                "16e58322c5aafb55edd82813b02d6521caab8194882c786bf0e77b7987a63979",
            ),
            (
                "2022-10-16T09:14:31Z",
                &[],
                "cn-hangzhou",
                "oss",
                "5028172a0a3806285979896982bee6e36e915cbf428ee7100a809e1f0ff43b64",
            ),
            (
                "2022-10-16T09:18:31Z",
                SIX,
                "cloudbox-id",
                "oss-cloudbox",
                "939eae7d5012d444c8d1dd8c68811275928f780a859e41ddbe52cf10a100adb4",
            ),
        ] {
            let key = "test-sign-V4/-!@#$%^&*()/abcdefjhijklmnoqprstuvwxyz/123456789";
            let headers = [("x-oss-head1", "value"), ("content-type", "application/octet-stream")];
            let request = request(Method::Put, "oss-bucket-test", key, query, &headers);
            let signed = signed(&request, region, product, date::parse_iso(date).unwrap());
            assert!(value(&signed, "authorization").ends_with(&format!("Signature={expected}")), "{date}");
        }
    }

    /// One call of an upload at the time of the first vector: its signature.
    fn call(
        method: Method,
        key: &str,
        query: &Query<'_>,
        headers: &[(&str, &str)],
        token: Option<&str>,
        additional: &[&str],
    ) -> String {
        let request = request(method, "examplebucket", key, query, headers);
        let authorization = authorization(request, token, P1_TIME, additional);
        authorization.rsplit_once("Signature=").unwrap().1.to_owned()
    }

    const ID: (&str, Option<&str>) = ("uploadId", Some("0004B9895DBBB6EC98E36"));

    #[test]
    fn vectors_of_the_calls_of_an_upload() {
        let plain = [("content-type", "text/plain")];
        let y1 = call(Method::Put, "目录/测试 文件+1.txt", &[], &plain, Some("token"), &[]);
        assert_eq!(y1, "ae9996fc5608340ed76b2b8f1496cdd9e1ca5fbf5a29190d24f325ac881659fd");
        let headers = [
            ("content-type", "application/octet-stream"),
            ("x-oss-storage-class", "IA"),
            ("x-oss-meta-author", "alice"),
        ];
        let query = [("uploads", None), ("encoding-type", Some("url"))];
        let y2 = call(Method::Post, "dir/big.bin", &query, &headers, None, &[]);
        assert_eq!(y2, "cd5c2bac76abb5fac5722fed205824288ff95481ca71c010f5574de49b264fd5");
        let md5 = [("content-md5", "eB5eJF1ptWaXm4bijSPyxw==")];
        let y3 = call(Method::Put, "dir/big.bin", &[("partNumber", Some("1")), ID], &md5, None, &[]);
        assert_eq!(y3, "ce791b9600ec1aca5565d61f428becaf09648e2460d3cc1ad78a5f1ec9b93946");
        let headers = [
            ("content-type", "application/xml"),
            ("content-length", "0"),
            ("x-oss-complete-all", "yes"),
            ("host", "examplebucket.oss-cn-hangzhou.aliyuncs.com"),
        ];
        let query = [ID, ("encoding-type", Some("url"))];
        let y4 = call(Method::Post, "dir/big.bin", &query, &headers, Some("token"), &["host", "content-length"]);
        assert_eq!(y4, "426adafa6829337fcd90c15d5a5b882090b2d9d81610f178ac697548b3461ab1");
        let query = [("uploads", None), ("prefix", Some("目录/")), ("max-uploads", Some("1000"))];
        let y5 = call(Method::Get, "", &query, &[], None, &[]);
        assert_eq!(y5, "9daf296d072cf1b702078337c10f22a191849b96b6045bcd87b7d81a6d67f563");
        let query = [
            ("list-type", Some("2")),
            ("max-keys", Some("1000")),
            ("encoding-type", Some("url")),
            ("prefix", Some("dir/ +")),
            ("continuation-token", Some("CgJiYw--")),
        ];
        let list = call(Method::Get, "", &query, &[], Some("token"), &[]);
        assert_eq!(list, "2a16c912c4750e1a1918f6344cd36cccb88edf47b951461ba397fdc3702c22ab");
    }

    #[test]
    fn vector_of_a_key_with_every_reserved_character() {
        let y6 = request(Method::Delete, "examplebucket", "a/../b//c ~!*'();:@&=+$,?#[]%.txt", &[ID], &[]);
        let signed = signed(&y6, "ap-southeast-1", "oss", at(P1_TIME));
        let uri = "/examplebucket/a/../b//c%20~%21%2A%27%28%29%3B%3A%40%26%3D%2B%24%2C%3F%23%5B%5D%25.txt";
        assert_eq!(canonical_request(&y6, &[], &[]).lines().nth(1), Some(uri));
        let signature = "59dad67e7446ac7d17e63bc731f615d7dbf0bbb55b8afa9f4632b4e6256b7225";
        assert!(value(&signed, "authorization").ends_with(signature));
    }

    /// The signature of a presigned URL: the scope, date and token stand in the query.
    fn presigned(seconds: u64, expires: &str, scope: (&str, &str), token: Option<&str>, additional: &[&str]) -> String {
        let signer = Signer::new(&keys(token), scope.0, scope.1, at(seconds));
        let (credential, listed) = (format!("ak/{}", signer.scope), additional.join(";"));
        let mut query = SIX.to_vec();
        query.extend([
            ("x-oss-signature-version", Some(ALGORITHM)),
            ("x-oss-credential", Some(credential.as_str())),
            ("x-oss-date", Some(signer.date.as_str())),
            ("x-oss-expires", Some(expires)),
        ]);
        query.extend(token.map(|token| ("x-oss-security-token", Some(token))));
        query.extend((!listed.is_empty()).then_some(("x-oss-additional-headers", Some(listed.as_str()))));
        let headers = [
            ("x-oss-head1", "value"),
            ("abc", "value"),
            ("ZAbc", "value"),
            ("XYZ", "value"),
            ("content-type", "application/octet-stream"),
        ];
        let request = request(Method::Put, "bucket", "1234+-/123/1.txt", &query, &headers);
        signer.signature(&canonical_request(&request, &[], additional))
    }

    #[test]
    fn vectors_of_presigned_urls() {
        let oss = ("cn-hangzhou", "oss");
        for (seconds, expires, scope, token, additional, expected) in [
            (
                1_702_781_677,
                "599",
                oss,
                None,
                &[][..],
                "a39966c61718be0d5b14e668088b3fa07601033f6518ac7b523100014269c0fe",
            ),
            (
                1_702_781_677,
                "432000",
                oss,
                None,
                &[],
                "31029123dc7732d2d2cfd4006ea4fdb6cf86da6478f813e2bf8f87877c7b9fec",
            ),
            (
                1_702_785_388,
                "599",
                oss,
                Some("token"),
                &[],
                "3817ac9d206cd6dfc90f1c09c00be45005602e55898f26f5ddb06d7892e1f8b5",
            ),
            (
                1_702_783_809,
                "599",
                oss,
                None,
                &["abc", "zabc"],
                "6bd984bfe531afb6db1f7550983a741b103a8c58e5e14f83ea474c2322dfa2b7",
            ),
            (
                1_702_781_677,
                "599",
                ("cb-123", "oss-cloudbox"),
                None,
                &["abc", "zabc"],
                "07284191b9b4978ac3520cd39ee2dea2747eda454089359371ff463a6c7ba20f",
            ),
        ] {
            assert_eq!(presigned(seconds, expires, scope, token, additional), expected);
        }
    }
}

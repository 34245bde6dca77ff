//! Signatures against published values: of Alibaba Cloud's documentation and SDKs, and some computed independently.

use oss_server::sign::{Request, v1, v4};

fn request(method: &str, bucket: &str, key: &str, query: &[(&str, &str)], headers: &[(&str, &str)]) -> Request {
    Request {
        method: method.into(),
        bucket: Some(bucket.into()),
        key: (!key.is_empty()).then(|| key.into()),
        query: query.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        headers: headers.iter().map(|(name, value)| (name.to_lowercase(), (*value).into())).collect(),
    }
}

fn sign_v1(request: &Request, date: &str) -> String {
    v1::signature("sk", &v1::string_to_sign(request, date))
}

const SDK_DATE: &str = "Wed, 28 Dec 2022 10:27:41 GMT";
const OWN_DATE: &str = "Sat, 16 Dec 2023 16:20:57 GMT";
const NELSON: [(&str, &str); 5] = [
    ("Content-MD5", "eB5eJF1ptWaXm4bijSPyxw=="),
    ("Content-Type", "text/html"),
    ("x-oss-meta-author", "alice"),
    ("x-oss-meta-magic", "abracadabra"),
    ("x-oss-date", SDK_DATE),
];

#[test]
fn v1_headers_of_the_sdks() {
    let nelson = request("PUT", "examplebucket", "nelson", &[], &NELSON);
    let expected = format!(
        "PUT\neB5eJF1ptWaXm4bijSPyxw==\ntext/html\n{SDK_DATE}\nx-oss-date:{SDK_DATE}\nx-oss-meta-author:alice\n\
         x-oss-meta-magic:abracadabra\n/examplebucket/nelson"
    );
    assert_eq!(String::from_utf8(v1::string_to_sign(&nelson, SDK_DATE)).unwrap(), expected);
    assert_eq!(sign_v1(&nelson, SDK_DATE), "kSHKmLxlyEAKtZPkJhG9bZb5k7M=");
    let acl = request("PUT", "examplebucket", "nelson", &[("acl", "")], &NELSON);
    assert_eq!(sign_v1(&acl, SDK_DATE), "/afkugFbmWDQ967j1vr6zygBLQk=");
    let date = [("x-oss-date", SDK_DATE)];
    let group = [("resourceGroup", ""), ("non-resousce", "null")];
    assert_eq!(sign_v1(&request("GET", "examplebucket", "", &group, &date), SDK_DATE), "vkQmfuUDyi1uDi3bKt67oemssIs=");
    let both = [("acl", ""), ("resourceGroup", ""), ("non-resousce", "null")];
    assert_eq!(sign_v1(&request("GET", "examplebucket", "", &both, &date), SDK_DATE), "x3E5TgOvl/i7PN618s5mEvpJDYk=");
}

#[test]
fn v1_urls_of_the_sdks() {
    let version = [("versionId", "versionId")];
    let plain = request("GET", "bucket", "key", &version, &[]);
    assert_eq!(sign_v1(&plain, "1699807420"), "dcLTea+Yh9ApirQ8o8dOPqtvJXQ=");
    let token = [("versionId", "versionId"), ("security-token", "token")];
    let with_token = request("GET", "bucket", "key+123", &token, &[]);
    assert_eq!(sign_v1(&with_token, "1699808204"), "jzKYRrM5y6Br0dRFPaTGOsbrDhY=");
}

#[test]
fn v1_of_the_documentation() {
    for (md5, expected) in [
        ("ODBGOERFMDMzQTczRUY3NUE3NzA5QzdFNUYzMDQxNEM=", "26NBxoKdsyly4EDv6inkoDft/yA="),
        ("eB5eJF1ptWaXm4bijSPyxw==", "hD208RWMpg77svXkQRwWXS+V5KQ="),
    ] {
        let headers = [
            ("Content-MD5", md5),
            ("Content-Type", "text/html"),
            ("X-OSS-Magic", "abracadabra"),
            ("X-OSS-Meta-Author", "foo@bar.com"),
        ];
        let request = request("PUT", "oss-example", "nelson", &[], &headers);
        let text = v1::string_to_sign(&request, "Thu, 17 Nov 2005 18:49:58 GMT");
        assert_eq!(v1::signature("OtxrzxIsfpFjA7SwPzILwy8Bw21TLhquhboDYROV", &text), expected);
    }
}

#[test]
fn v1_of_an_independent_script() {
    let upload = ("uploadId", "0004B9895DBBB6EC98E36");
    let token = ("x-oss-security-token", "token");
    let cases: [(&str, &str, &[_], &[_], &str); 5] = [
        ("PUT", "目录/测试 文件+1.txt", &[], &[("content-type", "text/plain"), token], "zYrdq23g9FmcJ/9n391ygA8080c="),
        (
            "POST",
            "dir/big.bin",
            &[("uploads", ""), ("encoding-type", "url")],
            &[
                ("content-type", "application/octet-stream"),
                ("x-oss-meta-author", "alice"),
                ("x-oss-storage-class", "IA"),
            ],
            "ehSljeJMUdAm0ZyNlqFKi9cqvkg=",
        ),
        (
            "PUT",
            "dir/big.bin",
            &[("partNumber", "1"), upload],
            &[("content-md5", "eB5eJF1ptWaXm4bijSPyxw==")],
            "+e2ruj0+34WkTrYS6gxhkIaOSpg=",
        ),
        (
            "GET",
            "dir/big.bin",
            &[upload, ("max-parts", "1000"), ("part-number-marker", "5"), ("encoding-type", "url")],
            &[token],
            "YiBDgCNGXECr+uvtF35Wl+KR2s8=",
        ),
        (
            "GET",
            "",
            &[("uploads", ""), ("prefix", "dir/"), ("max-uploads", "1000")],
            &[],
            "UCubrUHsY35rjDPFNZoTXfcqk6M=",
        ),
    ];
    for (method, key, query, headers, expected) in cases {
        let request = request(method, "examplebucket", key, query, headers);
        assert_eq!(sign_v1(&request, OWN_DATE), expected, "{method} {key}");
    }
}

fn scope(date: &str, region: &str, product: &str) -> v4::Scope {
    v4::Scope { day: date[..8].into(), region: region.into(), product: product.into() }
}

fn sign_v4(request: &Request, date: &str, additional: &[&str], region: &str, product: &str) -> String {
    let additional: Vec<String> = additional.iter().map(|name| (*name).to_owned()).collect();
    let canonical = v4::canonical_request(request, &additional);
    let scope = scope(date, region, product);
    v4::signature("sk", &scope, &v4::string_to_sign(&canonical, date, &scope))
}

const SIX: [(&str, &str); 6] = [
    ("param1", "value1"),
    ("+param1", "value3"),
    ("|param1", "value4"),
    ("+param2", ""),
    ("|param2", ""),
    ("param2", ""),
];
const P_HEADERS: [(&str, &str); 6] = [
    ("x-oss-head1", "value"),
    ("abc", "value"),
    ("ZAbc", "value"),
    ("XYZ", "value"),
    ("content-type", "text/plain"),
    ("x-oss-content-sha256", "UNSIGNED-PAYLOAD"),
];

fn p(date: &str, more: &[(&str, &str)]) -> Request {
    let headers = [&P_HEADERS[..], &[("x-oss-date", date)], more].concat();
    request("PUT", "bucket", "1234+-/123/1.txt", &SIX, &headers)
}

#[test]
fn v4_headers_of_the_sdks() {
    let token = [("x-oss-security-token", "token")];
    let cases: [(&str, &[_], &[_], &str, &str, &str); 4] = [
        (
            "20231216T162057Z",
            &[],
            &[],
            "cn-hangzhou",
            "oss",
            "e21d18daa82167720f9b1047ae7e7f1ce7cb77a31e8203a7d5f4624fa0284afe",
        ),
        (
            "20231217T034736Z",
            &token,
            &[],
            "cn-hangzhou",
            "oss",
            "b94a3f999cf85bcdc00d332fbd3734ba03e48382c36fa4d5af5df817395bd9ea",
        ),
        (
            "20231216T172512Z",
            &[],
            &["abc", "zabc"],
            "cn-hangzhou",
            "oss",
            "4a4183c187c07c8947db7620deb0a6b38d9fbdd34187b6dbaccb316fa251212f",
        ),
        (
            "20231216T162057Z",
            &[],
            &[],
            "cb-123",
            "oss-cloudbox",
            "94ce1f12c17d148ea681030275a94449d3357f5b5b21133996eec80af3e08a43",
        ),
    ];
    for (date, more, additional, region, product, expected) in cases {
        assert_eq!(sign_v4(&p(date, more), date, additional, region, product), expected, "{date} {region}");
    }
}

#[test]
fn v4_intermediate_values() {
    let date = "20231216T162057Z";
    let canonical = v4::canonical_request(&p(date, &[]), &[]);
    let expected = "PUT\n/bucket/1234%2B-/123/1.txt\n\
        %2Bparam1=value3&%2Bparam2&%7Cparam1=value4&%7Cparam2&param1=value1&param2\n\
        content-type:text/plain\nx-oss-content-sha256:UNSIGNED-PAYLOAD\nx-oss-date:20231216T162057Z\n\
        x-oss-head1:value\n\n\nUNSIGNED-PAYLOAD";
    assert_eq!(String::from_utf8(canonical.clone()).unwrap(), expected);
    let text = v4::string_to_sign(&canonical, date, &scope(date, "cn-hangzhou", "oss"));
    assert!(text.ends_with("\nf4613657f1b108998e8dbd10a1aa5da621dc2c6e02c9ddec0f163664848704c4"), "{text}");
    let key = v4::signing_key("sk", &scope(date, "cn-hangzhou", "oss"));
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "b412a03b134ebddd720f5167b5de6db66620ebb3b01cff4d49e3ccb09f8de97f");
}

#[test]
fn v4_headers_of_the_c_sdk() {
    let key = "test-sign-V4/-!@#$%^&*()/abcdefjhijklmnoqprstuvwxyz/123456789";
    let cases: [(&str, &[_], &str, &str, &str); 3] = [
        (
            "20221016T040719Z",
            &SIX,
            "cn-hangzhou",
            "oss",
            "16e58322c5aafb55edd82813b02d6521caab8194882c786bf0e77b7987a63979",
        ),
        (
            "20221016T091431Z",
            &[],
            "cn-hangzhou",
            "oss",
            "5028172a0a3806285979896982bee6e36e915cbf428ee7100a809e1f0ff43b64",
        ),
        (
            "20221016T091831Z",
            &SIX,
            "cloudbox-id",
            "oss-cloudbox",
            "939eae7d5012d444c8d1dd8c68811275928f780a859e41ddbe52cf10a100adb4",
        ),
    ];
    for (date, query, region, product, expected) in cases {
        let headers = [
            ("x-oss-head1", "value"),
            ("content-type", "application/octet-stream"),
            ("x-oss-content-sha256", "UNSIGNED-PAYLOAD"),
            ("x-oss-date", date),
        ];
        let request = request("PUT", "oss-bucket-test", key, query, &headers);
        assert_eq!(sign_v4(&request, date, &[], region, product), expected, "{date}");
    }
}

#[test]
fn v4_urls_of_the_sdks() {
    let cases = [
        ("20231217T025437Z", "599", "", "", "a39966c61718be0d5b14e668088b3fa07601033f6518ac7b523100014269c0fe"),
        ("20231217T025437Z", "432000", "", "", "31029123dc7732d2d2cfd4006ea4fdb6cf86da6478f813e2bf8f87877c7b9fec"),
        ("20231217T035628Z", "599", "token", "", "3817ac9d206cd6dfc90f1c09c00be45005602e55898f26f5ddb06d7892e1f8b5"),
        ("20231217T033009Z", "599", "", "abc;zabc", "6bd984bfe531afb6db1f7550983a741b103a8c58e5e14f83ea474c2322dfa2b7"),
        ("20231217T025437Z", "599", "", "cloudbox", "07284191b9b4978ac3520cd39ee2dea2747eda454089359371ff463a6c7ba20f"),
    ];
    for (date, expires, token, variant, expected) in cases {
        let (region, product) = if variant == "cloudbox" { ("cb-123", "oss-cloudbox") } else { ("cn-hangzhou", "oss") };
        let additional: &[&str] = if variant.is_empty() { &[] } else { &["abc", "zabc"] };
        let credential = format!("ak/{}", scope(date, region, product));
        let list = additional.join(";");
        let mut query = SIX.to_vec();
        query.extend([
            ("x-oss-signature-version", v4::ALGORITHM),
            ("x-oss-credential", &credential),
            ("x-oss-date", date),
            ("x-oss-expires", expires),
        ]);
        if !token.is_empty() {
            query.push(("x-oss-security-token", token));
        }
        if !list.is_empty() {
            query.push(("x-oss-additional-headers", &list));
        }
        let headers = [
            ("x-oss-head1", "value"),
            ("abc", "value"),
            ("ZAbc", "value"),
            ("XYZ", "value"),
            ("content-type", "application/octet-stream"),
        ];
        let request = request("PUT", "bucket", "1234+-/123/1.txt", &query, &headers);
        assert_eq!(sign_v4(&request, date, additional, region, product), expected, "{date} {expires} {variant}");
    }
}

#[test]
fn v4_of_an_independent_script() {
    let upload = ("uploadId", "0004B9895DBBB6EC98E36");
    let token = ("x-oss-security-token", "token");
    let odd_key = "a/../b//c ~!*'();:@&=+$,?#[]%.txt";
    let host = ("host", "examplebucket.oss-cn-hangzhou.aliyuncs.com");
    let complete =
        [("content-type", "application/xml"), ("content-length", "0"), ("x-oss-complete-all", "yes"), host, token];
    let initiate =
        [("content-type", "application/octet-stream"), ("x-oss-meta-author", "alice"), ("x-oss-storage-class", "IA")];
    let cases: [(&str, &str, &[_], &[_], &[_], &str, &str); 6] = [
        (
            "PUT",
            "目录/测试 文件+1.txt",
            &[],
            &[("content-type", "text/plain"), token],
            &[],
            "cn-hangzhou",
            "ae9996fc5608340ed76b2b8f1496cdd9e1ca5fbf5a29190d24f325ac881659fd",
        ),
        (
            "POST",
            "dir/big.bin",
            &[("encoding-type", "url"), ("uploads", "")],
            &initiate,
            &[],
            "cn-hangzhou",
            "cd5c2bac76abb5fac5722fed205824288ff95481ca71c010f5574de49b264fd5",
        ),
        (
            "PUT",
            "dir/big.bin",
            &[("partNumber", "1"), upload],
            &[("content-md5", "eB5eJF1ptWaXm4bijSPyxw==")],
            &[],
            "cn-hangzhou",
            "ce791b9600ec1aca5565d61f428becaf09648e2460d3cc1ad78a5f1ec9b93946",
        ),
        (
            "POST",
            "dir/big.bin",
            &[("encoding-type", "url"), upload],
            &complete,
            &["content-length", "host"],
            "cn-hangzhou",
            "426adafa6829337fcd90c15d5a5b882090b2d9d81610f178ac697548b3461ab1",
        ),
        (
            "GET",
            "",
            &[("max-uploads", "1000"), ("prefix", "目录/"), ("uploads", "")],
            &[],
            &[],
            "cn-hangzhou",
            "9daf296d072cf1b702078337c10f22a191849b96b6045bcd87b7d81a6d67f563",
        ),
        (
            "DELETE",
            odd_key,
            &[upload],
            &[],
            &[],
            "ap-southeast-1",
            "59dad67e7446ac7d17e63bc731f615d7dbf0bbb55b8afa9f4632b4e6256b7225",
        ),
    ];
    let date = "20231216T162057Z";
    let common = [("x-oss-date", date), ("x-oss-content-sha256", "UNSIGNED-PAYLOAD")];
    for (method, key, query, headers, additional, region, expected) in cases {
        let request = request(method, "examplebucket", key, query, &[headers, &common[..]].concat());
        assert_eq!(sign_v4(&request, date, additional, region, "oss"), expected, "{method} {key}");
    }
}

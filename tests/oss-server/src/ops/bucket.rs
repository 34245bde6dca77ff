//! Buckets: whether they exist, and the little that is told of them.

use time::OffsetDateTime;

use crate::clock;
use crate::error::{OssError, Result};
use crate::exchange::Exchange;
use crate::response::Response;
use crate::xml::Xml;

pub(super) fn must_exist(x: &Exchange) -> Result<()> {
    let bucket = x.call.bucket();
    if x.shared.store.has_bucket(bucket) { Ok(()) } else { Err(OssError::no_such_bucket(bucket)) }
}

fn describe(xml: &mut Xml, x: &Exchange, bucket: &str) {
    let region = &x.shared.config.region;
    xml.element("Name", bucket)
        .element("Location", format!("oss-{region}"))
        .element("Region", region)
        .element("CreationDate", clock::iso(OffsetDateTime::UNIX_EPOCH))
        .element("ExtranetEndpoint", format!("oss-{region}.aliyuncs.com"))
        .element("IntranetEndpoint", format!("oss-{region}-internal.aliyuncs.com"))
        .element("StorageClass", "Standard");
}

fn owner(xml: &mut Xml) {
    xml.group("Owner", |xml| {
        xml.element("ID", 0).element("DisplayName", 0);
    });
}

pub(super) fn info(x: &Exchange) -> Result<Response> {
    let versioning = if x.shared.config.versioned { "Enabled" } else { "" };
    let text = Xml::result("BucketInfo", x.shared.config.quirks, None)
        .group("Bucket", |xml| {
            describe(xml, x, x.call.bucket());
            owner(xml);
            xml.group("AccessControlList", |xml| {
                xml.element("Grant", "private");
            });
            if !versioning.is_empty() {
                xml.element("Versioning", versioning);
            }
        })
        .finish();
    Ok(Response::xml(text))
}

pub(super) fn location(x: &Exchange) -> Result<Response> {
    let region = format!("oss-{}", x.shared.config.region);
    let namespace = " xmlns=\"http://doc.oss-cn-hangzhou.aliyuncs.com\"";
    let attribute = if x.shared.config.quirks.xmlns { namespace } else { "" };
    Ok(Response::xml(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<LocationConstraint{attribute}>{region}</LocationConstraint>\n"
    )))
}

pub(super) fn list(x: &Exchange) -> Result<Response> {
    let mut xml = Xml::result("ListAllMyBucketsResult", x.shared.config.quirks, None);
    owner(&mut xml);
    xml.group("Buckets", |xml| {
        for bucket in x.shared.store.bucket_names() {
            xml.group("Bucket", |xml| describe(xml, x, &bucket));
        }
    });
    Ok(Response::xml(xml.finish()))
}

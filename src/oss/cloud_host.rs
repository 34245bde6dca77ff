//! The host names that Alibaba Cloud gives to its endpoints, and what they tell.

/// A host below `aliyuncs.com` that is an OSS endpoint, taken apart (OSS: regions and endpoints).
#[derive(Debug, PartialEq, Eq)]
pub struct CloudHost<'a> {
    /// The bucket, when the host is that of a bucket and not a bare endpoint.
    pub bucket: Option<&'a str>,
    /// The region that signatures name; `None` for transfer acceleration, which serves all regions.
    pub region: Option<&'a str>,
    /// The product that V4 signatures name.
    pub product: &'static str,
}

/// The product name of the public cloud in a V4 signature.
pub const OSS: &str = "oss";

/// The product name of a cloud box in a V4 signature.
const CLOUD_BOX: &str = "oss-cloudbox";

impl<'a> CloudHost<'a> {
    /// Takes `host` (lower-case, without port) apart; `None` when it is not one of Alibaba Cloud's.
    ///
    /// `x.oss.aliyuncs.com` is taken for the dual-stack endpoint of the region `x`, not for a bucket `x` at the old
    /// endpoint without a region: both have this form, and the first is the one in use.
    pub fn parse(host: &'a str) -> Option<Self> {
        let labels: Vec<&str> = host.strip_suffix(".aliyuncs.com")?.split('.').collect();
        let (bucket, region, product) = match *labels.as_slice() {
            ["oss" | "oss-internal"] => (None, Some("cn-hangzhou"), OSS),
            [region, "oss" | "oss-internal"] => (None, Some(region), OSS),
            [bucket, region, "oss" | "oss-internal"] => (Some(bucket), Some(region), OSS),
            [cloud_box, _, "oss-cloudbox" | "oss-cloudbox-control"] => (None, cloud_box_id(cloud_box)?, CLOUD_BOX),
            [bucket, cloud_box, _, "oss-cloudbox" | "oss-cloudbox-control"] => {
                (Some(bucket), cloud_box_id(cloud_box)?, CLOUD_BOX)
            }
            [endpoint] => (None, region_of(endpoint)?, OSS),
            [bucket, endpoint] => (Some(bucket), region_of(endpoint)?, OSS),
            _ => return None,
        };
        Some(CloudHost { bucket, region, product })
    }
}

/// The region in a label like `oss-cn-hangzhou-internal`. The outer `None`: it is no such label; the inner: it serves
/// all regions.
fn region_of(label: &str) -> Option<Option<&str>> {
    let region = label.strip_prefix("oss-")?;
    let region = region.strip_suffix("-internal").unwrap_or(region);
    match region {
        "" | "cloudbox" | "cloudbox-control" | "accesspoint" => None,
        "accelerate" | "accelerate-overseas" => Some(None),
        _ => Some(Some(region)),
    }
}

/// A cloud box signs with its own id as the region.
fn cloud_box_id(label: &str) -> Option<Option<&str>> {
    label.starts_with("cb-").then_some(Some(label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_read_from_the_vendors_hosts() {
        for (host, bucket, region) in [
            ("oss-cn-hangzhou.aliyuncs.com", None, Some("cn-hangzhou")),
            ("oss-cn-hangzhou-internal.aliyuncs.com", None, Some("cn-hangzhou")),
            ("mybucket.oss-us-west-1.aliyuncs.com", Some("mybucket"), Some("us-west-1")),
            ("mybucket.oss-cn-wuhan-lr-internal.aliyuncs.com", Some("mybucket"), Some("cn-wuhan-lr")),
            ("cn-shanghai.oss.aliyuncs.com", None, Some("cn-shanghai")),
            ("mybucket.cn-shanghai.oss.aliyuncs.com", Some("mybucket"), Some("cn-shanghai")),
            ("oss.aliyuncs.com", None, Some("cn-hangzhou")),
            ("oss-internal.aliyuncs.com", None, Some("cn-hangzhou")),
            ("oss-accelerate.aliyuncs.com", None, None),
            ("mybucket.oss-accelerate-overseas.aliyuncs.com", Some("mybucket"), None),
        ] {
            assert_eq!(CloudHost::parse(host), Some(CloudHost { bucket, region, product: "oss" }), "{host}");
        }
    }

    #[test]
    fn a_cloud_box_is_a_region_and_a_product_of_its_own() {
        for (host, bucket) in [
            ("cb-123.cn-hangzhou.oss-cloudbox.aliyuncs.com", None),
            ("mybucket.cb-123.cn-hangzhou.oss-cloudbox-control.aliyuncs.com", Some("mybucket")),
        ] {
            let expected = CloudHost { bucket, region: Some("cb-123"), product: "oss-cloudbox" };
            assert_eq!(CloudHost::parse(host), Some(expected), "{host}");
        }
    }

    #[test]
    fn other_hosts_are_not_the_vendors() {
        for host in [
            "example.com",
            "aliyuncs.com",
            "oss-cn-hangzhou.aliyuncs.com.evil.example",
            "ecs-cn-hangzhou.aliyuncs.com",
            "oss-.aliyuncs.com",
            "a.b.oss-cn-hangzhou.aliyuncs.com",
            "x.cn-hangzhou.oss-cloudbox.aliyuncs.com",
            "oss-cn-hangzhou.oss-accesspoint.aliyuncs.com",
        ] {
            assert_eq!(CloudHost::parse(host), None, "{host}");
        }
    }
}

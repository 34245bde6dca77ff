package oss

import (
	"fmt"
	"log"
	"math"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/oss-upload/liboss_upload/bindings/go/internal/address"
	native "github.com/oss-upload/liboss_upload/bindings/go/oss"
)

// A Client is created by [New]. It contains a client of package [native] and also has its methods: UploadFile with a
// context and a result, Start, SetCredentials, NextEvent and Close.
type Client struct {
	*native.Client

	source      *credentialsSource // nil when there is no provider
	contentMD5  bool
	strictNames bool
	endpoint    string // for errors
}

// A ClientOption is an option of [New]. Create one with [Region], [SetCredentialsProvider], [Timeout] and so on.
type ClientOption func(*clientConfig)

// clientConfig is the result of the options of New.
type clientConfig struct {
	options    native.ClientOptions
	provider   CredentialsProvider
	contentMD5 bool
	strict     bool
	err        error // the first unsupported option
}

func (c *clientConfig) unsupported(option, why string) {
	if c.err == nil {
		c.err = cannot(option, why)
	}
}

// cannot reports that this library does not support a feature of Alibaba Cloud's SDK.
func cannot(option, why string) error {
	return &Error{Status: native.StatusUnsupported, Message: option + ": " + why}
}

// New creates a client as Alibaba Cloud's SDK v1 does; [native.NewClient] is the same with fields in place of
// functions. An endpoint without a scheme means HTTPS. Nothing is sent yet, but a credentials provider is asked.
//
// Empty keys without a provider mean the default chain: see Credentials of [native.ClientOptions]. New fails as
// native.NewClient does, and with [ErrUnsupported] for an option that this library does not support. The client is
// freed when it is garbage-collected, or by its Close.
func New(endpoint, accessKeyID, accessKeySecret string, options ...ClientOption) (*Client, error) {
	config := clientConfig{options: native.ClientOptions{
		Endpoint: endpoint, AccessKeyID: accessKeyID, AccessKeySecret: accessKeySecret,
	}}
	for _, option := range options {
		if option != nil {
			option(&config)
		}
	}
	if config.err != nil {
		return nil, config.err
	}
	var source *credentialsSource
	if config.provider != nil {
		var err error
		if source, err = newCredentialsSource(config.provider, &config.options); err != nil {
			return nil, err
		}
	}
	client, err := native.NewClient(config.options)
	if err != nil {
		return nil, err
	}
	return &Client{
		Client:      client,
		source:      source,
		contentMD5:  config.contentMD5,
		strictNames: config.strict,
		endpoint:    address.WithoutPassword(endpoint),
	}, nil
}

func invalid(format string, args ...any) error {
	return &Error{Status: native.StatusInvalidArgument, Message: fmt.Sprintf(format, args...)}
}

// Region is the region of the endpoint, such as "cn-hangzhou". Signature V4 needs it.
func Region(region string) ClientOption {
	return func(c *clientConfig) { c.options.Region = region }
}

// SecurityToken belongs to the keys given to [New] when they are temporary (STS) ones.
func SecurityToken(token string) ClientOption {
	return func(c *clientConfig) { c.options.SecurityToken = strings.TrimSpace(token) }
}

// SetCredentialsProvider sets a provider whose credentials are used in place of the keys given to [New]. It is asked
// by New, before each upload, about once a second while one runs, and at once when the server has refused its
// credentials; new ones are used from the next request on. The uploading goroutine and one other call the provider,
// never both at once for one client. See [CredentialsProviderE] for one that can fail.
func SetCredentialsProvider(provider CredentialsProvider) ClientOption {
	return func(c *clientConfig) {
		c.provider = provider
		if provider == nil && c.err == nil {
			c.err = invalid("SetCredentialsProvider: the provider is nil")
		}
	}
}

// AuthVersion selects how requests are signed: [AuthV1] or [AuthV4]. Default: V4 if the region is known, otherwise V1.
func AuthVersion(version AuthVersionType) ClientOption {
	return func(c *clientConfig) {
		switch version {
		case AuthV1:
			c.options.SignatureVersion = native.SignatureV1
		case AuthV4:
			c.options.SignatureVersion = native.SignatureV4
		default:
			c.unsupported("AuthVersion", "requests are signed with AuthV1 or AuthV4")
		}
	}
}

// UseCname says that the endpoint is a custom domain bound to the bucket.
func UseCname(use bool) ClientOption {
	return func(c *clientConfig) { c.options.CNAME = use }
}

// ForcePathStyle puts the bucket in the path of the URL, which OSS refuses on its own domains.
func ForcePathStyle(force bool) ClientOption {
	return func(c *clientConfig) { c.options.PathStyle = force }
}

// Timeout sets two times in seconds: the time to open a connection (default 10), and the time without a byte sent or
// received, or without a response, after which a request is abandoned and retried (default 30). 0 means no limit.
func Timeout(connect, readWrite int64) ClientOption {
	return func(c *clientConfig) {
		c.options.ConnectTimeout, c.options.StallTimeout = seconds(connect), seconds(readWrite)
	}
}

// seconds is that time, or the maximum for 0. Negative times are rejected later.
func seconds(n int64) time.Duration {
	const longest = math.MaxUint32 * time.Millisecond
	if n == 0 || n > int64(longest/time.Second) {
		return longest
	}
	return max(time.Duration(n), -1) * time.Second
}

// Proxy is the proxy to use, as "host:port" or "http://host:port". Default none.
func Proxy(host string) ClientOption {
	return func(c *clientConfig) { c.options.Proxy = proxyURL(host) }
}

// AuthProxy is [Proxy] with a name and a password.
func AuthProxy(host, user, password string) ClientOption {
	return func(c *clientConfig) {
		scheme, rest, _ := strings.Cut(proxyURL(host), "://")
		c.options.Proxy = scheme + "://" + url.UserPassword(user, password).String() + "@" + rest
	}
}

func proxyURL(host string) string {
	if strings.Contains(host, "://") {
		return host
	}
	return "http://" + host
}

// UserAgent is text to add to the User-Agent header.
func UserAgent(userAgent string) ClientOption {
	return func(c *clientConfig) { c.options.UserAgent = userAgent }
}

// InsecureSkipVerify accepts any certificate. For tests only.
func InsecureSkipVerify(enabled bool) ClientOption {
	return func(c *clientConfig) { c.options.InsecureSkipVerify = enabled }
}

// EnableMD5 sends Content-MD5 with every body. CRC-64 is always checked; MD5 costs much more CPU time. Default off.
func EnableMD5(enabled bool) ClientOption {
	return func(c *clientConfig) { c.contentMD5 = enabled }
}

// MD5ThresholdCalcInMemory has no effect: [EnableMD5] computes MD5 from the file, neither in memory nor in a temporary
// file.
func MD5ThresholdCalcInMemory(int64) ClientOption {
	return func(*clientConfig) {}
}

// VerifyObjectStrict rejects objects whose names begin with '?', as Alibaba Cloud's SDK does by default; here it is
// off by default, since OSS accepts them.
func VerifyObjectStrict(enable bool) ClientOption {
	return func(c *clientConfig) { c.strict = enable }
}

// Product is "oss"; anything else is [ErrUnsupported].
func Product(product string) ClientOption {
	return func(c *clientConfig) {
		if product != "oss" {
			c.unsupported("Product", "requests are signed for the product \"oss\"")
		}
	}
}

// EnableCRC is always on: false is [ErrUnsupported].
func EnableCRC(enabled bool) ClientOption {
	return func(c *clientConfig) {
		if !enabled {
			c.unsupported("EnableCRC", "the CRC-64 of what is stored is always compared with that of the file")
		}
	}
}

// RedirectEnabled is always off: true is [ErrUnsupported].
func RedirectEnabled(enabled bool) ClientOption {
	return func(c *clientConfig) {
		if enabled {
			c.unsupported("RedirectEnabled", "redirects are never followed; give the endpoint of the bucket's region")
		}
	}
}

// HTTPClient is [ErrUnsupported]: requests do not go through net/http.
func HTTPClient(*http.Client) ClientOption {
	return func(c *clientConfig) {
		c.unsupported("HTTPClient", "requests do not go through net/http; use Timeout, Proxy, InsecureSkipVerify, "+
			"or CAFile of package bindings/go/oss")
	}
}

// MaxConns is [ErrUnsupported]: connections follow from [Routines].
func MaxConns(maxIdle, maxIdlePerHost, maxPerHost int) ClientOption {
	return func(c *clientConfig) {
		c.unsupported("MaxConns", "an upload has as many connections as Routines says, which are kept for the next one")
	}
}

// SetLocalAddr is [ErrUnsupported].
func SetLocalAddr(net.Addr) ClientOption {
	return func(c *clientConfig) { c.unsupported("SetLocalAddr", "the operating system chooses the local address") }
}

// SetLogger is [ErrUnsupported]: see NextEvent of [native.Client].
func SetLogger(*log.Logger) ClientOption {
	return func(c *clientConfig) {
		c.unsupported("SetLogger", "take what happens out with Client.NextEvent, or set OSS_UPLOAD_LOG in the environment")
	}
}

// SetLogLevel is [ErrUnsupported] above [LogOff]: see NextEvent of [native.Client].
func SetLogLevel(level int) ClientOption {
	return func(c *clientConfig) {
		if level != LogOff {
			c.unsupported("SetLogLevel", "take what happens out with Client.NextEvent, or set OSS_UPLOAD_LOG in the environment")
		}
	}
}

// AdditionalHeaders is [ErrUnsupported]: the library chooses which headers are signed.
func AdditionalHeaders([]string) ClientOption {
	return func(c *clientConfig) {
		c.unsupported("AdditionalHeaders", "the library chooses which headers are signed")
	}
}

// CloudBoxId is [ErrUnsupported].
func CloudBoxId(string) ClientOption {
	return func(c *clientConfig) { c.unsupported("CloudBoxId", "CloudBox is not supported") }
}

// LimitUploadSpeed with anything but 0 is [ErrUnsupported]: set MaxBytesPerSecond of [native.ClientOptions] when
// creating a client; it applies to all its uploads together.
func (c *Client) LimitUploadSpeed(kilobytesPerSecond int) error {
	if kilobytesPerSecond != 0 {
		return cannot("LimitUploadSpeed", "use MaxBytesPerSecond of package bindings/go/oss")
	}
	return nil
}

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`)

// A Bucket is the destination of [Bucket.UploadFile], as in Alibaba Cloud's SDK v1. Create one with [Client.Bucket].
type Bucket struct {
	// Client is the uploading client.
	Client *Client
	// BucketName is the bucket's name.
	BucketName string
}

// Bucket returns the bucket of that name without asking the server. It fails with [ErrInvalidArgument].
func (c *Client) Bucket(name string) (*Bucket, error) {
	if !bucketName.MatchString(name) {
		return nil, invalid("the bucket's name %q is not 3 to 63 of a-z, 0-9 and '-', with no '-' at its ends", name)
	}
	return &Bucket{Client: c, BucketName: name}, nil
}

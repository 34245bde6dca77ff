// Package address shows addresses without the passwords in them.
package address

import (
	"net/url"
	"strings"
)

// WithoutPassword is an address without what stands before the '@' in it.
func WithoutPassword(address string) string {
	if !strings.Contains(address, "@") {
		return address
	}
	if u, err := url.Parse(address); err == nil && u.User != nil && u.Host != "" {
		u.User = url.User("(hidden)")
		return u.Redacted()
	}
	return "(hidden)"
}

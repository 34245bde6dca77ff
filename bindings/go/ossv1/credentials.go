package oss

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	native "github.com/oss-upload/liboss_upload/bindings/go/oss"
)

// Credentials are a key, as in Alibaba Cloud's SDK v1. GetSecurityToken is empty for a permanent one.
type Credentials interface {
	GetAccessKeyID() string
	GetAccessKeySecret() string
	GetSecurityToken() string
}

// A CredentialsProvider returns credentials whenever it is asked: see [SetCredentialsProvider]. It should cache them
// until they are about to expire.
type CredentialsProvider interface {
	GetCredentials() Credentials
}

// A CredentialsProviderE is a [CredentialsProvider] that can fail; only GetCredentialsE is then called. An upload that
// has not started fails with its error, which also matches [ErrCredentials]; a running one continues with the
// credentials that it has.
type CredentialsProviderE interface {
	CredentialsProvider
	GetCredentialsE() (Credentials, error)
}

// EnvironmentVariableCredentialsProvider returns the key that was in the environment when it was created by
// [NewEnvironmentVariableCredentialsProvider]; the zero value reads the environment each time. Printing it shows no
// secrets.
type EnvironmentVariableCredentialsProvider struct {
	key *environmentKey
}

// NewEnvironmentVariableCredentialsProvider reads OSS_ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET and, for a temporary key,
// OSS_SESSION_TOKEN. It fails with [ErrCredentials] if one of the first two is missing.
func NewEnvironmentVariableCredentialsProvider() (EnvironmentVariableCredentialsProvider, error) {
	key := keyFromEnvironment()
	for _, needed := range [][2]string{{"OSS_ACCESS_KEY_ID", key.id}, {"OSS_ACCESS_KEY_SECRET", key.secret}} {
		if needed[1] == "" {
			return EnvironmentVariableCredentialsProvider{}, noCredentials("the environment variable %s is not set", needed[0])
		}
	}
	return EnvironmentVariableCredentialsProvider{key}, nil
}

// GetCredentials returns the key.
func (p *EnvironmentVariableCredentialsProvider) GetCredentials() Credentials {
	if p.key == nil {
		return keyFromEnvironment()
	}
	return p.key
}

// Format shows no secrets, whatever the verb is.
func (p EnvironmentVariableCredentialsProvider) Format(f fmt.State, _ rune) {
	fmt.Fprint(f, "oss.EnvironmentVariableCredentialsProvider{}")
}

type environmentKey struct{ id, secret, token string }

func keyFromEnvironment() *environmentKey {
	return &environmentKey{
		os.Getenv("OSS_ACCESS_KEY_ID"), os.Getenv("OSS_ACCESS_KEY_SECRET"), os.Getenv("OSS_SESSION_TOKEN"),
	}
}

func (k *environmentKey) GetAccessKeyID() string     { return k.id }
func (k *environmentKey) GetAccessKeySecret() string { return k.secret }
func (k *environmentKey) GetSecurityToken() string   { return k.token }

// Format shows no secrets, whatever the verb is.
func (k environmentKey) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "oss.Credentials{%q}", k.id) }

func noCredentials(format string, args ...any) error {
	return &Error{Status: native.StatusCredentials, Message: fmt.Sprintf(format, args...)}
}

const (
	// askAgain is the pause between two requests to a provider while uploads run.
	askAgain = time.Second
	// refusedWait is how long an upload waits for its provider to return credentials other than the refused ones.
	refusedWait = 5 * time.Second
)

// A credentialsSource passes the credentials of a provider to a client. It keeps no secret, only a digest of the last.
type credentialsSource struct {
	ask func() (Credentials, error)

	mu    sync.Mutex
	last  [sha256.Size]byte
	asked time.Time
}

// newCredentialsSource asks the provider for the first time, into the options.
func newCredentialsSource(provider CredentialsProvider, options *native.ClientOptions) (*credentialsSource, error) {
	s := &credentialsSource{ask: func() (Credentials, error) { return provider.GetCredentials(), nil }}
	if fallible, ok := provider.(CredentialsProviderE); ok {
		s.ask = fallible.GetCredentialsE
	}
	if _, fixed := provider.(*EnvironmentVariableCredentialsProvider); !fixed {
		options.CredentialsWait = refusedWait
	}
	return s, s.refresh(0, func(id, secret, token string) error {
		options.AccessKeyID, options.AccessKeySecret, options.SecurityToken = id, secret, token
		return nil
	})
}

// refresh asks the provider, unless it was asked within the given time, and passes on new credentials.
func (s *credentialsSource) refresh(within time.Duration, use func(id, secret, token string) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.asked.IsZero() && time.Since(s.asked) < within {
		return nil
	}
	given, err := s.ask()
	s.asked = time.Now()
	if err != nil {
		return fmt.Errorf("%w: %w", noCredentials("the provider of credentials failed"), err)
	}
	if given == nil {
		return noCredentials("the provider of credentials gave none")
	}
	id, secret, token := given.GetAccessKeyID(), given.GetAccessKeySecret(), strings.TrimSpace(given.GetSecurityToken())
	if id == "" || secret == "" {
		return noCredentials("the provider of credentials gave an empty key")
	}
	digest := sha256.Sum256([]byte(id + "\x00" + secret + "\x00" + token))
	if digest == s.last {
		return nil
	}
	if err := use(id, secret, token); err != nil {
		return err
	}
	s.last = digest
	return nil
}

// follow asks from time to time, and whenever refused reports a refusal, until done is closed. Failures show in the
// upload when its credentials are refused.
func (s *credentialsSource) follow(client *native.Client, refused, done <-chan struct{}) {
	ticker := time.NewTicker(askAgain)
	defer ticker.Stop()
	for {
		within := askAgain / 2
		select {
		case <-done:
			return
		case <-refused:
			within = askAgain / 10
		case <-ticker.C:
		}
		_ = s.refresh(within, client.SetCredentials)
	}
}

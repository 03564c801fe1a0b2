// Package setup reads the settings and makes what functions are built from. It
// does nothing until it is called, and dials nothing before the first use.
//
// The parts that need a client of their own are in packages of their own
// (setup/bus, setup/secrets, setup/google), so that a function links only what it
// uses and starts fast.
package setup

import (
	"context"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/signin"
	"github.com/rollcall-emm/rollcall/shared/token"
)

// Config is every setting of the functions. The README's table describes each.
type Config struct {
	Store   string `env:"ROLLCALL_STORE, default=embedded"`
	Bus     string `env:"ROLLCALL_BUS, default=embedded"`
	Secrets string `env:"ROLLCALL_SECRETS, default=file"`
	Data    string `env:"ROLLCALL_DATA, default=.rollcall"`
	Project string `env:"ROLLCALL_PROJECT, default=$GOOGLE_CLOUD_PROJECT"`
	// Database is the Firestore database's id.
	Database    string `env:"ROLLCALL_FIRESTORE_DATABASE, default=(default)"`
	TopicPrefix string `env:"ROLLCALL_TOPIC_PREFIX, default=rollcall-"`
	PublicURL   string `env:"ROLLCALL_PUBLIC_URL, default=http://localhost:8080"`

	PlayEndpoint string `env:"ROLLCALL_PLAY_ENDPOINT"`
	PlayRate     int    `env:"ROLLCALL_PLAY_RATE, default=100"`

	DirectoryEndpoint string        `env:"ROLLCALL_DIRECTORY_ENDPOINT"`
	DirectoryRate     int           `env:"ROLLCALL_DIRECTORY_RATE, default=38"`
	DirectorySlice    time.Duration `env:"ROLLCALL_DIRECTORY_SLICE, default=4m"`

	// IAMEndpoint is where keyless credentials have their assertions signed.
	IAMEndpoint string `env:"ROLLCALL_IAM_ENDPOINT"`

	AdminEmails    []string `env:"ROLLCALL_ADMIN_EMAILS"`
	AdminAudiences []string `env:"ROLLCALL_ADMIN_AUDIENCES"`

	TokenBurst       int           `env:"ROLLCALL_TOKEN_BURST, default=3"`
	TokenBurstWindow time.Duration `env:"ROLLCALL_TOKEN_BURST_WINDOW, default=15m"`
	TokenDaily       int           `env:"ROLLCALL_TOKEN_DAILY, default=10"`
	TokenLife        time.Duration `env:"ROLLCALL_TOKEN_LIFE, default=5m"`

	// PasswordBudget is how long a check-in may take for the sake of a push of the
	// person's password; 0 leaves every push to the function passwordpush.
	PasswordBudget time.Duration `env:"ROLLCALL_PASSWORD_BUDGET, default=2s"`

	// Proxies is how many trusted proxies append to X-Forwarded-For.
	Proxies int `env:"ROLLCALL_PROXIES, default=0"`

	// AuditDays is how long audit records are kept.
	AuditDays int `env:"ROLLCALL_AUDIT_DAYS, default=400"`

	LogLevel slog.Level `env:"ROLLCALL_LOG_LEVEL, default=INFO"`
}

// Load reads the settings from the environment and checks them. Its error names
// the variable and says what it takes.
func Load(ctx context.Context) (Config, error) {
	var c Config
	if err := envconfig.Process(ctx, &c); err != nil {
		return c, fault.Wrap(err, fault.Invalid, "settings", "a setting in the environment cannot be read")
	}
	return c, c.Validate()
}

// Validate returns fault.Invalid naming the first variable that is wrong.
func (c Config) Validate() error {
	for _, s := range []struct{ name, value, local, cloud string }{
		{"ROLLCALL_STORE", c.Store, "embedded", "firestore"},
		{"ROLLCALL_BUS", c.Bus, "embedded", "pubsub"},
		{"ROLLCALL_SECRETS", c.Secrets, "file", "secretmanager"},
	} {
		if s.value != s.local && s.value != s.cloud {
			return fault.Field(s.name, "is %q; give %s or %s", s.value, s.local, s.cloud)
		}
		if s.value == s.cloud && c.Project == "" {
			return fault.Field("ROLLCALL_PROJECT", "is empty; %s=%s needs the Google Cloud project's id", s.name, s.cloud)
		}
	}
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.RawQuery != "" {
		return fault.Field("ROLLCALL_PUBLIC_URL", "is %q; give the URL under which devices reach the functions, such as https://emm.example.com", c.PublicURL)
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return fault.Field("ROLLCALL_PUBLIC_URL", "is %q; devices must come over https", c.PublicURL)
	}
	if err := c.validateEndpoints(); err != nil {
		return err
	}
	for _, s := range []struct {
		name  string
		value int
	}{
		{"ROLLCALL_PLAY_RATE", c.PlayRate}, {"ROLLCALL_DIRECTORY_RATE", c.DirectoryRate},
		{"ROLLCALL_TOKEN_BURST", c.TokenBurst}, {"ROLLCALL_TOKEN_DAILY", c.TokenDaily},
	} {
		if s.value < 1 || s.value > 1000 {
			return fault.Field(s.name, "is %d; give 1 to 1000", s.value)
		}
	}
	if c.Proxies < 0 || c.Proxies > signin.MaxProxies {
		return fault.Field("ROLLCALL_PROXIES", "is %d; give 0 to %d", c.Proxies, signin.MaxProxies)
	}
	if c.AuditDays < 1 || c.AuditDays > 36500 {
		return fault.Field("ROLLCALL_AUDIT_DAYS", "is %d; give 1 to 36500 days", c.AuditDays)
	}
	for _, s := range []struct {
		name  string
		value time.Duration
	}{{"ROLLCALL_TOKEN_BURST_WINDOW", c.TokenBurstWindow}, {"ROLLCALL_TOKEN_LIFE", c.TokenLife}} {
		if s.value < time.Second {
			return fault.Field(s.name, "is %v; give at least 1s", s.value)
		}
	}
	if c.PasswordBudget < 0 || c.PasswordBudget > 20*time.Second {
		return fault.Field("ROLLCALL_PASSWORD_BUDGET", "is %v; give 0 to 20s", c.PasswordBudget)
	}
	if c.DirectorySlice < 10*time.Second || c.DirectorySlice > time.Hour {
		return fault.Field("ROLLCALL_DIRECTORY_SLICE", "is %v; give 10s to 1h", c.DirectorySlice)
	}
	return nil
}

// validateEndpoints keeps simulators out of production: they are sent proofs signed
// with whatever credential is kept, and the process's own access token.
func (c Config) validateEndpoints() error {
	for _, s := range []struct{ name, value string }{
		{"ROLLCALL_PLAY_ENDPOINT", c.PlayEndpoint}, {"ROLLCALL_DIRECTORY_ENDPOINT", c.DirectoryEndpoint},
		{"ROLLCALL_IAM_ENDPOINT", c.IAMEndpoint},
	} {
		if s.value == "" {
			continue
		}
		if u, err := url.Parse(s.value); err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.RawQuery != "" {
			return fault.Field(s.name, "is %q; give the root URL of a simulator, such as http://localhost:9000, or nothing for Google's", s.value)
		}
		if c.Secrets == "secretmanager" {
			return fault.Field(s.name, "is for development; with ROLLCALL_SECRETS=secretmanager leave it out, or true credentials would be used with a simulator")
		}
	}
	return nil
}

func loopback(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }

// Endpoint returns the public URL of a function.
func (c Config) Endpoint(function string) string {
	return strings.TrimSuffix(c.PublicURL, "/") + "/" + function
}

// Endpoints returns what devices are told.
func (c Config) Endpoints() protocol.Endpoints {
	return protocol.Endpoints{CheckIn: c.Endpoint("checkin"), Token: c.Endpoint("token")}
}

// Limits returns the limits of tokens.
func (c Config) Limits() token.Limits {
	return token.Limits{Burst: c.TokenBurst, BurstWindow: c.TokenBurstWindow, Daily: c.TokenDaily, Life: c.TokenLife}
}

// Logger returns a logger that writes JSON lines in the form that Cloud Logging
// reads (severity, message) to w, standard error if nil.
func (c Config) Logger(w interface{ Write([]byte) (int, error) }) *slog.Logger {
	if w == nil {
		w = os.Stderr
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{
		Level: c.LogLevel,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) > 0 {
				return a
			}
			if level, ok := a.Value.Any().(slog.Level); ok && a.Key == slog.LevelKey {
				return slog.String("severity", severity(level))
			}
			if a.Key == slog.MessageKey {
				a.Key = "message"
			}
			return a
		},
	}))
}

func severity(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "ERROR"
	case l >= slog.LevelWarn:
		return "WARNING"
	case l >= slog.LevelInfo:
		return "INFO"
	}
	return "DEBUG"
}

package directory

import "strings"

// The defaults of a Config, beside those of a Guard.
const (
	DefaultFullEveryHours = 24
	DefaultPageSize       = 500
	DefaultGraceDays      = 7
)

// WithDefaults returns the configuration with its defaults written out, for people
// to read; c stays as it is. What the schema gives (LDAP.Filter and
// LDAP.Attributes) stays empty: that is for the LDAP client to say.
func (c Config) WithDefaults() Config {
	fill(&c.FullEveryHours, DefaultFullEveryHours)
	fill(&c.Guard.Population, DefaultPopulation)
	fill(&c.Guard.DropPercent, DefaultDropPercent)
	fill(&c.Guard.Withdraw.Percent, DefaultWithdrawPercent)
	fill(&c.Guard.Delete.Percent, DefaultDeletePercent)
	if c.Leavers.GraceDays == nil {
		days := DefaultGraceDays
		c.Leavers.GraceDays = &days
	}
	if c.LDAP != nil {
		l := *c.LDAP
		fill(&l.Security, StartTLS)
		if c.LDAP.Security == "" && strings.HasPrefix(strings.ToLower(l.URL), "ldaps:") {
			l.Security = TLS
		}
		fill(&l.Schema, OpenLDAP)
		fill(&l.Incremental, Auto)
		fill(&l.PageSize, DefaultPageSize)
		c.LDAP = &l
	}
	if c.Google != nil && c.Mode == ReadWrite {
		g := *c.Google
		g.DefaultUnit = g.NewUnit("")
		c.Google = &g
	}
	if c.SignIn != nil && c.SignIn.OIDC != nil {
		s, o := *c.SignIn, *c.SignIn.OIDC
		fill(&o.Claim, "sub")
		fill(&o.Match, MatchID)
		s.OIDC = &o
		c.SignIn = &s
	}
	return c
}

func fill[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

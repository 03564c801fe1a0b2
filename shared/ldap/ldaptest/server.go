package ldaptest

import (
	"context"
	"crypto/tls"
	"fmt"
	"iter"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/jimlambrt/gldap"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Options says what a Server plays; the zero value of each field means its default.
type Options struct {
	// Schema is the family of servers, default directory.OpenLDAP.
	Schema directory.Schema
	// BaseDN is the one naming context, default dc=example,dc=com. Its entry and
	// those above an added one are made where they are missing.
	BaseDN string
	// BindDN and Password are the service account, which needs no entry; default
	// cn=reader below the base and "reader's password".
	BindDN   string
	Password string
	// Address is where to listen, default 127.0.0.1:0.
	Address string
	// SizeLimit is how many entries one search gives at most, over all its pages;
	// 0 is no limit.
	SizeLimit int
	// Now is the server's clock, default time.Now. It is called concurrently.
	Now func() time.Time
}

// Server is a running LDAP server. It may be used concurrently.
type Server struct {
	opt    Options
	tree   *tree
	count  counters
	tls    *tls.Config
	ca     string
	ldap   *gldap.Server
	front  *front
	secure *front

	closing sync.Once

	mu     sync.Mutex
	faults Faults
	conns  map[int]*session
}

// session is what a connection has done.
type session struct {
	bound bool
	pages int
}

// Start returns a server that answers; whoever starts it calls Close.
func Start(opt Options) (*Server, error) {
	set(&opt.BaseDN, "dc=example,dc=com")
	set(&opt.BindDN, "cn=reader,"+opt.BaseDN)
	set(&opt.Password, "reader's password")
	set(&opt.Address, "127.0.0.1:0")
	if opt.Schema == "" {
		opt.Schema = directory.OpenLDAP
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	s := &Server{opt: opt, conns: map[int]*session{}}
	var err error
	if s.tree, err = newTree(opt); err != nil {
		return nil, err
	}
	if s.tls, s.ca, err = newAuthority(); err != nil {
		return nil, err
	}
	if err := s.listen(); err != nil {
		return nil, err
	}
	return s, nil
}

func set(to *string, value string) {
	if *to == "" {
		*to = value
	}
}

// listen starts gldap behind the listeners that tests talk to. gldap neither tells
// which port it got nor lets go of a connection, and both are needed here.
func (s *Server) listen() error {
	closed := make(chan int, 1024)
	router, err := s.router()
	if err != nil {
		return err
	}
	var address string
	for try := 0; ; try++ {
		s.ldap, err = gldap.NewServer(gldap.WithLogger(hclog.NewNullLogger()), gldap.WithOnClose(func(id int) { closed <- id }))
		if err != nil {
			return err
		}
		if err = s.ldap.Router(router); err != nil {
			return err
		}
		if address, err = run(s.ldap, closed); err == nil {
			break
		}
		if try == 20 {
			return fmt.Errorf("ldaptest: no port to be had: %w", err)
		}
	}
	backend := newBackend(address, closed, s.forget, &s.count)
	plain, err := net.Listen("tcp", s.opt.Address)
	if err != nil {
		return err
	}
	secure, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.front = newFront(plain, backend)
	s.secure = newFront(tls.NewListener(secure, s.tls), backend)
	return nil
}

// Close ends all connections and waits until they are served no more. It may be
// called again.
func (s *Server) Close() {
	s.closing.Do(func() {
		s.front.close()
		s.secure.close()
		s.front.backend.close()
		_ = s.ldap.Stop()
	})
}

// URL is where the server listens: ldap://, with StartTLS for who wants it.
func (s *Server) URL() string { return "ldap://" + s.front.listener.Addr().String() }

// SecureURL is where it listens with TLS: ldaps://.
func (s *Server) SecureURL() string { return "ldaps://" + s.secure.listener.Addr().String() }

// CA is the PEM certificate of the authority that the server's certificate, for
// 127.0.0.1 and localhost, comes from.
func (s *Server) CA() string { return s.ca }

// Config describes the server to a client: without TLS, as the service account.
func (s *Server) Config() directory.LDAP {
	return directory.LDAP{
		URL: s.URL(), Security: directory.Plain, BindDN: s.opt.BindDN, Schema: s.opt.Schema, BaseDN: s.opt.BaseDN,
	}
}

// Password returns the service account's password, in the form that a client asks
// for it.
func (s *Server) Password(context.Context) (secret.Value, error) {
	return secret.New(s.opt.Password), nil
}

// Add adds entries, and the entries above them where they are missing.
func (s *Server) Add(entries ...Entry) error {
	return s.AddAll(func(yield func(Entry) bool) {
		for _, e := range entries {
			if !yield(e) {
				return
			}
		}
	})
}

// AddAll is Add for many.
func (s *Server) AddAll(entries iter.Seq[Entry]) error {
	for e := range entries {
		if err := s.tree.add(e); err != nil {
			return err
		}
	}
	return nil
}

// Set replaces the values of an attribute; none removes it.
func (s *Server) Set(dn, attribute string, values ...string) error {
	return s.tree.set(dn, attribute, values)
}

// SetPassword sets the password that the entry binds with.
func (s *Server) SetPassword(dn, password string) error { return s.Set(dn, "userPassword", password) }

// Rename gives an entry without children another DN. Its id stays.
func (s *Server) Rename(dn, newDN string) error { return s.tree.rename(dn, newDN) }

// Delete removes an entry without children. As Active Directory the server keeps a
// tombstone.
func (s *Server) Delete(dn string) error { return s.tree.remove(dn) }

// ID returns the id of an entry in the form that the schema's attribute has as
// text, "" where there is none.
func (s *Server) ID(dn string) string { return s.tree.idOf(dn) }

// Len returns how many entries there are, those above people included.
func (s *Server) Len() int { return s.tree.len() }

func (s *Server) session(id int) *session {
	if s.conns[id] == nil {
		s.conns[id] = &session{}
	}
	return s.conns[id]
}

func (s *Server) forget(id int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, id)
}

// isService compares the DNs of bind requests with the service account's.
func (s *Server) isService(dn string) bool { return strings.EqualFold(dn, s.opt.BindDN) }

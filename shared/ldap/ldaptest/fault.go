package ldaptest

// Faults is what goes wrong. Its zero value is nothing.
type Faults struct {
	// RefuseBind is the LDAP result that every bind is refused with.
	RefuseBind int
	// CutPage is the page of a connection, from 1, in the middle of which the
	// connection is cut.
	CutPage int
	// SizeLimit ends a search with result 4 when it has given so many entries, over
	// all its pages.
	SizeLimit int
	// Result is the LDAP result that every search below the base ends with, after
	// its entries: 3 for a time limit, 10 for a referral, 11, 51 and so on.
	Result int
	// Empty makes every search below the base find nobody, with success.
	Empty bool
	// Hook is called before a request is answered, concurrently; it may wait.
	Hook func(Request)
}

// Request is what a client asks for.
type Request struct {
	// Operation is "bind" or "search".
	Operation string
	// DN is who binds, or the base of the search.
	DN string
	// Filter and Attributes are those of a search, and Page is the number of the
	// page on its connection, from 1; 0 for a search without pages.
	Filter     string
	Attributes []string
	Page       int
}

// SetFaults decides what goes wrong from now on.
func (s *Server) SetFaults(f Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = f
}

func (s *Server) fault() Faults {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults
}

func (f Faults) tell(r Request) {
	if f.Hook != nil {
		f.Hook(r)
	}
}

package workspacetest

// ListMode is how users.list lies.
type ListMode int

// The lies that users of the API have met. All of them answer 200.
const (
	// EmptyList has no users and no next page.
	EmptyList ListMode = iota
	// MissingUsers lacks every Nth user of a page.
	MissingUsers
	// LostTail ends the walk with the page, though more would follow.
	LostTail
)

// ListFault says which pages lie, and how.
type ListFault struct {
	Mode ListMode
	// Nth is for MissingUsers, default 2.
	Nth int
	// Skip is how many pages are spared first.
	Skip int
	// Times is how many pages lie; 0 is no end.
	Times int
}

// FailLists adds a fault of users.list.
func (s *Server) FailLists(f ListFault) {
	if f.Nth <= 0 {
		f.Nth = 2
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// MendLists drops every fault of users.list.
func (s *Server) MendLists() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

func (s *Server) spoilLocked(page []*record, next string) ([]*record, string) {
	if len(s.faults) == 0 {
		return page, next
	}
	f := s.faults[0]
	if f.Skip > 0 {
		f.Skip--
		return page, next
	}
	if f.Times == 1 {
		s.faults = s.faults[1:]
	} else if f.Times > 1 {
		f.Times--
	}
	switch f.Mode {
	case EmptyList:
		return nil, ""
	case LostTail:
		return page, ""
	default:
		kept := page[:0]
		for i, r := range page {
			if (i+1)%f.Nth != 0 {
				kept = append(kept, r)
			}
		}
		return kept, next
	}
}

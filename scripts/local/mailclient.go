package main

import (
	"context"
	"sync"

	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// mailClient is a device's mail client, as far as Rollcall can tell: it keeps what it
// was given. It may be used concurrently.
type mailClient struct {
	mu       sync.Mutex
	settings map[string]protocol.MailSetting
}

// Apply implements agent.Mail.
func (m *mailClient) Apply(_ context.Context, s protocol.MailSetting) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.settings == nil {
		m.settings = map[string]protocol.MailSetting{}
	}
	m.settings[s.ID()] = s
	return nil
}

// Remove implements agent.Mail.
func (m *mailClient) Remove(_ context.Context, setting string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.settings, setting)
	return nil
}

// count returns how many settings there are.
func (m *mailClient) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.settings)
}

// password returns the password that came with a setting; empty without one.
func (m *mailClient) password(setting string) secret.Value {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a := m.settings[setting].Account; a != nil && a.Password != nil {
		return secret.New(a.Password.Reveal())
	}
	return secret.Value{}
}

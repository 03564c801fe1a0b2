package workspacetest

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
)

// channelBody is Google's Channel.
type channelBody struct {
	Kind       string            `json:"kind,omitempty"`
	ID         string            `json:"id,omitempty"`
	ResourceID string            `json:"resourceId,omitempty"`
	URI        string            `json:"resourceUri,omitempty"`
	Token      string            `json:"token,omitempty"`
	Expiration int64             `json:"expiration,omitempty,string"`
	Type       string            `json:"type,omitempty"`
	Address    string            `json:"address,omitempty"`
	Params     map[string]string `json:"params,omitempty"`
}

// channel is an open notification channel.
type channel struct {
	channelBody
	customer *customer
	domain   string // empty is all
	event    string // empty is all
	account  string // the service account that opened it
	number   int64  // of the last message
	queue    *queue
}

func (ch *channel) open(now time.Time) bool { return now.UnixMilli() < ch.Expiration }

func (s *Server) watchUsers(c call) (any, *googletest.Error) {
	cu, domain, refused := s.customerLocked(c)
	if refused != nil {
		return nil, refused
	}
	var in channelBody
	if err := json.Unmarshal(c.Body, &in); err != nil {
		return nil, invalid("The body does not fit.")
	}
	if refused := s.checkChannelLocked(in); refused != nil {
		return nil, refused
	}
	ttl := s.opt.ChannelDefault
	if text := in.Params["ttl"]; text != "" {
		secs, err := strconv.Atoi(text)
		if err != nil || secs <= 0 {
			return nil, invalid("Invalid Input: params.ttl")
		}
		ttl = time.Duration(secs) * time.Second
	}
	ch := &channel{customer: cu, domain: domain, event: c.Query.Get("event"), account: c.Grant.Account, queue: s.post.queue()}
	ch.ID, ch.Token, ch.Type, ch.Address = in.ID, in.Token, in.Type, in.Address
	ch.Expiration = s.opt.Now().Add(min(ttl, s.opt.ChannelMax)).UnixMilli()
	ch.URI = watchedURI(c.Query)
	ch.ResourceID = resourceID(ch.URI)
	s.channels[ch.ID] = ch
	s.sendLocked(ch, "sync", nil)
	out := ch.channelBody
	out.Kind, out.Type, out.Address = "api#channel", "", ""
	return out, nil
}

func (s *Server) checkChannelLocked(in channelBody) *googletest.Error {
	switch {
	case in.ID == "" || len(in.ID) > 64:
		return invalid("Invalid Input: id")
	case in.Type != "web_hook" && in.Type != "webhook":
		return invalid("Invalid Input: type")
	case len(in.Token) > 256:
		return invalid("Invalid Input: token")
	}
	if u, err := url.Parse(in.Address); err != nil || u.Scheme != "https" || u.Host == "" {
		return &googletest.Error{Status: http.StatusBadRequest, Reason: "push.webhookUrlNotHttps", Message: "WebHook callback must be HTTPS: " + in.Address}
	}
	if old := s.channels[in.ID]; old != nil && old.open(s.opt.Now()) {
		return &googletest.Error{Status: http.StatusBadRequest, Reason: "channelIdNotUnique", Message: "Channel id " + in.ID + " not unique"}
	}
	return nil
}

// watchedURI names what is watched, the same for every channel on it.
func watchedURI(q url.Values) string {
	keep := url.Values{"alt": {"json"}}
	for _, name := range []string{"customer", "domain", "event"} {
		if v := q.Get(name); v != "" {
			keep.Set(name, v)
		}
	}
	return "https://admin.googleapis.com/admin/directory/v1/users?" + keep.Encode()
}

func resourceID(uri string) string {
	h := fnv.New64a()
	// A hash takes every byte.
	_, _ = h.Write([]byte(uri))
	return fmt.Sprintf("res-%016x", h.Sum64())
}

func (s *Server) stopChannel(c call) (any, *googletest.Error) {
	var in channelBody
	if err := json.Unmarshal(c.Body, &in); err != nil {
		return nil, invalid("The body does not fit.")
	}
	ch := s.channels[in.ID]
	if ch == nil || ch.ResourceID != in.ResourceID || !ch.open(s.opt.Now()) || ch.account != c.Grant.Account {
		return nil, &googletest.Error{Status: http.StatusNotFound, Reason: "notFound", Message: "Channel '" + in.ID + "' not found for project"}
	}
	delete(s.channels, in.ID)
	return nil, nil
}

// announceLocked tells the open channels of what happened to a user.
func (s *Server) announceLocked(event string, r *record) {
	for _, ch := range s.channels {
		if ch.customer != r.customer || (ch.domain != "" && ch.domain != r.domain()) ||
			(ch.event != "" && ch.event != event) || !ch.open(s.opt.Now()) {
			continue
		}
		s.sendLocked(ch, event, r)
	}
}

// sendLocked queues one message. Numbers grow, and not by one.
func (s *Server) sendLocked(ch *channel, event string, r *record) {
	ch.number++
	if ch.number > 1 {
		ch.number += int64(ch.number % 3)
	}
	h := http.Header{}
	h.Set("X-Goog-Channel-Id", ch.ID)
	h.Set("X-Goog-Message-Number", strconv.FormatInt(ch.number, 10))
	h.Set("X-Goog-Resource-Id", ch.ResourceID)
	h.Set("X-Goog-Resource-State", event)
	h.Set("X-Goog-Resource-Uri", ch.URI)
	h.Set("X-Goog-Channel-Expiration", time.UnixMilli(ch.Expiration).UTC().Format(http.TimeFormat))
	if ch.Token != "" {
		h.Set("X-Goog-Channel-Token", ch.Token)
	}
	m := message{address: ch.Address, header: h}
	if r != nil {
		h.Set("Content-Type", "application/json; charset=UTF-8")
		// Strings always marshal.
		m.body, _ = json.Marshal(map[string]string{
			"kind": "admin#directory#user", "id": idText(r.id), "etag": r.etag(), "primaryEmail": r.email,
		})
	}
	ch.queue.put(m)
}

func (s *Server) openChannelsLocked(cu *customer) []string {
	var ids []string
	for id, ch := range s.channels {
		if ch.customer == cu && ch.open(s.opt.Now()) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

package main

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"
)

// pageSize is the most that the server gives at once.
const pageSize = 1000

// pager holds the flags of a listing.
type pager struct {
	limit int
	next  string
}

func (p *pager) flags(cmd *cobra.Command, limit int) {
	cmd.Flags().IntVar(&p.limit, "limit", limit, "how many to list at most; 0 is all")
	cmd.Flags().StringVar(&p.next, "next", "", "go on where a listing ended, by the `value` that it gave")
}

// listing is what the server said, whole, for --json.
type listing struct {
	Items []json.RawMessage `json:"items"`
	Next  string            `json:"next,omitempty"`
}

// list reads pages until the limit or the end is reached.
func (p *pager) list(ctx context.Context, c *client, path string, query url.Values) (listing, error) {
	if p.limit < 0 {
		return listing{}, usagef("--limit takes a number of items, or 0 for all")
	}
	all := listing{Items: []json.RawMessage{}, Next: p.next}
	for {
		n := pageSize
		if p.limit > 0 {
			n = min(n, p.limit-len(all.Items))
		}
		q := url.Values{"limit": {strconv.Itoa(n)}}
		for k, v := range query {
			if v[0] != "" {
				q[k] = v
			}
		}
		if all.Next != "" {
			q.Set("next", all.Next)
		}
		body, err := c.get(ctx, path, q)
		if err != nil {
			return listing{}, err
		}
		page, err := decode[listing](body)
		if err != nil {
			return listing{}, err
		}
		all.Items, all.Next = append(all.Items, page.Items...), page.Next
		if page.Next == "" || p.limit > 0 && len(all.Items) >= p.limit {
			return all, nil
		}
	}
}

// items decodes a listing's items.
func items[T any](l listing) ([]T, error) {
	out := make([]T, len(l.Items))
	for i, raw := range l.Items {
		var err error
		if out[i], err = decode[T](raw); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func decode[T any](body []byte) (T, error) {
	var v T
	if err := json.Unmarshal(body, &v); err != nil {
		return v, failf(exitFailed, "the server's reply cannot be read (%v); is this rollcall older or newer than the server?", err)
	}
	return v, nil
}

// show lists path and prints it: the JSON, or a table with the given head whose
// rows come from row. none is what a person reads when there is nothing.
func show[T any](cmd *cobra.Command, a *app, p *pager, path string, query url.Values, none string, head []string, row func(T) []string) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	l, err := p.list(cmd.Context(), c, path, query)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(l)
	}
	vs, err := items[T](l)
	if err != nil {
		return err
	}
	if len(vs) == 0 {
		a.say("%s", none)
		return nil
	}
	rows := make([][]string, len(vs))
	for i, v := range vs {
		rows[i] = row(v)
	}
	if err := a.table(head, rows); err != nil {
		return err
	}
	if l.Next != "" {
		a.say("There is more: add --next %s, or --limit 0 for all.", l.Next)
	}
	return nil
}

package workspace

import (
	"context"
	"strings"

	admin "google.golang.org/api/admin/directory/v1"
	"google.golang.org/api/googleapi"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

// The operations, as Caller's Event names them.
const (
	opList     = "users.list"
	opGet      = "users.get"
	opInsert   = "users.insert"
	opUpdate   = "users.update"
	opDelete   = "users.delete"
	opUndelete = "users.undelete"
	opSignOut  = "users.signOut"
	opWatch    = "users.watch"
	opStop     = "channels.stop"
)

// myCustomer is Google's word for the impersonated administrator's customer.
const myCustomer = "my_customer"

// PageSize is how many users a page has at most, Google's maximum.
const PageSize = 500

// Scope is whose users are meant: one domain, or one customer with all domains.
// The zero value is the impersonated administrator's customer. At most one field
// may be set.
type Scope struct {
	Customer string
	Domain   string
}

func (s Scope) check() error {
	if s.Customer != "" && s.Domain != "" {
		return fault.Field("scope", "names a customer and a domain; name one")
	}
	return nil
}

func (s Scope) customer() string {
	if s.Customer == "" && s.Domain == "" {
		return myCustomer
	}
	return s.Customer
}

// ListOptions narrow a listing. They must be the same on every page of a walk.
type ListOptions struct {
	Scope Scope
	// Query is in Google's language for searching users; empty is all.
	Query string
	// OrgUnit keeps users of this organizational unit and those below it.
	OrgUnit string
	// Deleted lists the users deleted in the last 20 days, and only those; of
	// them little more than id and address is known.
	Deleted bool
}

func (o ListOptions) query() string {
	if o.OrgUnit == "" {
		return o.Query
	}
	quoted := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(o.OrgUnit)
	return strings.TrimSpace(o.Query + " orgUnitPath='" + quoted + "'")
}

// Page is one page of a listing, ordered by primary address without regard to
// case.
type Page struct {
	Users []User
	// Next is the token of the next page; empty after the last. It is good for
	// three days.
	Next string
}

type wirePage struct {
	Users         []wireUser `json:"users"`
	NextPageToken string     `json:"nextPageToken"`
}

// List returns one page of up to PageSize users; an empty token means the first.
// A token that Google no longer takes is ReasonPageToken.
//
// A user who is not listed is not therefore gone: Google has answered 200 with
// users missing, and a user who is created or renamed during a walk can be
// missed or come twice (invariant D5).
func (c *Client) List(ctx context.Context, token string, opt ListOptions) (Page, error) {
	if err := opt.Scope.check(); err != nil {
		return Page{}, err
	}
	var reply wirePage
	op := operation{name: opList, idempotent: true, paged: token != ""}
	err := c.do(ctx, c.users, op, &reply, func(ctx context.Context, api *admin.Service) error {
		_, err := c.listCall(api, token, opt).Context(ctx).Do()
		return err
	})
	if err != nil {
		return Page{}, c.explain(ctx, Key{}, err)
	}
	page := Page{Users: make([]User, 0, len(reply.Users)), Next: reply.NextPageToken}
	for i := range reply.Users {
		page.Users = append(page.Users, reply.Users[i].user())
	}
	return page, nil
}

func (c *Client) listCall(api *admin.Service, token string, opt ListOptions) *admin.UsersListCall {
	call := api.Users.List().MaxResults(int64(c.opt.PageSize)).OrderBy("email").
		Fields("nextPageToken", googleapi.Field("users("+userFields+")"))
	if d := opt.Scope.Domain; d != "" {
		call.Domain(d)
	} else {
		call.Customer(opt.Scope.customer())
	}
	if q := opt.query(); q != "" {
		call.Query(q)
	}
	if opt.Deleted {
		call.ShowDeleted("true")
	}
	if token != "" {
		call.PageToken(token)
	}
	return call
}

// Get returns one user. A user who is not there is fault.NotFound: with
// ReasonDeleted one who can be restored, with google.ReasonNotFound one of whom
// Google knows nothing.
func (c *Client) Get(ctx context.Context, k Key) (User, error) {
	u, err := c.get(ctx, k)
	if err != nil {
		// The user cannot be asked about the user.
		return User{}, c.explain(ctx, Key{}, err)
	}
	return u, nil
}

func (c *Client) get(ctx context.Context, k Key) (User, error) {
	if err := required("key", k.ID); err != nil {
		return User{}, err
	}
	var reply wireUser
	err := c.do(ctx, c.users, operation{name: opGet, idempotent: true, key: k}, &reply, func(ctx context.Context, api *admin.Service) error {
		_, err := api.Users.Get(k.ID).Fields(userFields).Context(ctx).Do()
		return err
	})
	return userOf(&reply, err)
}

// userOf refuses a reply that names nobody.
func userOf(reply *wireUser, err error) (User, error) {
	if err == nil && reply.ID == "" {
		err = nonsense("a user without an id")
	}
	if err != nil {
		return User{}, err
	}
	return reply.user(), nil
}

package main

import (
	"context"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// keyPattern is how a person's key looks; see person.KeyOf.
var keyPattern = regexp.MustCompile(`^[a-z2-7]{26}$`)

// whoIs returns the key of the person whom a word names: a key, a mail address or a
// user id. That there is a person with a key is not asked for.
func (c *client) whoIs(ctx context.Context, path, word string) (string, error) {
	if keyPattern.MatchString(word) {
		return word, nil
	}
	by := []string{"login"}
	if strings.Contains(word, "@") {
		by = []string{"mail", "login"} // some directories have addresses as user ids
	}
	for _, name := range by {
		l, err := (&pager{limit: 10}).list(ctx, c, path+"/people", url.Values{name: {word}})
		if err != nil {
			return "", err
		}
		found, err := items[personRow](l)
		switch {
		case err != nil:
			return "", err
		case len(found) == 1:
			return found[0].Key, nil
		case len(found) > 1:
			return "", severalFit(word, found)
		}
	}
	return "", failf(exitNotFound, "nobody has the key, mail address or user id %q; see: %s", word, c.app.hint("people"))
}

func severalFit(word string, found []personRow) error {
	text := ""
	for _, p := range found {
		text += "\n  " + p.Key + "  " + clean(named(p.Entry.Name(), p.Entry.Mail, p.ID)) + ", " + string(p.State)
	}
	return failf(exitUsage, "%q is several people's; name one by the key:%s", word, text)
}

// whoAre returns the keys of the people whom words name, each once.
func (c *client) whoAre(ctx context.Context, path string, words []string) ([]string, error) {
	keys := make([]string, 0, len(words))
	for _, word := range words {
		key, err := c.whoIs(ctx, path, word)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

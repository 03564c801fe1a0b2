// Command stager makes the upload of one function, or of each: the function's
// package, the packages of this module that it needs, go.mod, go.sum, and a root
// file by which the functions buildpack finds it. The upload is laid out in
// .build/NAME and packed in .build/NAME-HASH.zip, so that an unchanged function
// has an unchanged name. Run it by scripts/stage.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
)

const usage = `usage: ./scripts/stage FUNCTION|all [--out DIR]

Stages FUNCTION, or each function of functions/, for "gcloud functions deploy"
(DIR/FUNCTION) and for Terraform (DIR/FUNCTION-HASH.zip). DIR is .build unless
--out names another.
`

// errUsage marks a failure that another command line would mend.
var errUsage = errors.New("usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	switch {
	case err == nil:
	case errors.Is(err, flag.ErrHelp):
		fmt.Print(usage)
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, "stage:", strings.TrimPrefix(err.Error(), errUsage.Error()+": "))
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "stage:", err)
		os.Exit(1)
	}
}

// run stages what args name and prints one line for each function.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	which, root, out, err := parse(args)
	if err != nil {
		return err
	}
	known, err := Functions(root)
	if err != nil {
		return err
	}
	names := known
	if which != "all" {
		if !slices.Contains(known, which) {
			return fmt.Errorf("%w: no function %q; there are: all, %s", errUsage, which, strings.Join(known, ", "))
		}
		names = []string{which}
	}
	if !filepath.IsAbs(out) {
		out = filepath.Join(root, out)
	}
	for _, name := range names {
		a, err := Stage(ctx, root, name, out)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Fprintf(stdout, "%-12s %5d files %9d bytes  %s\n", name, a.Files, a.Size, filepath.Base(a.Path))
	}
	return nil
}

// parse reads the command line; flags may stand before and behind the name.
func parse(args []string) (which, root, out string, err error) {
	fs := flag.NewFlagSet("stage", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&root, "root", ".", "folder of go.mod")
	fs.StringVar(&out, "out", ".build", "where to stage, relative to the root")
	var names []string
	for len(args) > 0 {
		if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
			return "", "", "", err
		} else if err != nil {
			return "", "", "", fmt.Errorf("%w: %w\n%s", errUsage, err, usage)
		}
		if args = fs.Args(); len(args) > 0 {
			names, args = append(names, args[0]), args[1:]
		}
	}
	if len(names) != 1 {
		return "", "", "", fmt.Errorf("%w: name one function, or all\n%s", errUsage, usage)
	}
	return names[0], root, out, nil
}

// Package bench holds the benchmarks that compare Rollcall with something else in
// one run: what a bare function costs to start, and, in a module of its own, what
// another server's idle poll costs. README.md says how to run them and what they
// measured.
package bench

// Package nanomdm holds the benchmark that compares Rollcall's steady check-in
// with NanoMDM's idle poll. It is a module of its own, so that Rollcall does not
// depend on NanoMDM.
package nanomdm

package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// epoch is every packed file's time: the earliest that a zip file can hold.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// hashDigits is how much of the hash an archive's name has.
const hashDigits = 16

// pack writes dir as out/name-HASH.zip and removes the function's other archives.
func pack(dir, out, name string) (Archive, error) {
	b, files, err := zipped(dir)
	if err != nil {
		return Archive{}, err
	}
	sum := sha256.Sum256(b)
	a := Archive{Hash: hex.EncodeToString(sum[:]), Size: len(b), Files: files}
	a.Path = filepath.Join(out, name+"-"+a.Hash[:hashDigits]+".zip")

	// Written aside and renamed, so that nobody uploads half an archive.
	partial := a.Path + ".partial"
	if err := os.WriteFile(partial, b, 0o644); err != nil {
		return Archive{}, err
	}
	if err := os.Rename(partial, a.Path); err != nil {
		return Archive{}, err
	}
	return a, removeOthers(out, name, a.Path)
}

// removeOthers removes the archives of name in out, but for keep: Terraform takes
// the one that is there.
func removeOthers(out, name, keep string) error {
	own := regexp.MustCompile(`^` + regexp.QuoteMeta(name) + `-[0-9a-f]+\.zip$`)
	entries, err := os.ReadDir(out)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if own.MatchString(e.Name()) && e.Name() != filepath.Base(keep) {
			if err := os.Remove(filepath.Join(out, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// zipped packs the files of dir. Equal content gives equal bytes: fs.WalkDir goes
// in lexical order, and names, modes and times come from nothing else.
func zipped(dir string) (b []byte, files int, err error) {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	tree := os.DirFS(dir)
	err = fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(tree, path)
		if err != nil {
			return err
		}
		h := &zip.FileHeader{Name: path, Method: zip.Deflate, Modified: epoch}
		h.SetMode(0o644)
		f, err := w.CreateHeader(h)
		if err != nil {
			return err
		}
		files++
		_, err = f.Write(content)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	if err := w.Close(); err != nil {
		return nil, 0, err
	}
	return buf.Bytes(), files, nil
}

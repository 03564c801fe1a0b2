package agent

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

// The PEM header that tells the two keys of a file apart.
const (
	useHeader  = "Rollcall-Use"
	useSigning = "signing"
	useOpening = "encryption"
)

// maxKeyFile bounds what LoadKeys reads; two keys have less than 5 KiB.
const maxKeyFile = 64 << 10

// Save writes the keys to a PEM file (PKCS #8) that only its owner may read, by
// way of a temporary file beside it, so that the file is whole or not there. An
// existing file is fault.Conflict: losing a signing key loses the device. Keys in
// hardware are fault.Invalid.
func (k Keys) Save(path string) error {
	var out []byte
	for use, key := range map[string]any{useSigning: k.signing, useOpening: k.opening} {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return fault.New(fault.Invalid, "hardware-key", "a key that lives in hardware cannot be saved")
		}
		block := pem.Block{Type: "PRIVATE KEY", Headers: map[string]string{useHeader: use}, Bytes: der}
		out = append(out, pem.EncodeToMemory(&block)...)
	}
	defer clear(out)
	// CreateTemp makes files of mode 0600.
	tmp, err := os.CreateTemp(filepath.Dir(path), ".keys-*")
	if err != nil {
		return fmt.Errorf("save keys: %w", err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(out)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return fmt.Errorf("save keys: %w", err)
	}
	// Link, unlike Rename, fails where the file exists.
	if err := os.Link(tmp.Name(), path); errors.Is(err, os.ErrExist) {
		return fault.New(fault.Conflict, "keys-exist", "there are keys in %s already; remove the file to give the device up", path)
	} else if err != nil {
		return fmt.Errorf("save keys: %w", err)
	}
	return nil
}

// LoadKeys reads what Save wrote. A missing file is fault.NotFound; one that
// others may read is fault.Denied; a damaged one is fault.Invalid.
func LoadKeys(path string) (Keys, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return Keys{}, fault.Wrap(err, fault.NotFound, "keys-missing", "there are no keys in %s", path)
	}
	if err != nil {
		return Keys{}, fmt.Errorf("load keys: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Keys{}, fmt.Errorf("load keys: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return Keys{}, fault.New(fault.Denied, "keys-open", "others may read %s; make new keys, and give the file mode 0600", path)
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return Keys{}, fmt.Errorf("load keys: %w", err)
	}
	defer clear(raw)
	return parseKeys(raw, path)
}

func parseKeys(raw []byte, path string) (Keys, error) {
	bad := fault.New(fault.Invalid, "keys-damaged", "%s does not hold a device's two keys", path)
	found := map[string]any{}
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return Keys{}, bad
		}
		found[block.Headers[useHeader]] = key
	}
	signing, ok := found[useSigning].(crypto.Signer)
	if !ok || found[useOpening] == nil {
		return Keys{}, bad
	}
	return NewKeys(signing, found[useOpening])
}

package notify

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// keyFile is where the key of Web Push is kept. Subscriptions hold for it alone (RFC 8292 4.2): without it every
// browser must subscribe again.
const keyFile = "push.key"

// pushKey is the key by which push services know this server (RFC 8292), as the library wants it: base64url.
type pushKey struct{ private, public string }

// openKey reads the key, or makes one.
func openKey(folder string) (pushKey, error) {
	file := filepath.Join(folder, keyFile)
	text, err := os.ReadFile(file) //nolint:gosec // in the state folder
	if errors.Is(err, fs.ErrNotExist) {
		if text, err = makeKey(file); err != nil {
			return pushKey{}, fmt.Errorf("keeping the key of Web Push: %w", err)
		}
	}
	if err != nil {
		return pushKey{}, fmt.Errorf("reading the key of Web Push: %w", err)
	}
	broken := fmt.Errorf("%s is no key of Web Push: put it back from a backup, or remove it, and every browser must subscribe again", file)
	block, _ := pem.Decode(text)
	if block == nil {
		return pushKey{}, broken
	}
	found, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := found.(*ecdsa.PrivateKey)
	if err != nil || !ok || key.Curve != elliptic.P256() {
		return pushKey{}, broken
	}
	if err := os.Chmod(file, 0o600); err != nil {
		return pushKey{}, fmt.Errorf("keeping the key of Web Push for us alone: %w", err)
	}
	private, err := key.Bytes()
	if err != nil {
		return pushKey{}, broken
	}
	public, err := key.PublicKey.Bytes()
	if err != nil {
		return pushKey{}, broken
	}
	return pushKey{base64.RawURLEncoding.EncodeToString(private), base64.RawURLEncoding.EncodeToString(public)}, nil
}

// makeKey writes a new key, as a whole or not at all.
func makeKey(file string) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	fresh := file + ".new"
	_ = os.Remove(fresh)                                                   // of a process that was killed
	f, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // in the state folder
	if err != nil {
		return nil, err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, errors.Join(err, os.Remove(fresh))
	}
	return text, os.Rename(fresh, file)
}

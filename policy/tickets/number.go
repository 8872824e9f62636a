package tickets

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A number has twelve digits, which people of every language can read aloud: the day on which it was given, chance, and a
// check by a secret of this machine. So a number can be told from a slip of the tongue, and its age is known, without
// anything being kept of it; a number about a name of a legal list, of which nothing is kept, is like all others.

const (
	dayDigits    = 3
	chanceDigits = 5
	checkDigits  = 4
	// Days are counted in a circle of a thousand, far more than a number is answered for.
	dayCircle = 1000
	oneDay    = 24 * time.Hour
)

// dayOf counts the days since 1970 (UTC).
func dayOf(t time.Time) int64 { return t.Unix() / int64(oneDay/time.Second) }

// dateOf gives a counted day as YYYY-MM-DD.
func dateOf(day int64) string {
	return time.Unix(day*int64(oneDay/time.Second), 0).UTC().Format(time.DateOnly)
}

// keyed is a keyed hash of parts, for one purpose.
func (d *Desk) keyed(purpose string, parts ...string) []byte {
	h := hmac.New(sha256.New, d.secret)
	for _, part := range append([]string{purpose}, parts...) {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return h.Sum(nil)
}

// check gives the last digits of a number.
func (d *Desk) check(digits string) string {
	n := binary.BigEndian.Uint64(d.keyed("number", digits)) % 10_000
	return fmt.Sprintf("%0*d", checkDigits, n)
}

// draw makes a number of a day, in groups of four digits.
func (d *Desk) draw(day int64) (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(100_000))
	if err != nil {
		return "", err
	}
	digits := fmt.Sprintf("%0*d%0*d", dayDigits, day%dayCircle, chanceDigits, n.Int64())
	return grouped(digits + d.check(digits)), nil
}

func grouped(digits string) string { return digits[:4] + "-" + digits[4:8] + "-" + digits[8:] }

// readNumber reads a number as people write it, and tells the day on which it was given.
func (d *Desk) readNumber(text string) (number string, day int64, err error) {
	wrong := refused("number", "this is no number of ours: write its twelve digits, such as 4719-2083-5561")
	if len(text) > 128 {
		return "", 0, wrong
	}
	digits := strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9':
			return r
		case r >= '٠' && r <= '٩':
			return r - '٠' + '0'
		case r >= '۰' && r <= '۹':
			return r - '۰' + '0'
		case strings.ContainsRune(" -\u00a0\u202f", r):
			return -1
		}
		return 'x'
	}, text)
	const known = dayDigits + chanceDigits
	if len(digits) != known+checkDigits || strings.Contains(digits, "x") || !hmac.Equal([]byte(d.check(digits[:known])), []byte(digits[known:])) {
		return "", 0, wrong
	}
	var of int64
	for _, r := range digits[:dayDigits] {
		of = 10*of + int64(r-'0')
	}
	today := dayOf(d.Now())
	day = today - (today%dayCircle-of+dayCircle)%dayCircle
	return grouped(digits), day, nil
}

// readSecret reads the key of numbers and hashes, and makes one where there is none.
func readSecret(folder string) ([]byte, error) {
	path := filepath.Join(folder, "numbers.key")
	text, err := os.ReadFile(path) //nolint:gosec // the state folder
	if err == nil {
		secret, err := hex.DecodeString(strings.TrimSpace(string(text)))
		if err != nil || len(secret) != sha256.Size {
			return nil, fmt.Errorf("%s is no key: remove it, and numbers that were given before are not answered any more", path)
		}
		return secret, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	secret := make([]byte, sha256.Size)
	if _, err := rand.Read(secret); err != nil {
		return nil, err
	}
	return secret, writeFile(path, []byte(hex.EncodeToString(secret)+"\n"), 0o600)
}

// writeFile replaces a file as a whole.
func writeFile(path string, text []byte, mode fs.FileMode) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.new")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // what was there stays
		}
	}()
	_, err = f.Write(text)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

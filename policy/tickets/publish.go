package tickets

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"aead.dev/minisign"
)

// The files of the signed list. Beside each lies its signature, of the same name with .minisig at the end.
const (
	blockedFile  = "blocked.txt"
	exceptedFile = "excepted.txt"
	keyFile      = "list.key"
	detached     = ".minisig"
)

// alwaysThere stands in the files under every category, so that a category which has no name any more can be told from a
// file that was torn. Nothing is ever called so (RFC 6761 section 6.4).
const alwaysThere = "full:always-there.invalid"

// SignedList is what was accepted, as files that a Hearth reads as sources with a key: names that get a category, and names
// that are taken out of the lists of one. Their format is that of v2fly's domain-list-community, with the category as the
// attribute.
type SignedList struct {
	Folder   string `json:"folder,omitempty"` // where Publish has put them
	Key      string `json:"key"`              // minisign public key
	Blocked  int    `json:"blocked"`          // names
	Excepted int    `json:"excepted"`
	Sources  string `json:"sources"` // YAML for lists.sources, "" where nothing was accepted
	Files    []File `json:"-"`
}

// File is one file of the list, or a signature.
type File struct {
	Name string
	Text []byte
}

// SignedList makes the list of what is accepted now, signed with the key in the folder, which it makes where there is none.
func (d *Desk) SignedList() (SignedList, error) {
	secret, err := d.signer()
	if err != nil {
		return SignedList{}, fmt.Errorf("signing the list: %w", err)
	}
	public, ok := secret.Public().(minisign.PublicKey)
	if !ok {
		return SignedList{}, errors.New("signing the list: the key has no public half")
	}
	all := d.Proposals()
	l := SignedList{Key: public.String()}
	categories := map[Action][]string{}
	for _, p := range all {
		if !slices.Contains(categories[p.Action], p.Category) {
			categories[p.Action] = append(categories[p.Action], p.Category)
		}
	}
	for action, name := range map[Action]string{Block: blockedFile, Allow: exceptedFile} {
		text, n := d.write(action, all)
		if action == Block {
			l.Blocked = n
		} else {
			l.Excepted = n
		}
		l.Files = append(l.Files, File{name, text}, File{name + detached, d.sign(secret, name, text)})
	}
	// The signature comes first, so that whoever sees the list change finds the right one beside it.
	slices.SortFunc(l.Files, func(a, b File) int { return cmp.Or(len(b.Name)-len(a.Name), strings.Compare(a.Name, b.Name)) })
	l.Sources = d.sources(l.Key, categories)
	return l, nil
}

// write gives one file, and how many names are in it.
func (d *Desk) write(a Action, all []Proposal) ([]byte, int) {
	var b bytes.Buffer
	about := map[Action]string{Block: "Names that people reported", Allow: "Names that are taken out of the lists of a category"}
	fmt.Fprintf(&b, "# %s, as the operator accepted them. Made by Hearth: hearth reports publish.\n", about[a])
	b.WriteString("# Format: v2fly domain-list-community. The attribute is the category.\n")
	for _, def := range d.Taxonomy().All() {
		if !reserved(def.ID) {
			fmt.Fprintf(&b, "%s @%s\n", alwaysThere, def.ID)
		}
	}
	n := 0
	for _, p := range all {
		if p.Action == a {
			fmt.Fprintf(&b, "domain:%s @%s\n", p.Name, p.Category)
			n++
		}
	}
	return b.Bytes(), n
}

// sign gives the signature of a file.
func (d *Desk) sign(secret minisign.PrivateKey, name string, text []byte) []byte {
	r := minisign.NewReader(bytes.NewReader(text))
	_, _ = io.Copy(io.Discard, r) // of memory
	return r.SignWithComments(secret, "timestamp:"+strconv.FormatInt(d.Now().Unix(), 10)+"\tfile:"+name+"\thashed", "signature of a list of Hearth")
}

// sources gives the YAML by which the list is read.
func (d *Desk) sources(key string, categories map[Action][]string) string {
	var b strings.Builder
	item := func(prefix, file, category, more string) {
		fmt.Fprintf(&b, "    - name: %s-%s\n      path: %s\n      format: v2fly\n      attributes: [%s]\n      categories: [%s]\n      key: %s\n%s",
			prefix, category, strconv.Quote(filepath.Join(d.Folder, file)), category, category, key, more)
	}
	for _, category := range categories[Block] {
		item("reports", blockedFile, category, "")
	}
	for _, category := range categories[Allow] {
		item("appeals", exceptedFile, category, "      except: true\n")
	}
	if b.Len() == 0 {
		return ""
	}
	return "lists:\n  sources:\n" + b.String()
}

// Publish puts the signed list into the folder.
func (d *Desk) Publish(context.Context) (SignedList, error) {
	l, err := d.SignedList()
	if err != nil {
		return l, err
	}
	for _, f := range l.Files {
		if err := writeFile(filepath.Join(d.Folder, f.Name), f.Text, 0o644); err != nil {
			return l, fmt.Errorf("writing the signed list: %w", err)
		}
	}
	l.Folder = d.Folder
	return l, nil
}

// signer reads the key that signs, and makes one where there is none. One that cannot be read is never replaced: whoever
// reads the list trusts it.
func (d *Desk) signer() (minisign.PrivateKey, error) {
	path := filepath.Join(d.Folder, keyFile)
	var secret minisign.PrivateKey
	text, err := os.ReadFile(path) //nolint:gosec // the state folder
	if err == nil {
		if err := secret.UnmarshalText(bytes.TrimSpace(text)); err != nil {
			return secret, fmt.Errorf("%s is no minisign key without a password: put the right one there, or remove it and give everybody who reads the list the new key", path)
		}
		return secret, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return secret, err
	}
	if _, secret, err = minisign.GenerateKey(rand.Reader); err != nil {
		return secret, err
	}
	if text, err = secret.MarshalText(); err != nil {
		return secret, err
	}
	return secret, writeFile(path, append(text, '\n'), 0o600)
}

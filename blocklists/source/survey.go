package source

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// directories is what a UT1 list says of itself before its names are read: by name, whether a directory allows and,
// if it is a link, where it leads.
type directories map[string]directory

type directory struct {
	Allow bool   `json:"allow,omitempty"`
	Alias string `json:"alias,omitempty"`
}

// resolve follows a link once; links to links are not.
func (d directories) resolve(name string) string {
	if alias := d[name].Alias; alias != "" {
		return alias
	}
	return name
}

// survey reads the directories, links and usage files of the UT1 list at path, an archive or a folder.
func survey(path string, maxInflated int64) (directories, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return surveyFolder(path)
	}
	file, err := os.Open(path) //nolint:gosec // a kept list, or the operator's own path
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return surveyTar(file, maxInflated)
}

func surveyTar(r io.Reader, maxInflated int64) (directories, error) {
	left := maxInflated
	plain, err := inflate(r, &left)
	if err != nil {
		return nil, err
	}
	found := directories{}
	for tr := tar.NewReader(plain); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return found, nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return nil, fmt.Errorf("reading UT1 archive: %w", err)
		}
		found.member(h, tr)
	}
}

// member notes what one member of an archive tells.
func (d directories) member(h *tar.Header, r io.Reader) {
	m, ok := memberOf(h)
	if !ok {
		return
	}
	switch h.Typeflag {
	case tar.TypeSymlink: // blacklists/porn -> adult: here m.file is the directory
		if isDirectoryName(m.file) {
			d[m.file] = directory{Alias: siblingName(h.Linkname)}
		}
	case tar.TypeReg:
		if m.directory == "" {
			return
		}
		seen := d[m.directory]
		if m.file == "usage" {
			left := int64(maxLine)
			if plain, err := inflate(r, &left); err == nil {
				seen.Allow = usage(plain)
			}
		}
		d[m.directory] = seen
	}
}

func surveyFolder(path string) (directories, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	found := directories{}
	err = eachDirectory(root, func(in *os.Root, entry fs.DirEntry) error {
		if entry.Type()&fs.ModeSymlink != 0 {
			link, err := in.Readlink(entry.Name())
			if sibling := siblingName(link); err == nil && sibling != "" {
				found[entry.Name()] = directory{Alias: sibling}
			}
			return nil
		}
		if !entry.IsDir() {
			return nil
		}
		var seen directory
		m := member{directory: entry.Name(), file: "usage"}
		err := readMember(in, m, func(r io.Reader) error {
			left := int64(maxLine)
			plain, err := inflate(r, &left)
			if err == nil {
				seen.Allow = usage(plain)
			}
			return err
		})
		found[entry.Name()] = seen
		if errors.Is(err, errOutside) {
			return nil
		}
		return err
	})
	return found, err
}

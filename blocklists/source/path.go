package source

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ParsePath is Parse for what lies at path: a file, or a folder. The folder of a UT1 list is its layout of
// directories, or one that holds it as "blacklists"; of any other format every regular file that is not hidden is
// read, in the order of the names. A file of a v2fly list includes others of its folder. Links that leave the folder
// are not followed.
func ParsePath(path string, f Format, o Options, emit func(Item) error) (Report, error) {
	p, err := newParser(f, o, emit)
	if err != nil {
		return Report{}, err
	}
	err = p.finish(p.readPath(path))
	return p.report, err
}

func (p *parser) readPath(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return p.readFolder(path)
	}
	file, err := os.Open(path) //nolint:gosec // the operator's own path
	if err != nil {
		return err
	}
	defer file.Close()
	if p.format == V2fly || p.format == Auto {
		if p.root, err = os.OpenRoot(filepath.Dir(path)); err == nil {
			defer p.root.Close()
		}
		p.name = filepath.Base(path)
	}
	return p.read(file)
}

func (p *parser) readFolder(path string) error {
	root, err := os.OpenRoot(path)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := p.detectFolder(root); err != nil {
		return err
	}
	if p.format == UT1 {
		return p.readDirectories(root)
	}
	names, err := listFiles(root)
	if err != nil {
		return err
	}
	p.siblings = make(map[string]bool)
	for _, name := range names {
		p.siblings[name] = true
	}
	for _, name := range names {
		p.file, p.name = name, name
		if err := readFile(root, name, p.read); err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
	}
	return nil
}

// listFiles returns the files of a folder that are read as a list, by name.
func listFiles(root *os.Root) ([]string, error) {
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		if entry.Type().IsRegular() && !strings.HasPrefix(entry.Name(), ".") {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

// readDirectories reads the wanted directories of a UT1 folder. A directory that is a link is read under the name
// that it links to, or not at all.
func (p *parser) readDirectories(root *os.Root) error {
	return eachDirectory(root, func(in *os.Root, entry fs.DirEntry) error {
		if !entry.IsDir() || !p.wants(entry.Name()) {
			return nil
		}
		for _, file := range []string{"domains", "urls", "expressions"} {
			m := member{directory: entry.Name(), file: file}
			err := readMember(in, m, func(r io.Reader) error { return p.readUT1(r, m) })
			if errors.Is(err, errOutside) {
				p.reject(ReasonUnsafePath, []byte(m.directory+"/"+m.file))
			} else if err != nil {
				return err
			}
		}
		return nil
	})
}

// eachDirectory calls use for what lies in the folder of a UT1 list, by name.
func eachDirectory(root *os.Root, use func(in *os.Root, entry fs.DirEntry) error) error {
	if inner, err := root.OpenRoot("blacklists"); err == nil {
		defer inner.Close()
		root = inner
	}
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !isDirectoryName(entry.Name()) {
			continue
		}
		if err := use(root, entry); err != nil {
			return err
		}
	}
	return nil
}

// readMember opens a file of a UT1 directory, packed or not; one that is not there is no error.
func readMember(root *os.Root, m member, use func(io.Reader) error) error {
	for _, name := range []string{m.file, m.file + ".gz"} {
		err := readFile(root, m.directory+"/"+name, use)
		if !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

// errOutside is a link that leaves the folder.
var errOutside = errors.New("the link leads out of the folder")

func readFile(root *os.Root, name string, use func(io.Reader) error) error {
	file, err := root.Open(name)
	if err != nil {
		if info, broken := root.Lstat(name); broken == nil && info.Mode()&fs.ModeSymlink != 0 && !os.IsNotExist(err) {
			return errOutside
		}
		return err
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return err
	}
	return use(file)
}

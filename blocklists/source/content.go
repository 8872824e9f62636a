package source

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// content is the state of what lies at a path, a file or a folder with all beneath it.
type content struct {
	stamp   string // changes when a name, size or time changes
	bytes   int64
	changed time.Time // of the newest file
}

// stat takes the state of path without reading the files.
func stat(path string) (content, error) {
	var c content
	sum := sha256.New()
	err := eachFile(path, func(name string, info fs.FileInfo) error {
		fmt.Fprintf(sum, "%q %d %d\n", name, info.Size(), info.ModTime().UnixNano())
		c.bytes += info.Size()
		if info.ModTime().After(c.changed) {
			c.changed = info.ModTime()
		}
		return nil
	})
	c.stamp = hex.EncodeToString(sum.Sum(nil))
	return c, err
}

// digest reads what lies at path and names its content.
func digest(path string) (string, error) {
	sum := sha256.New()
	err := eachFile(path, func(name string, info fs.FileInfo) error {
		if name != "." {
			fmt.Fprintf(sum, "%q %d\n", name, info.Size())
		}
		return hashFile(sum, filepath.Join(path, name))
	})
	return hex.EncodeToString(sum.Sum(nil)), err
}

func hashFile(sum hash.Hash, path string) error {
	file, err := os.Open(path) //nolint:gosec // the operator's own path, or the library's
	if err != nil {
		return err
	}
	_, err = io.Copy(sum, file)
	return errors.Join(err, file.Close())
}

// eachFile visits the regular files at path in the order of their names; a file itself is named ".". Links within a
// folder are not followed.
func eachFile(path string, use func(name string, info fs.FileInfo) error) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return use(".", info)
	}
	return fs.WalkDir(os.DirFS(path), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		return use(name, info)
	})
}

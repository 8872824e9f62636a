package source

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// tempMark is in the name of every file that is being written.
const tempMark = ".tmp-"

// beforeStep is called before each change to a file of a library; an error is that of the disk. Tests end the process
// there, or fill the disk.
var beforeStep = func(string) error { return nil }

// createTemp opens a new file that is to become the one at path.
func createTemp(path string) (*os.File, error) {
	if err := beforeStep("create"); err != nil {
		return nil, err
	}
	return os.CreateTemp(filepath.Dir(path), filepath.Base(path)+tempMark)
}

// writeFile replaces the file at path by what write writes, or leaves it as it is: a temporary file in the same
// folder is written, synced and renamed, and the folder synced, so that a power loss leaves the old or the new one.
func writeFile(path string, mode fs.FileMode, write func(io.Writer) error) error {
	temp, err := createTemp(path)
	if err != nil {
		return err
	}
	defer discard(temp)
	if err := write(temp); err != nil {
		return err
	}
	return commit(temp, path, mode)
}

// discard removes a temporary file, unless commit has closed and renamed it.
func discard(temp *os.File) {
	_ = temp.Close()
	_ = os.Remove(temp.Name())
}

// emptied makes a temporary file as it was when it was new.
func emptied(temp *os.File) error {
	if _, err := temp.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return temp.Truncate(0)
}

// commit makes an open temporary file durable under its final name and closes it.
func commit(temp *os.File, path string, mode fs.FileMode) error {
	if err := errors.Join(beforeStep("sync"), temp.Chmod(mode), temp.Sync(), temp.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Base(path), err)
	}
	return rename(temp.Name(), path)
}

// rename gives a file another name in its folder, durably.
func rename(from, to string) error {
	if err := beforeStep("rename"); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	if err := beforeStep("sync folder"); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(to))
}

// syncFolder makes a rename durable. Windows cannot and need not.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	folder, err := os.Open(path) //nolint:gosec // the library's own folder
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// sweep removes temporary files that a crash left an hour and more before now.
func sweep(folder string, now time.Time) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && strings.Contains(e.Name(), tempMark) && now.Sub(info.ModTime()) > time.Hour {
			_ = os.Remove(filepath.Join(folder, e.Name())) // only tidiness
		}
	}
}

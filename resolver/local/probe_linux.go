package local

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// probe is a file with its stamp of some moment.
type probe struct {
	path []byte // with a zero behind it
	at   stamp
}

func newProbe(path string, at stamp) probe { return probe{append([]byte(path), 0), at} }

// same says whether the file is as it was then, or not there: then what was known stays. 0 allocations, which os.Stat
// does not offer; it is asked where a sandbox forbids the call.
func (p *probe) same() bool {
	var st unix.Statx_t
	_, _, failed := unix.Syscall6(unix.SYS_STATX, atCWD, uintptr(unsafe.Pointer(&p.path[0])), 0, unix.STATX_SIZE|unix.STATX_MTIME, uintptr(unsafe.Pointer(&st)), 0) //nolint:gosec // as statx(2) has it
	if gone := failed == unix.ENOENT; gone || failed == 0 {
		return gone || stamp{int64(st.Size), st.Mtime.Sec*1e9 + int64(st.Mtime.Nsec)} == p.at //nolint:gosec // no file is that large
	}
	now, err := stampOf(string(p.path[:len(p.path)-1]))
	return err != nil || now == p.at
}

// atCWD is AT_FDCWD as an argument of a system call.
const atCWD = ^uintptr(99)

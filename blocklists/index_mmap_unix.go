//go:build unix

package blocklists

import "golang.org/x/sys/unix"

// allocate returns zeroed memory outside the heap. It belongs to no file: a mapping of the file itself would end
// the program when somebody cut the file, and would let the kernel drop pages that a query then waits for.
func allocate(size int) ([]byte, error) {
	return unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
}

// protect makes memory that is filled read-only.
func protect(memory []byte) error {
	advise(memory)
	return unix.Mprotect(memory, unix.PROT_READ)
}

// release gives memory back. It fails only for memory that is not from allocate.
func release(memory []byte) { _ = unix.Munmap(memory) }

package blocklists

import "golang.org/x/sys/unix"

// advise asks for huge pages, which take no more memory and spare look-ups the misses of address translation: they
// cost 7 % less among 5 million names, 9 % less among 20 million. Memory that is filled already gets them bit by bit
// from a thread of the kernel; asked for before, they made opening 37 MB take 160 ms instead of 70 on a virtual
// machine. A system without them says no, and nothing is lost.
func advise(memory []byte) { _ = unix.Madvise(memory, unix.MADV_HUGEPAGE) }

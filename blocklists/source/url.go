package source

import (
	"bytes"
	"strconv"
)

// splitURL returns the host, with its port, of a URL or of host/path, and whether something behind it narrows the
// entry to a part of the host. A fragment never reaches a server and does not count.
func splitURL(text []byte) (host []byte, path bool) {
	_, rest, scheme := bytes.Cut(text, []byte("://"))
	if scheme {
		text = rest
	}
	host, tail := text, []byte(nil)
	if i := bytes.IndexAny(text, "/?#"); i >= 0 {
		host, tail = text[:i], text[i:]
	}
	if i := bytes.LastIndexByte(host, '@'); scheme && i >= 0 {
		host = host[i+1:]
	}
	tail = bytes.TrimPrefix(cutComment(tail), []byte("/"))
	return host, len(tail) > 0
}

// cutPort takes a port off; ok is false where what follows the colon is none.
func cutPort(host []byte) (rest []byte, ok bool) {
	i := bytes.IndexByte(host, ':')
	if i < 0 {
		return host, true
	}
	port, err := strconv.ParseUint(string(host[i+1:]), 10, 16)
	return host[:i], err == nil && port > 0
}

func isASCII(text []byte) bool {
	for _, c := range text {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

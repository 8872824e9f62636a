package console

import (
	"net/http"
	"strconv"
	"sync"

	"github.com/hearthdns/hearth/policy/portal"
)

// icon serves the sign of a size, drawn when it is first asked for.
func icon(size int) http.HandlerFunc {
	drawn := sync.OnceValue(func() []byte { return portal.Icon(size) })
	return func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "image/png")
		h.Set("Content-Length", strconv.Itoa(len(drawn())))
		h.Set("Cache-Control", "max-age=86400")
		_, _ = w.Write(drawn())
	}
}

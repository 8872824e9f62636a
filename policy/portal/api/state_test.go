package api_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestStateRoutes holds that what goes wrong is told where nothing was written yet, and that half a file never looks
// like a whole one.
func TestStateRoutes(t *testing.T) {
	h := open(t)
	ctl := h.controls
	server := httptest.NewServer(h.Local())
	defer server.Close()
	get := func(path string) (status int, body string, err error) {
		t.Helper()
		response, err := http.Get(server.URL + path)
		if err != nil {
			return 0, "", err
		}
		defer response.Body.Close()
		b, err := io.ReadAll(response.Body)
		return response.StatusCode, string(b), err
	}
	if status, body, err := get("/v1/backup"); status != http.StatusOK || body != "half" || err != nil {
		t.Errorf("backup: %d %q %v", status, body, err)
	}
	if status, body, err := get("/v1/export?household=home"); status != http.StatusOK || body != `{"home": 1}` || err != nil {
		t.Errorf("export: %d %q %v", status, body, err)
	}
	ctl.broken = errors.New("worn out")
	if _, body, err := get("/v1/backup"); err == nil {
		t.Errorf("half a backup was taken for a whole one: %q", body)
	}
	if status, body, _ := get("/v1/export"); status != http.StatusUnprocessableEntity || !strings.Contains(body, "worn out") {
		t.Errorf("a refused export: %d %q", status, body)
	}
	if _, body, _ := get("/v1/status"); !strings.Contains(body, "worn out") {
		t.Errorf("the status does not warn: %q", body)
	}
}

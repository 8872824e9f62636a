package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/hearthdns/hearth/policy/portal/api/testdata/client"
)

// The client is made of the document by another project's generator. After a change of routes:
//
//	go test ./policy/portal/api -run TestClientIsOfThisDocument -update && go generate ./policy/portal/api
//
//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2 -generate types,client -package client -o testdata/client/client.gen.go testdata/client/openapi.json

var update = flag.Bool("update", false, "write the document of which the client is generated")

// TestClientIsOfThisDocument holds that the generated client knows the routes as they are. So that it stays small, all
// problems of a route are one answer for it.
func TestClientIsOfThisDocument(t *testing.T) {
	h := open(t)
	doc, _ := h.document()
	doc["info"].(map[string]any)["version"] = "1"
	for _, of := range doc["paths"].(map[string]any) {
		for _, o := range of.(map[string]any) {
			answers := o.(map[string]any)["responses"].(map[string]any)
			for code, answer := range answers {
				if n, err := strconv.Atoi(code); err == nil && n >= 400 {
					answer.(map[string]any)["description"] = "Problem"
					answers["default"] = answer
					delete(answers, code)
				}
			}
		}
	}
	text, err := json.MarshalIndent(doc, "", " ")
	h.ok(err)
	file := filepath.Join("testdata", "client", "openapi.json")
	if *update {
		h.ok(os.WriteFile(file, append(text, '\n'), 0o600))
	}
	if kept, err := os.ReadFile(file); err != nil || !bytes.Equal(bytes.TrimSpace(kept), text) {
		t.Errorf("%s is of other routes (%v): run this test with -update, then go generate", file, err)
	}
}

// TestGeneratedClient: a client that a generator made of the document does what a parent does.
func TestGeneratedClient(t *testing.T) {
	h := open(t, withTokens(holders()))
	server := httptest.NewServer(h.Remote())
	defer server.Close()
	c := must(client.NewClientWithResponses(server.URL, client.WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer parent")
		return nil
	})))
	ctx := t.Context()
	all := must(c.ListHouseholdsWithResponse(ctx, nil))
	if all.StatusCode() != http.StatusOK || len(all.JSON200.Items) != 1 || all.JSON200.Items[0].Id != "one" {
		t.Fatalf("the households are %d %s", all.StatusCode(), all.Body)
	}
	mia, half := "Mia", "30m"
	pause := must(c.PauseWithResponse(ctx, "-", client.PauseJSONRequestBody{Member: &mia, For: &half}))
	if pause.StatusCode() != http.StatusCreated || pause.JSON201.What != "pause" || *pause.JSON201.Member != "Mia" {
		t.Fatalf("the pause is %d %s", pause.StatusCode(), pause.Body)
	}
	acts := must(c.ListActsWithResponse(ctx, "one", nil))
	if acts.StatusCode() != http.StatusOK || len(acts.JSON200.Items) != 1 || acts.JSON200.Items[0].Id != pause.JSON201.Id {
		t.Errorf("in force is %d %s", acts.StatusCode(), acts.Body)
	}
	if over := must(c.EndPauseWithResponse(ctx, "one", client.EndPauseJSONRequestBody{Member: &mia})); over.StatusCode() != http.StatusOK {
		t.Errorf("the end is %d %s", over.StatusCode(), over.Body)
	}
	value := "casino.example"
	grant := must(c.GrantWithResponse(ctx, "one", client.GrantJSONRequestBody{Kind: "name", Value: &value, Member: &mia, For: &half}))
	if grant.StatusCode() != http.StatusCreated {
		t.Fatalf("the grant is %d %s", grant.StatusCode(), grant.Body)
	}
	if gone := must(c.RevokeGrantWithResponse(ctx, "one", grant.JSON201.Id)); gone.StatusCode() != http.StatusOK {
		t.Errorf("revoked: %d %s", gone.StatusCode(), gone.Body)
	}
	wrong := must(c.GetHouseholdWithResponse(ctx, "two"))
	if wrong.StatusCode() != http.StatusNotFound || wrong.ApplicationproblemJSONDefault == nil || wrong.ApplicationproblemJSONDefault.Detail == "" {
		t.Errorf("of another household: %d %s", wrong.StatusCode(), wrong.Body)
	}
}

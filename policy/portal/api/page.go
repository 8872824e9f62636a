package api

import (
	"encoding/base64"
	"net/http"
	"strconv"
)

const (
	// pageLimit is how many items a page has if nothing is said: as many as a person looks through.
	pageLimit = 100
	// maxPage bounds them: a thousand of the longest items are under 2 MB.
	maxPage = 1000
)

// Paging is which page of a list is asked for.
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"how many items at most"`
	Cursor string `query:"cursor" maxLength:"32" doc:"next of the page before; a list that changes meanwhile may tell an item twice, or not"`
}

// Page is a part of a list.
type Page[T any] struct {
	Items []T    `json:"items" nullable:"false"`
	Next  string `json:"next,omitempty" doc:"the cursor of the next page; not there: this is the last"`
}

// page cuts one out of a list.
func page[T any](p Paging, all []T) (Page[T], error) {
	from, limit := 0, p.Limit
	if limit <= 0 || limit > maxPage {
		limit = pageLimit
	}
	if p.Cursor != "" {
		text, err := base64.RawURLEncoding.DecodeString(p.Cursor)
		if err == nil {
			from, err = strconv.Atoi(string(text))
		}
		if err != nil || from < 0 {
			return Page[T]{}, badCursor()
		}
	}
	out := Page[T]{Items: []T{}}
	if from >= len(all) {
		return out, nil
	}
	to := min(from+limit, len(all))
	out.Items = append(out.Items, all[from:to]...)
	if to < len(all) {
		out.Next = base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(to)))
	}
	return out, nil
}

func badCursor() *Problem {
	return &Problem{Status: http.StatusBadRequest, Field: "cursor", Detail: "this is no cursor: write next of the page before, or leave it out"}
}
